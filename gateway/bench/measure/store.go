package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// retention is that of the mails that are enqueued here.
const retention = 7 * 24 * time.Hour

// bodies is where the gateway keeps raw mails.
type bodies interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
	Close() error
}

// openBodies opens the bodies as the gateway does.
func openBodies(dir string) (bodies, error) { return spool.OpenLocal(dir) }

// openStore opens the embedded store as the gateway does.
func openStore(ctx context.Context, dir string) (store.Store, error) {
	return sqlite.Open(ctx, filepath.Join(dir, "postern.db"))
}

// endpoint is one of many endpoints of many tenants.
func endpoint(n int) store.Endpoint {
	return store.Endpoint{Tenant: fmt.Sprintf("tenant%02d", n%tenants), Name: "desk"}
}

// tenants is how many there are.
const tenants = 100

// message is the row of a mail with one delivery.
func message(n int, at time.Time, size int, body mail.BodyRef) store.NewMessage {
	return store.NewMessage{
		ID: mail.NewMessageID(at), ReceivedAt: at, Size: int64(size), Body: body,
		Envelope:   mail.Envelope{ReversePath: "bench@bench.test", Session: mail.Session{Listener: "mx", HELO: "client.test"}},
		SHA256:     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		TraceField: "Received: from client.test ([192.0.2.1])\r\n\tby mx.bench.test (Postern) with ESMTP id x;\r\n\tSun, 22 Nov 2026 03:00:00 +0000\r\n",
		Steps:      []mail.Step{{At: at, Name: "transaction began"}, {At: at, Name: "received and spooled", Duration: time.Millisecond}},
		Deliveries: []store.NewDelivery{{
			Endpoint: endpoint(n), Alias: "*", Recipient: "user@bench.test", DueAt: at, Retention: store.Retention{ExpiresAt: at.Add(retention)},
		}},
	}
}

// throughput runs work from so many goroutines for a while, and returns how often a second
// it was done. work is given a number that no other call has.
func throughput(ctx context.Context, workers int, d time.Duration, work func(ctx context.Context, n int) error) (float64, error) {
	var next atomic.Int64
	errs := make([]error, workers)
	began := time.Now()
	end := began.Add(d)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for time.Now().Before(end) && errs[w] == nil {
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = work(ctx, int(next.Add(1)))
				}
			}
		})
	}
	wg.Wait()
	return float64(next.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}

// opened is a store with its bodies.
type opened struct {
	store.Store
	bodies bodies
}

func (o opened) close() error { return errors.Join(o.Close(), o.bodies.Close()) }

func open(ctx context.Context, dir string) (opened, error) {
	s, err := openStore(ctx, dir)
	if err != nil {
		return opened{}, err
	}
	b, err := openBodies(dir)
	if err != nil {
		return opened{}, errors.Join(err, s.Close())
	}
	return opened{s, b}, nil
}

// put enqueues one mail as the gateway does: its body, and when that is durable its rows.
func (o opened) put(ctx context.Context, n int, octets []byte) error {
	m := message(n, time.Now(), len(octets), "")
	var err error
	if m.Body, err = o.bodies.Put(ctx, m.ID, m.ReceivedAt.Add(retention), bytes.NewReader(octets)); err != nil {
		return err
	}
	return o.Enqueue(ctx, []store.NewMessage{m})
}
