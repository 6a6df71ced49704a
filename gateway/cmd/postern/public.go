package main

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
)

const (
	// Bounds of a listener that strangers reach. The handler gives each piece of a
	// download its time anew; in HTTP/2 the connection has a bound of its own, since a
	// client that does not read would hold all its streams.
	publicReadTimeout  = 10 * time.Second
	publicWriteTimeout = 10 * time.Second
	publicIdleTimeout  = 10 * time.Second
	publicMaxHeader    = 16 << 10
	publicStreams      = 16
)

// newPublic makes the server that receivers fetch attachments from.
func newPublic(cfg *config.Public, certificates certificates, h http.Handler, log hclog.Logger) *http.Server {
	server := &http.Server{
		Handler:     h,
		ReadTimeout: publicReadTimeout, WriteTimeout: publicWriteTimeout, IdleTimeout: publicIdleTimeout, MaxHeaderBytes: publicMaxHeader,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: publicStreams, WriteByteTimeout: publicWriteTimeout},
		ErrorLog: log.Named("public").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}), // strangers' mistakes
	}
	if cfg.TLS != nil {
		server.TLSConfig = certificates.config(publicName)
	}
	return server
}

// perIPListener closes connections of an address that has too many already.
type perIPListener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[string]int
}

// Accept implements net.Listener.
func (l *perIPListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		if l.enter(ip) {
			return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(ip) })}, nil
		}
		_ = conn.Close() // nobody waits for it
	}
}

func (l *perIPListener) enter(ip string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[ip] >= l.most {
		return false
	}
	if l.open == nil {
		l.open = make(map[string]int)
	}
	l.open[ip]++
	return true
}

func (l *perIPListener) leave(ip string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[ip]--; l.open[ip] == 0 {
		delete(l.open, ip)
	}
}

// countedConn is counted until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
