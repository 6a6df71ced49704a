package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/postern-mail/postern/gateway/bench/load"
)

const (
	// idle is how many connections are open that send nothing.
	idle = 1000
	// largeMail is what each of the other connections sends: most of it an attachment.
	largeMail = 50 << 20
)

// memory measures the most memory that the gateway takes with a thousand idle connections
// and 64 large mails that come at the same time and are delivered.
func (b *bench) memory(ctx context.Context) (err error) {
	dir, remove, err := b.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	sink, err := load.NewSink()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	p, err := startGateway(b.gateway, dir, filepath.Join(b.dir, "cache"), sink.URL(), setting{listener: `max_message_size = "60MiB"`})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	started, err := p.use()
	if err != nil {
		return err
	}
	open, err := load.Idle(ctx, p.address, idle)
	defer func() {
		for _, c := range open {
			err = errors.Join(err, c.Close())
		}
	}()
	if err != nil {
		return err
	}
	idling, err := p.use()
	if err != nil {
		return err
	}
	began := time.Now()
	result, err := load.Run(ctx, load.Plan{
		Address: p.address, Sink: sink, Mail: load.Mixed(largeMail),
		Connections: connections, Mails: connections, Duration: 10 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.words())
	}
	after, err := p.use()
	if err != nil {
		return err
	}
	b.row("peak memory", "MiB")
	b.row("after the start", started.peak>>20)
	b.row(fmt.Sprintf("with %d idle connections", idle), idling.peak>>20)
	b.row(fmt.Sprintf("and %d mails of 50 MB at the same time, delivered in %s", result.Accepted, time.Since(began).Round(time.Second)), after.peak>>20)
	return nil
}
