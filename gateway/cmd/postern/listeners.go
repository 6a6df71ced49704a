package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/net/netutil"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config"
)

// listeners are the sockets of a gateway.
type listeners struct {
	names     []string // of the SMTP listeners
	smtp      []net.Listener
	inspector net.Listener // nil for none
	public    net.Listener // nil for none
	control   net.Listener
}

// bind opens all sockets, or none.
func bind(cfg *config.Config) (*listeners, error) {
	b := &listeners{}
	if err := b.open(cfg); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *listeners) open(cfg *config.Config) error {
	for _, l := range cfg.Listeners {
		opened, err := listen(fmt.Sprintf("listener %q", l.Name), l.Address)
		if err != nil {
			return err
		}
		b.names, b.smtp = append(b.names, l.Name), append(b.smtp, opened)
	}
	if cfg.Inspector != nil {
		opened, err := listen("inspector", cfg.Inspector.Address)
		if err != nil {
			return err
		}
		b.inspector = opened
	}
	if cfg.Public != nil {
		opened, err := listen("public", cfg.Public.Address)
		if err != nil {
			return err
		}
		b.public = netutil.LimitListener(&perIPListener{Listener: opened, most: cfg.Public.MaxConnectionsPerIP}, cfg.Public.MaxConnections)
	}
	control, err := admin.Listen(controlSocket(cfg.Server.DataDir))
	b.control = control
	return err
}

// listen says what to do about the two usual mistakes.
func listen(what, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another process; stop it, or change the address", what, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: no permission to listen on %s; ports below 1024 need CAP_NET_BIND_SERVICE", what, address)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return l, nil
}

func (b *listeners) close() error {
	var errs []error
	for _, l := range append(b.smtp, b.inspector, b.public, b.control) {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// ready is what the ready file says.
type ready struct {
	PID       int               `json:"pid"`
	Listeners map[string]string `json:"listeners"`
	Inspector string            `json:"inspector,omitempty"`
	Public    string            `json:"public,omitempty"`
	Control   string            `json:"control"`
}

func (b *listeners) describe() map[string]string {
	addresses := make(map[string]string, len(b.smtp))
	for i, l := range b.smtp {
		addresses[b.names[i]] = l.Addr().String()
	}
	return addresses
}

// writeReadyFile writes the file in one go: who waits for it never reads half.
func (b *listeners) writeReadyFile(path string) error {
	r := ready{PID: os.Getpid(), Listeners: b.describe(), Control: b.control.Addr().String()}
	if b.inspector != nil {
		r.Inspector = b.inspector.Addr().String()
	}
	if b.public != nil {
		r.Public = b.public.Addr().String()
	}
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write ready file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write ready file: %w", err)
	}
	return nil
}
