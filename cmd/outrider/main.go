// Command outrider is a push gateway: it holds the connections of socket.io
// clients and puts on them what a back end posts over HTTP.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes are part of the interface: scripts and service managers act on
// them.
const (
	exitOK      = 0
	exitRuntime = 1 // it ran, or tried to, and failed
	exitUsage   = 2 // the command line is wrong
	exitConfig  = 3 // a setting is wrong
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command runs one command line and returns its exit code. An error is one
// line on stderr.
func command(args []string, stdout, stderr io.Writer) int {
	signal.Ignore(syscall.SIGHUP) // nothing to reload yet, and no reason to end
	ctx, stop := untilSignal()
	defer stop()

	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "outrider:", err)
	}
	return exitCode(err)
}

// untilSignal returns a context that ends at the first SIGTERM or SIGINT. By
// then the signals have their default action back: a second one ends the
// process at once, whatever the first is still waiting for.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	}()
	return ctx, cancel
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// configError is a setting that cannot be used, wherever it was set.
type configError struct{ error }

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[configError](err); ok {
		return exitConfig
	}
	return exitRuntime
}
