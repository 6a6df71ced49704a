package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/postern-mail/postern/gateway/bench/load"
	"github.com/postern-mail/postern/gateway/bench/reference"
)

const (
	connections = 64
	// warmUp is how long a server is under load before it is measured.
	warmUp = 500 * time.Millisecond
)

// served is what a server did in one round.
type served struct {
	load.Result
	cpu  time.Duration // for each mail
	peak int64
}

// contender is a server under test.
type contender struct {
	name  string
	start func(b *bench, dir, hook string) (*process, error)
}

func gatewayAs(name, program string, s setting) contender {
	return contender{name, func(b *bench, dir, hook string) (*process, error) {
		return startGateway(program, dir, filepath.Join(b.dir, "cache"), hook, s)
	}}
}

func referenceAs(kind reference.Server) contender {
	return contender{string(kind), func(_ *bench, dir, hook string) (*process, error) {
		return startReference(string(kind), dir, hook)
	}}
}

// mail4K, mail50K and mailPlugins measure SMTP to webhook: the gateway, and the references
// that it is compared with, each in turn in a process of its own that is started anew for
// each round.

func (b *bench) mail4K(ctx context.Context) error {
	return b.compare(ctx, load.Plain(4<<10), setting{}, reference.Naive, reference.Spooled)
}

func (b *bench) mail50K(ctx context.Context) error {
	return b.compare(ctx, load.Mixed(50<<10), setting{}, reference.Naive, reference.Spooled)
}

func (b *bench) mailPlugins(ctx context.Context) error {
	return b.compare(ctx, load.HTML(4<<10), setting{plugins: true}, reference.Naive)
}

// compare has the gateway and references take the same mail in turns.
func (b *bench) compare(ctx context.Context, mail []byte, s setting, references ...reference.Server) error {
	among := []contender{gatewayAs("postern", b.gateway, s)}
	if b.against != "" {
		among = append(among, gatewayAs("other postern", b.against, s))
	}
	for _, kind := range references {
		among = append(among, referenceAs(kind))
	}
	results := make([][]served, len(among))
	for range b.rounds {
		for i, one := range among {
			s, err := b.serve(ctx, one, mail)
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			results[i] = append(results[i], s)
		}
	}
	b.row("", "mails/s", "accepts/s", "250 p50 / p99", "most behind", "CPU/mail", "peak RSS", "postern to it")
	rate := func(s served) float64 { return s.Rate }
	for i, one := range among {
		r := results[i]
		b.row(one.name, fmt.Sprintf("%.0f", median(of(r, rate))), fmt.Sprintf("%.0f", median(of(r, func(s served) float64 { return s.AcceptRate }))),
			millis(median(of(r, func(s served) time.Duration { return s.P50 })))+" / "+millis(median(of(r, func(s served) time.Duration { return s.P99 }))),
			median(of(r, func(s served) int { return s.Behind })), millis(median(of(r, func(s served) time.Duration { return s.cpu }))),
			fmt.Sprintf("%d MiB", median(of(r, func(s served) int64 { return s.peak }))>>20), spread(ratios(of(results[0], rate), of(r, rate))))
	}
	return nil
}

// serve has one server take mail for a while.
func (b *bench) serve(ctx context.Context, one contender, mail []byte) (s served, err error) {
	dir, remove, err := b.folder()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	sink, err := load.NewSink()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	p, err := one.start(b, dir, sink.URL())
	if err != nil {
		return s, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, p.words())
		}
		err = errors.Join(err, p.stop())
	}()
	plan := load.Plan{Address: p.address, Sink: sink, Mail: mail, Connections: connections, Duration: warmUp}
	if _, err = load.Run(ctx, plan); err != nil {
		return s, err
	}
	before, err := p.use()
	if err != nil {
		return s, err
	}
	plan.Duration = b.time
	if s.Result, err = load.Run(ctx, plan); err != nil {
		return s, err
	}
	after, err := p.use()
	if s.Accepted > 0 {
		s.cpu = (after.cpu - before.cpu) / time.Duration(s.Accepted)
	}
	s.peak = after.peak
	return s, err
}
