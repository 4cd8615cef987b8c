package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// rootCommand is the command line. Without a verb it serves, since that is
// what a container or a service file wants.
func rootCommand() *cobra.Command {
	root := serveCommand()
	root.Use = "outrider"
	root.Short = "Real-time push gateway for socket.io clients"
	root.SilenceErrors = true // main prints them, on one line
	root.SilenceUsage = true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(serveCommand(), versionCommand(), benchCommand())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return root
}

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway (also what happens without a verb)",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd.Flags(), os.Environ())
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, newLogger(cfg, os.Stderr))
		},
	}
	scratch := defaultConfig() // loadConfig puts the layers together
	cmd.Flags().AddFlagSet(scratch.flags())
	cmd.Flags().StringP("config", "c", "", "YAML `file` with the settings below, by the same names (OUTRIDER_CONFIG)")
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "outrider %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// version is the module's, with the commit if the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && v == "(devel)" {
			v += "-" + s.Value[:12]
		}
	}
	return v
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return usageError{fmt.Errorf("unknown command %q", args[0])}
	}
	return usageError{fmt.Errorf("%s takes no argument, got %q", cmd.Name(), args[0])}
}
