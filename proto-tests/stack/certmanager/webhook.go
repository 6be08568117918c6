package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	cmadmission "github.com/cert-manager/cert-manager/pkg/webhook/admission"
	"github.com/cert-manager/cert-manager/pkg/webhook/server"
	testwebhook "github.com/cert-manager/cert-manager/test/webhook"
)

// runWebhook serves the product's admission on a loopback address with a certificate of ours.
func runWebhook(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server, and as whom")
	listen := flags.String("listen", "127.0.0.1:0", "where it is served")
	certificate := flags.String("tls-cert-file", "", "the server's certificate")
	key := flags.String("tls-private-key-file", "", "its key")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	parts := admission(*kubeconfig)

	mux := http.NewServeMux()
	mux.Handle("/validate", cmadmission.NewCustomValidationWebhook(parts.ResourceScheme, parts.ValidationWebhook))
	mux.Handle("/mutate", cmadmission.NewCustomMutationWebhook(parts.MutationWebhook))
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	served := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = served.Close()
	}()
	fmt.Printf("admission listening on %s\n", listener.Addr())
	if err := served.ServeTLS(listener, *certificate, *key); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// admission takes the admission plugins out of the product's test server. They are internal packages, and that server is
// the one public way to them; but it would itself listen on every interface, so it is caught before it does. It wants a
// *testing.T, which only the testing package makes.
func admission(kubeconfig string) *server.Server {
	// The testing package reads the arguments too.
	os.Args = os.Args[:1]
	caught := make(chan *server.Server)
	catch := func(made *server.Server) {
		caught <- made
		select {}
	}
	start := func(t *testing.T) {
		// The files are not read before it listens.
		testwebhook.StartWebhookServer(t, []string{
			"--kubeconfig=" + kubeconfig, "--tls-cert-file=unread", "--tls-private-key-file=unread",
		}, catch)
	}
	anything := func(string, string) (bool, error) { return true, nil }
	go testing.Main(anything, []testing.InternalTest{{Name: "admission", F: start}}, nil, nil)
	return <-caught
}
