// Package smtpd is the SMTP server: it speaks RFC 5321 with a client, asks route
// what its recipients mean, and hands the mail to reception.
//
// # Durability
//
// 250 after DATA or BDAT is said when reception has returned, and then the mail
// is on the disk. Whatever else happens (a client that vanishes, a mail that is
// too large, a disk that fails), nothing of the mail is kept.
//
// # Limits
//
// Connections are bounded in all and by address. A client that gets nowhere is
// sent away: by idle time, by time and octets since its last mail, by the rate at
// which a body comes, by recipients it got wrong.
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
)

const (
	// maxLine bounds a line of a body, in octets. RFC 5321 allows 1,000, and
	// newsletters exceed it.
	maxLine = 1 << 20
	// maxHELO bounds what a client calls itself; a domain is no longer.
	maxHELO = 255
	// writeTimeout bounds the writing of a reply.
	writeTimeout = time.Minute
)

// Config holds the settings of a listener.
type Config struct {
	// Name is the listener's label; Hostname is what the server calls itself.
	Name     string
	Hostname string
	// MaxMessageSize is in octets.
	MaxMessageSize      int64
	MaxRecipients       int
	MaxConnections      int
	MaxConnectionsPerIP int
	IdleTimeout         time.Duration
	// AllowBareNewlines takes mails with CR or LF that are no line end.
	AllowBareNewlines bool
	// TLS offers STARTTLS; nil for none. RequireTLS refuses mail without it.
	TLS        *tls.Config
	RequireTLS bool
	Logger     hclog.Logger
}

// Server serves one listener.
type Server struct {
	cfg      Config
	routes   atomic.Pointer[route.Table]
	receiver *reception.Reception
	log      hclog.Logger
	smtp     *smtp.Server

	// life ends when a stop cuts the mails under way off.
	life context.Context //nolint:containedctx // it is the server's own, not a caller's
	cut  context.CancelFunc

	mu        sync.Mutex
	stopping  bool // no listener is served any more
	stopped   bool // no mail is taken any more
	receiving sync.WaitGroup
	listener  *guardedListener
}

// New returns a server that is not listening yet.
func New(cfg Config, routes *route.Table, receiver *reception.Reception) *Server {
	s := &Server{cfg: cfg, receiver: receiver, log: cfg.Logger.Named("smtpd").With("listener", cfg.Name)}
	s.SetRoutes(routes)
	s.life, s.cut = context.WithCancel(context.Background())
	srv := smtp.NewServer(smtp.BackendFunc(s.newSession))
	srv.Domain = cfg.Hostname
	srv.MaxMessageBytes = cfg.MaxMessageSize
	srv.MaxRecipients = cfg.MaxRecipients
	srv.MaxLineLength = maxLine + 2 // go-smtp counts the CR, and the LF of the line before
	srv.WriteTimeout = writeTimeout
	srv.EnableSMTPUTF8 = true
	srv.TLSConfig = cfg.TLS
	srv.ErrorLog = serverLog{s.log}
	s.smtp = srv
	return s
}

// SetRoutes has the recipients that are named from now on resolved by another table.
func (s *Server) SetRoutes(routes *route.Table) { s.routes.Store(routes) }

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	g, err := guardOf(c.Conn())
	if err != nil {
		return nil, err
	}
	if len(c.Hostname()) > maxHELO {
		return nil, errLongHELO
	}
	return &session{server: s, conn: c, guard: g, log: s.log.With("remote_ip", g.ip)}, nil
}

// guardOf finds the guard below a connection, TLS or not.
func guardOf(conn net.Conn) (*guard, error) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	g, ok := conn.(*guard)
	if !ok {
		return nil, fmt.Errorf("find guard of %T", conn)
	}
	return g, nil
}

// Serve accepts connections on l until Shutdown is called.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return l.Close()
	}
	s.listener = newGuardedListener(l, s.cfg)
	guarded := s.listener
	s.mu.Unlock()
	if err := s.smtp.Serve(guarded); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve listener %q: %w", s.cfg.Name, err)
	}
	return nil
}

// Shutdown stops accepting, sends away whoever is not in a transaction, and
// waits for the transactions until ctx ends; then it cuts them off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	if s.listener != nil {
		s.listener.drain()
		_ = s.listener.Close() // also where go-smtp has not got to it yet
	}
	s.mu.Unlock()
	err := s.smtp.Shutdown(ctx)
	if err != nil {
		s.cut()
		s.closeConns()
	}
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.receiving.Wait()
	s.cut()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop listener %q: transactions were cut off: %w", s.cfg.Name, err)
	}
	return err
}

// closeConns cuts every connection off.
func (s *Server) closeConns() {
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	open := make([]*guard, 0, len(l.open))
	for g := range l.open {
		open = append(open, g)
	}
	l.mu.Unlock()
	for _, g := range open {
		_ = g.Close()
	}
}

// beginReceiving counts a mail in. It reports false once Shutdown has given up
// waiting.
func (s *Server) beginReceiving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.receiving.Add(1)
	return true
}

// serverLog takes what go-smtp reports: clients that went away, which is their
// affair, and errors of accepting and panics, which are the operator's.
type serverLog struct{ log hclog.Logger }

func (l serverLog) Printf(format string, v ...any) {
	log := l.log.Debug
	if strings.HasPrefix(format, "accept error") || strings.HasPrefix(format, "panic") {
		log = l.log.Error
	}
	log("go-smtp reports", "message", fmt.Sprintf(format, v...))
}

func (l serverLog) Println(v ...any) { l.log.Debug("go-smtp reports", "message", fmt.Sprint(v...)) }
