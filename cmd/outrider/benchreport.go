package main

import (
	"bytes"
	"os"

	"github.com/spf13/cobra"

	"outrider/bench"
)

// reportCommand makes a page of what other commands wrote with -o.
func reportCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "report run.json...",
		Short: "Make one page of HTML with charts of reports, comparisons and runs beside peers",
		RunE: func(_ *cobra.Command, args []string) error {
			page, err := bench.NewPage(args...)
			if err != nil {
				return benchError(err)
			}
			var text bytes.Buffer
			if err := page.WriteHTML(&text); err != nil {
				return err
			}
			return os.WriteFile(output, text.Bytes(), 0o644)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "report.html", "`file` to write the page to")
	return cmd
}
