package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// fixture is what all tests share: the gateway's binary, and one driver process for each client version, started when
// the first test needs it.
type fixture struct {
	binary  string
	drivers map[string]*lazyDriver
}

var shared fixture

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "outrider-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)

	if shared.binary, err = gatewayBinary(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	shared.drivers = make(map[string]*lazyDriver)
	for _, v := range versions {
		shared.drivers[v] = &lazyDriver{version: v}
	}
	defer func() {
		for _, d := range shared.drivers {
			d.stop()
		}
	}()
	return m.Run()
}

// gatewayBinary builds cmd/outrider into dir, unless the environment names a gateway that is built already.
func gatewayBinary(dir string) (string, error) {
	if b := os.Getenv("OUTRIDER_BINARY"); b != "" {
		return filepath.Abs(b)
	}
	binary := filepath.Join(dir, "outrider")
	out, err := exec.Command("go", "build", "-o", binary, "outrider/cmd/outrider").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the gateway: %w\n%s", err, out)
	}
	return binary, nil
}
