package engineio

import "outrider/internal/seam"

// init lets internal packages put servers on another network than the
// kernel's: see package seam, also for why this is an init.
func init() {
	seam.Engine = func(config any, n seam.Network) bool {
		cfg, ok := config.(*Config)
		if ok {
			cfg.network = n
		}
		return ok
	}
}
