// trust-manager's own program on loopback addresses: as it is, it offers its probe and its metrics on every interface, and
// has no option for that.
package main

import (
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/cert-manager/trust-manager/cmd/trust-manager/app"
)

func main() {
	create := ctrl.NewManager
	ctrl.NewManager = func(config *rest.Config, options ctrl.Options) (ctrl.Manager, error) {
		for _, address := range []*string{&options.HealthProbeBindAddress, &options.Metrics.BindAddress} {
			*address = strings.Replace(*address, "0.0.0.0", "127.0.0.1", 1)
		}
		return create(config, options)
	}
	if err := app.NewCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "trust-manager:", err)
		os.Exit(1)
	}
}
