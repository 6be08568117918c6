package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	crapprover "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	crca "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	crselfsigned "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	csrca "github.com/cert-manager/cert-manager/pkg/controller/certificatesigningrequests/ca"
	csrselfsigned "github.com/cert-manager/cert-manager/pkg/controller/certificatesigningrequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"

	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

// all are the controllers of an installation without ACME, Vault and Venafi. The signers of Kubernetes' own requests are
// behind a feature gate there; here they are the control of the cases for them.
var all = []string{
	trigger.ControllerName,
	issuing.ControllerName,
	keymanager.ControllerName,
	requestmanager.ControllerName,
	readiness.ControllerName,
	revisionmanager.ControllerName,
	crapprover.ControllerName,
	crca.CRControllerName,
	crselfsigned.CRControllerName,
	csrca.CSRControllerName,
	csrselfsigned.CSRControllerName,
	issuers.ControllerName,
	clusterissuers.ControllerName,
}

func runControllers(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("controllers", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server, and as whom")
	namespace := flags.String("cluster-resource-namespace", "cert-manager", "where a cluster issuer's Secrets are")
	chosen := flags.String("controllers", "*", "names, or * with those to leave out as -NAME")
	prefixes := flags.String("copied-annotation-prefixes",
		"*,-kubectl.kubernetes.io/,-fluxcd.io/,-argocd.argoproj.io/", "annotations a CertificateRequest gets of its Certificate")
	minimum := flags.Duration("certificate-request-minimum-backoff-duration", time.Hour, "wait after a failed request")
	maximum := flags.Duration("certificate-request-maximum-backoff-duration", 32*time.Hour, "wait after many failed requests")
	metrics := flags.String("metrics-listen-address", "127.0.0.1:0", "where /metrics is served")
	workers := flags.Int("workers", 5, "goroutines of each controller")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	names, err := choose(strings.Split(*chosen, ","))
	if err != nil {
		return err
	}

	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		Kubeconfig:    *kubeconfig,
		IssuerOptions: controller.IssuerOptions{ClusterResourceNamespace: *namespace},
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes:                 strings.Split(*prefixes, ","),
			CertificateRequestMinimumBackoffDuration: *minimum,
			CertificateRequestMaximumBackoffDuration: *maximum,
		},
	})
	if err != nil {
		return err
	}
	root, err := factory.Build()
	if err != nil {
		return err
	}

	ended := make(chan error, len(names))
	for _, name := range names {
		one, err := controller.Known()[name](factory)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		go func() {
			if err := one.Run(*workers, ctx); err != nil {
				ended <- fmt.Errorf("%s: %w", name, err)
				return
			}
			ended <- nil
		}()
	}

	listener, err := net.Listen("tcp", *metrics)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: root.Metrics.NewServer(listener).Handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()

	root.SharedInformerFactory.Start(ctx.Done())
	root.KubeSharedInformerFactory.Start(ctx.Done())
	root.SharedInformerFactory.WaitForCacheSync(ctx.Done())
	root.KubeSharedInformerFactory.WaitForCacheSync(ctx.Done())
	fmt.Printf("controllers see the cluster, metrics listening on %s\n", listener.Addr())

	for range names {
		if err := <-ended; err != nil {
			return err
		}
	}
	return nil
}

// choose reads the product's own notation: names, or * and what to leave out.
func choose(wanted []string) ([]string, error) {
	var names []string
	for _, one := range wanted {
		switch {
		case one == "*":
			names = append(names, all...)
		case strings.HasPrefix(one, "-") && slices.Contains(all, one[1:]):
			names = slices.DeleteFunc(names, func(name string) bool { return name == one[1:] })
		case slices.Contains(all, one):
			names = append(names, one)
		default:
			return nil, fmt.Errorf("no controller %q; there are %s", one, strings.Join(all, ", "))
		}
	}
	return names, nil
}
