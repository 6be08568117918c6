// The parts of cert-manager that the tests meet, built from its published packages: its controllers and its admission
// webhook. Its own programs are modules of their own that cannot be fetched, so this one puts the same parts together.
//
//	cert-manager controllers --kubeconfig FILE …
//	cert-manager webhook --kubeconfig FILE --listen ADDRESS …
//	cert-manager json < FILE.yaml
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cert-manager:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 {
		return fmt.Errorf("what to run is missing: controllers, webhook or json")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx = logf.NewContext(ctx, klog.Background())

	what, arguments := os.Args[1], os.Args[2:]
	switch what {
	case "controllers":
		return runControllers(ctx, arguments)
	case "webhook":
		return runWebhook(ctx, arguments)
	case "json":
		return writeJSON(os.Stdin, os.Stdout)
	default:
		return fmt.Errorf("unknown: %s", what)
	}
}
