package main

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"
)

// reservedFiles is what the process keeps open beside its connections:
// listeners, epoll instances, logs, and a spare to refuse with when it is full.
const reservedFiles = 64

// raiseFileLimit raises the soft limit on open files to the hard one, and says
// what that can hold: a gateway that meets the limit meets it at the worst
// time, so it should be read in the first lines of the log.
func raiseFileLimit(ctx context.Context, log *slog.Logger) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("file limit: %w", err)
	}
	before := limit.Cur
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			log.LogAttrs(ctx, slog.LevelWarn, "the soft file limit stays as it is", slog.Any("err", err))
			limit.Cur = before
		}
	}
	holds := uint64(0)
	if limit.Cur > reservedFiles {
		holds = limit.Cur - reservedFiles
	}
	log.LogAttrs(ctx, slog.LevelInfo, "file limit", slog.Uint64("soft", limit.Cur), slog.Uint64("hard", limit.Max),
		slog.Uint64("connections", holds))
	return nil
}
