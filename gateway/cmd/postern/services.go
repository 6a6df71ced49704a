package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/diskspace"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/shadow"
	"github.com/postern-mail/postern/gateway/internal/smtpd"
)

// drainTimeout is how long a stop waits for SMTP transactions and for answers on
// the control socket.
const drainTimeout = 30 * time.Second

// sweepInterval is how often bodies are looked for that no message refers to.
const sweepInterval = 12 * time.Hour

// services are the parts of the gateway that run.
type services struct {
	listeners  *listeners
	smtp       []*smtpd.Server
	control    *admin.Server
	inspector  *http.Server // nil for none
	public     *http.Server // nil for none
	dispatcher *dispatch.Dispatcher
	shadows    *shadow.Runner
	queue      *queue.Queue
	sweep      func(context.Context) // of bodies that a crash left
	events     *events.Events
	disk       *diskspace.Watcher
	accounts   *mailAccounts
	log        hclog.Logger

	// failed receives the error of a server that ended by itself.
	failed chan error

	serving, fetching, dispatching, keeping    sync.WaitGroup
	stopFetching, stopDispatching, stopKeeping context.CancelFunc
}

// start starts everything; stop must be called afterwards.
func (s *services) start() {
	s.failed = make(chan error, len(s.smtp)+3)
	for i, server := range s.smtp {
		s.serve(func() error { return server.Serve(s.listeners.smtp[i]) })
	}
	s.serve(func() error { return s.control.Serve(s.listeners.control) })
	s.serveHTTP(s.inspector, s.listeners.inspector)
	s.serveHTTP(s.public, s.listeners.public)
	var fetching, dispatching, keeping context.Context
	fetching, s.stopFetching = context.WithCancel(context.Background())
	dispatching, s.stopDispatching = context.WithCancel(context.Background())
	keeping, s.stopKeeping = context.WithCancel(context.Background())
	s.dispatching.Go(func() { s.dispatcher.Run(dispatching) })
	s.fetching.Go(func() { s.accounts.manager.Run(fetching) })
	s.fetching.Go(func() { s.accounts.roster.Run(fetching) })
	s.keeping.Go(func() { s.events.Run(keeping) })
	s.keeping.Go(func() { s.disk.Run(keeping) })
	s.keeping.Go(func() { s.queue.Run(keeping) })
	s.keeping.Go(func() { s.shadows.Run(keeping) })
	s.keeping.Go(func() {
		// Where several gateways have the bodies, those that others have left are old enough
		// only later.
		for ticker := time.NewTicker(sweepInterval); ; {
			s.sweep(keeping)
			select {
			case <-ticker.C:
			case <-keeping.Done():
				ticker.Stop()
				return
			}
		}
	})
}

func (s *services) serve(f func() error) {
	s.serving.Go(func() {
		if err := f(); err != nil {
			s.failed <- err
		}
	})
}

// serveHTTP serves where there is a server, in the protocol that it is made for.
func (s *services) serveHTTP(server *http.Server, l net.Listener) {
	if server == nil {
		return
	}
	s.serve(func() error {
		serve := func() error { return server.Serve(l) }
		if server.TLSConfig != nil {
			serve = func() error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// stop takes everything down, each part when nothing needs it any more: what
// brings work in goes first, what keeps leases and answers questions last.
func (s *services) stop() error {
	defer s.log.Info("stopped")
	s.stopDispatching()
	s.stopFetching()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	errs := make([]error, len(s.smtp), len(s.smtp)+3)
	var draining sync.WaitGroup
	for i, server := range s.smtp {
		draining.Go(func() { errs[i] = server.Shutdown(ctx) })
	}
	draining.Wait()
	s.fetching.Wait()
	s.dispatching.Wait() // as long as a request to a webhook may take, or half a minute
	errs = append(errs, s.queue.Release(context.Background()))

	ctx, cancel = context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	errs = append(errs, s.control.Shutdown(ctx))
	for _, server := range []*http.Server{s.inspector, s.public} {
		if server == nil {
			continue
		}
		if err := server.Shutdown(ctx); err != nil { // a download that takes longer is broken off
			errs = append(errs, server.Close())
		}
	}
	s.stopKeeping()
	s.keeping.Wait()
	s.serving.Wait()
	return errors.Join(errs...)
}
