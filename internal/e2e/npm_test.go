package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// installClients runs `npm ci` unless node_modules already holds what package-lock.json says. The lock file's hash is
// left in node_modules by whoever installed it, so a change of the lock installs anew. Two test processes at once take
// turns.
func installClients() error {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		return err
	}
	turn, err := os.Open("package.json")
	if err != nil {
		return err
	}
	defer turn.Close()
	if err := unix.Flock(int(turn.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("waiting for another npm ci: %w", err)
	}

	sum := fmt.Appendf(nil, "%x\n", sha256.Sum256(lock))
	stamp := filepath.Join("node_modules", ".outrider-lock")
	if had, err := os.ReadFile(stamp); err == nil && bytes.Equal(had, sum) {
		return nil
	}
	if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w (the end-to-end tests need Node with npm)\n%s", err, out)
	}
	return os.WriteFile(stamp, sum, 0o644)
}

// TestLockFile: the lock says which packages, by version and hash; where they are downloaded from is each machine's own
// matter.
func TestLockFile(t *testing.T) {
	t.Parallel()
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error("package-lock.json holds download addresses: run npm in this directory, so that its .npmrc is in force")
	}
}
