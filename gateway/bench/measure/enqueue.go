package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/postern-mail/postern/gateway/bench/load"
	"github.com/postern-mail/postern/gateway/bench/reference"
)

// enqueue measures how many mails a second become durable, body and rows, beside a spool
// with a file for each mail, on the same disk and in turns.
func (b *bench) enqueue(ctx context.Context) error {
	b.row("", "", "postern/s", "a file each/s", "postern to it")
	for _, c := range []struct {
		name string
		mail []byte
	}{{"4 KiB", load.Plain(4 << 10)}, {"50 KiB", load.Mixed(50 << 10)}} {
		for _, producers := range []int{64, 1} {
			var ours, theirs []float64
			for range b.rounds {
				rate, err := b.enqueueFiles(ctx, producers, c.mail)
				if err != nil {
					return err
				}
				theirs = append(theirs, rate)
				if rate, err = b.enqueueStore(ctx, producers, c.mail); err != nil {
					return err
				}
				ours = append(ours, rate)
			}
			b.row(c.name, fmt.Sprintf("%d producers", producers), fmt.Sprintf("%.0f", median(ours)), fmt.Sprintf("%.0f", median(theirs)), spread(ratios(ours, theirs)))
			if err := b.out.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) enqueueStore(ctx context.Context, producers int, octets []byte) (rate float64, err error) {
	dir, remove, err := b.folder()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	o, err := open(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	return throughput(ctx, producers, b.time, func(ctx context.Context, n int) error { return o.put(ctx, n, octets) })
}

func (b *bench) enqueueFiles(ctx context.Context, producers int, octets []byte) (rate float64, err error) {
	dir, remove, err := b.folder()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	s, err := reference.OpenSpool(filepath.Join(dir, "spool"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return throughput(ctx, producers, b.time, func(context.Context, int) error {
		_, err := s.Put(octets)
		return err
	})
}
