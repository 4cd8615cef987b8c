package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"outrider/bench"
)

// benchCommand is the load harness, in the gateway's binary so that both are
// at hand wherever one is.
func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Load a server of Socket.IO, and measure it",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, s := range bench.Scenarios() {
		cmd.AddCommand(scenarioCommand(s))
	}
	cmd.AddCommand(compareCommand(), peersCommand(), simCommand(), reportCommand(), mergeCommand(), checkCommand(), floorCommand(), workerCommand())
	return cmd
}

// scenarioCommand runs one scenario, and those that its arguments name.
func scenarioCommand(s bench.Scenario) *cobra.Command {
	o := bench.DefaultOptions()
	var output string
	cmd := &cobra.Command{
		Use:   s.Name + " [scenario...]",
		Short: strings.ToUpper(s.Short[:1]) + s.Short[1:],
		RunE: func(cmd *cobra.Command, args []string) error {
			scenarios, err := bench.Lookup(append([]string{s.Name}, args...)...)
			if err != nil {
				return benchError(err)
			}
			benchHere(cmd, o)
			report, err := bench.Run(cmd.Context(), o, scenarios)
			return errors.Join(benchError(err), writeReport(cmd, report, report == nil, output))
		},
	}
	o.Flags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write the report to, as JSON")
	return cmd
}

func compareCommand() *cobra.Command {
	o := bench.DefaultOptions()
	var output, vs string
	cmd := &cobra.Command{
		Use:   "compare [scenario...]",
		Short: "Run scenarios against another server, ours, and the other again, and print ratios",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"connect", "fanout", "unicast", "idle"}
			}
			scenarios, err := bench.Lookup(args...)
			if err != nil {
				return benchError(err)
			}
			benchHere(cmd, o)
			comparison, err := bench.Compare(cmd.Context(), o, scenarios, vs)
			return errors.Join(benchError(err), writeReport(cmd, comparison, comparison == nil, output))
		},
	}
	o.Flags(cmd.Flags())
	cmd.Flags().StringVar(&vs, "vs", "floor", "the other: floor, a `URL`, a report of an earlier run, or a target as in --target")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write both reports to, as JSON")
	return cmd
}

func mergeCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "merge report.json report.json...",
		Short: "Make one report of several harnesses that ran at the same time",
		RunE: func(cmd *cobra.Command, args []string) error {
			reports := make([]*bench.Report, len(args))
			for i, file := range args {
				var err error
				if reports[i], err = bench.ReadReport(file); err != nil {
					return err
				}
			}
			merged, err := bench.Merge(reports...)
			return errors.Join(benchError(err), writeReport(cmd, merged, merged == nil, output))
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write the report to, as JSON")
	return cmd
}

func floorCommand() *cobra.Command {
	var listen string
	var ping time.Duration
	var writers int
	cmd := &cobra.Command{
		Use:   "floor",
		Short: "Serve as little as can be served: what compare compares with",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchError(bench.Floor(cmd.Context(), listen, ping, writers))
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:3001", "`address` for clients and pushes")
	cmd.Flags().DurationVar(&ping, "ping-interval", 25*time.Second, "time between heartbeats")
	cmd.Flags().IntVar(&writers, "writers", 1, "threads that share the writing of a fan-out")
	return cmd
}

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "worker",
		Short:  "Hold clients for the harness, which speaks to it over its standard input and output",
		Args:   noArguments,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.WorkerMain(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// benchHere tells the harness how this binary is started again, and who
// watches.
func benchHere(cmd *cobra.Command, o *bench.Options) {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	o.Launch = bench.Launch{
		Worker:  []string{self, "bench", "worker"},
		Floor:   []string{self, "bench", "floor"},
		Gateway: []string{self, "serve", "--log-level", "error"},
	}
	o.Progress = cmd.ErrOrStderr()
	if f, ok := o.Progress.(*os.File); ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		o.Terminal = err == nil
	}
}

// writeReport writes a table, and the JSON if a file for it was named.
func writeReport(cmd *cobra.Command, r interface {
	WriteTable(w io.Writer) error
	WriteFile(file string) error
}, nothing bool, file string,
) error {
	if nothing {
		return nil
	}
	err := r.WriteTable(cmd.OutOrStdout())
	if file != "" {
		err = errors.Join(err, r.WriteFile(file))
	}
	return err
}

func benchError(err error) error {
	if errors.Is(err, bench.ErrUsage) {
		return usageError{fmt.Errorf("%w", err)}
	}
	return err
}
