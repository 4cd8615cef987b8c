package main

import (
	"github.com/spf13/cobra"

	"outrider/bench"
)

// checkCommand reads a ledger again.
func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR",
		Short: "Say what is wrong in the ledger that a run of the city left in a directory",
		RunE: func(cmd *cobra.Command, args []string) error {
			return benchError(bench.CheckLedger(cmd.OutOrStdout(), args...))
		},
	}
}
