package main

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
)

const (
	// Bounds of a request to a listener that strangers reach. What is sent is bounded by
	// the handler, piece by piece.
	publicReadTimeout = 10 * time.Second
	publicIdleTimeout = time.Minute
	publicMaxHeader   = 16 << 10
)

// newPublic makes the server that receivers fetch attachments from.
func newPublic(cfg *config.Public, h http.Handler, log hclog.Logger) *http.Server {
	server := &http.Server{
		Handler:     h,
		ReadTimeout: publicReadTimeout, IdleTimeout: publicIdleTimeout, MaxHeaderBytes: publicMaxHeader,
		ErrorLog: log.Named("public").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}), // strangers' mistakes
	}
	if cfg.TLS != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cfg.TLS.Certificate}, MinVersion: tls.VersionTLS12}
	}
	return server
}
