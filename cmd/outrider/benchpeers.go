package main

import (
	"errors"

	"github.com/spf13/cobra"

	"outrider/bench"
)

// peersCommand runs the same load against us, the floor, and whatever else one
// would pick.
func peersCommand() *cobra.Command {
	o := bench.DefaultOptions()
	var output string
	var named []string
	cmd := &cobra.Command{
		Use:   "peers [scenario...] --peer NAME=TARGET",
		Short: "Run scenarios against the floor, ours, other servers, and the floor again, in one table",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"connect", "fanout", "unicast", "idle"}
			}
			scenarios, err := bench.Lookup(args...)
			if err != nil {
				return benchError(err)
			}
			peers := make([]bench.Peer, len(named))
			for i, text := range named {
				if peers[i], err = bench.ParsePeer(text); err != nil {
					return benchError(err)
				}
			}
			benchHere(cmd, o)
			all, err := bench.RunPeers(cmd.Context(), o, scenarios, peers)
			return errors.Join(benchError(err), writeReport(cmd, all, all == nil, output))
		},
	}
	o.Flags(cmd.Flags())
	cmd.Flags().StringArrayVar(&named, "peer", nil, "another server as `NAME=TARGET`, with a target as in --target; repeatable")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write all reports to, as JSON")
	return cmd
}
