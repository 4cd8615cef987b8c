package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "library:", err)
		os.Exit(1)
	}
}

// options say how much is measured.
type options struct {
	clients    int // of echo and ack
	binary     int // clients of binary
	audience   int // clients of broadcast
	broadcasts int
	warm       time.Duration
	measured   time.Duration
	settle     time.Duration // before memory is looked at
	servers    []contender   // ours first
}

// run is the program: the driver, or our server.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "serve" {
		return serve(ctx, args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return o.measure(ctx, out)
}

func parse(args []string) (*options, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := &options{servers: []contender{
		{"ours", []string{self, "serve", addrMark}},
		{"inline", []string{self, "serve", "-inline", addrMark}},
	}}
	flags := flag.NewFlagSet("library", flag.ContinueOnError)
	flags.IntVar(&o.clients, "n", 100, "clients of echo and ack")
	flags.IntVar(&o.binary, "binary", 8, "clients of binary")
	flags.IntVar(&o.audience, "audience", 10_000, "clients of broadcast")
	flags.IntVar(&o.broadcasts, "broadcasts", 20, "how many broadcasts are measured")
	flags.DurationVar(&o.warm, "warm", time.Second, "how long clients work before anything is measured")
	flags.DurationVar(&o.measured, "for", 3*time.Second, "how long is measured")
	flags.DurationVar(&o.settle, "settle", 2*time.Second, "how long clients are idle before memory is looked at")
	flags.Func("peer", "another server, as NAME=COMMAND with {addr} in it; may be repeated", func(text string) error {
		c, err := parseContender(text)
		o.servers = append(o.servers, c)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%s: what is this?", flags.Arg(0))
	}
	return o, o.validate()
}

// maxClients is what fits below a limit of 20,000 open files, with some to spare.
const maxClients = 19_000

func (o *options) validate() error {
	for _, n := range []struct {
		flag  string
		value int
		max   int
	}{{"n", o.clients, maxClients}, {"binary", o.binary, 1000}, {"audience", o.audience, maxClients}, {"broadcasts", o.broadcasts, 10_000}} {
		if n.value < 1 || n.value > n.max {
			return fmt.Errorf("-%s: must be 1 to %d, is %d", n.flag, n.max, n.value)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"warm", o.warm}, {"for", o.measured}, {"settle", o.settle}} {
		if d.value <= 0 || d.value > patience/3 {
			return fmt.Errorf("-%s: must be above 0 and at most %v, is %v", d.flag, patience/3, d.value)
		}
	}
	return nil
}

// measure runs all operations on all servers, and writes the table. A server
// that fails leaves a gap in it, and an error.
func (o *options) measure(ctx context.Context, out io.Writer) error {
	type test struct {
		title string
		run   func(context.Context, *options, *server) ([]figure, error)
	}
	var tests []test
	for _, op := range operations() {
		title := fmt.Sprintf("%s, %d clients", op.name, op.clients(o))
		tests = append(tests, test{title, func(ctx context.Context, o *options, s *server) ([]figure, error) {
			return runRoundTrips(ctx, o, s, op)
		}})
	}
	tests = append(tests, test{fmt.Sprintf("broadcast, %d clients", o.audience), runBroadcast})

	var failed error
	sections := make([]section, len(tests))
	for i, t := range tests {
		sections[i] = section{title: t.title}
		for _, c := range o.servers {
			figures, err := o.on(ctx, c, t.run)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s, %s: %w", c.name, t.title, err))
				figures = nil
			}
			sections[i].figures = append(sections[i].figures, figures)
		}
	}
	fmt.Fprintf(out, "%d processors, %s; servers, and clients of the driver, share them\n\n", runtime.NumCPU(), runtime.Version())
	return errors.Join(write(out, o.servers, sections), failed)
}

// on runs one test on a server of its own.
func (o *options) on(ctx context.Context, c contender, test func(context.Context, *options, *server) ([]figure, error)) ([]figure, error) {
	s, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	return test(ctx, o, s)
}
