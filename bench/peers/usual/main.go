// A sidecar injector as such webhooks are usually written in Go, to be measured beside others.
//
//	usual CERTIFICATE KEY
//
// It serves HTTPS on a free port of localhost until it is killed, and says which in one line of JSON.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: usual CERTIFICATE KEY")
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		log.Fatal(err)
	}
	injector, err := newInjector()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Handler:           handle(injector, slog.New(slog.NewJSONHandler(os.Stdout, nil))),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second,
	}
	fmt.Printf("{\"event\": \"listening\", \"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(server.ServeTLS(listener, os.Args[1], os.Args[2]))
}

// handle answers reviews over HTTP, and logs a line for each.
func handle(injector *injector, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		began := time.Now()
		body, err := io.ReadAll(request.Body)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := injector.review(body)
		if err != nil {
			logger.Error("failed", "error", err)
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		writer.Header().Set("Content-Type", "application/json")
		if _, err := writer.Write(answer); err != nil {
			logger.Error("failed", "error", err)
			return
		}
		logger.Info("reviewed", "path", request.URL.Path, "duration", time.Since(began))
	})
}
