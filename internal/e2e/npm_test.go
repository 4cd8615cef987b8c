package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// installClients runs `npm ci` unless node_modules already holds what package-lock.json says. Two test processes at once
// take turns.
func installClients() error {
	wanted, err := lockedPackages("package-lock.json")
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
	// npm keeps a lock file of what it has installed.
	if installed, err := lockedPackages(filepath.Join("node_modules", ".package-lock.json")); err == nil && maps.Equal(installed, wanted) {
		return nil
	}
	if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w (the end-to-end tests need Node with npm)\n%s", err, out)
	}
	return nil
}

// lockedPackages returns the hash of each package in a lock file, by the path at which it is installed.
func lockedPackages(name string) (map[string]string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Integrity string `json:"integrity"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	hashes := make(map[string]string)
	for path, pkg := range lock.Packages {
		if path != "" { // the directory itself
			hashes[path] = pkg.Integrity
		}
	}
	return hashes, nil
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
