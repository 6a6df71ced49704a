package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// Delete removes a body, or has it removed once nobody holds deletions back: its octets
// are not on the disk any more. A body that is gone already is no error.
func (s *Segments) Delete(_ context.Context, ref mail.BodyRef) error {
	p, err := parsePlace(ref)
	if err != nil {
		return err
	}
	return s.holds.delete(func() error {
		seg := s.segment(p.name)
		if seg == nil {
			return nil
		}
		if err := s.erase(seg, p); err != nil {
			return fmt.Errorf("delete from segment %s at offset %d: %w", p.name, p.offset, err)
		}
		return nil
	})
}

// erase removes a body from a segment, and the segment with its last body.
func (s *Segments) erase(seg *segment, p place) error {
	seg.mu.Lock()
	defer seg.mu.Unlock()
	if seg.counted && !seg.open && !seg.obscure && seg.live.count() == 1 && seg.live.remove(p.offset) {
		return s.unlinkEmpty(seg, time.Now())
	}
	file, err := s.root.OpenFile(p.name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.blank(file, p)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if !seg.counted {
		seg.gone[p.offset] = true
		return nil
	}
	seg.live.remove(p.offset)
	if seg.open && seg.live.count() == 0 {
		s.tellEmpty(seg)
		return nil
	}
	return s.unlinkEmpty(seg, time.Now())
}

// blank overwrites a body, or gives its room back, and marks it as deleted.
func (s *Segments) blank(file *os.File, p place) error {
	header := make([]byte, headerSize)
	n, err := file.ReadAt(header, p.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r, err := p.checkHeader(header[:n])
	if err != nil || r.deleted {
		return err
	}
	data := p.offset + headerSize
	if p.length > 0 {
		err = s.disk.call("punch", func() error { return punch(file, data, int64(p.length)) })
		if errors.Is(err, errors.ErrUnsupported) {
			err = s.disk.write(file, data, [][]byte{make([]byte, p.length)})
		}
	}
	if err != nil {
		return err
	}
	return s.disk.write(file, p.offset+stateAt, [][]byte{[]byte(stateDeleted)})
}

// tellEmpty tells the appender of a segment that it has lost its last body.
func (s *Segments) tellEmpty(seg *segment) {
	bucket, _, _ := strings.Cut(seg.name, "-")
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.appenders[bucket]; a != nil {
		a.empty()
	}
}

// unlinkEmpty removes a segment that has no body and gets none. The caller has its lock.
func (s *Segments) unlinkEmpty(seg *segment, now time.Time) error {
	if seg.open || !seg.counted || seg.live.count() > 0 || seg.obscure && now.Before(seg.over) {
		return nil
	}
	if err := s.remove(seg.name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.segments, seg.name)
	return nil
}

// Sweep removes what a crash left: bodies that an earlier process put and that no
// message refers to. It returns how many it removed. Where something stands between
// bodies that is none, the error says so and is of ErrDamaged; all that is known is swept
// nevertheless, and such a segment stays until all that was ever in it has expired.
func (s *Segments) Sweep(ctx context.Context, live Live) (int, error) {
	s.mu.Lock()
	var earlier []*segment
	for _, seg := range s.segments {
		if seg.earlier {
			earlier = append(earlier, seg)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(earlier, func(a, b *segment) int { return strings.Compare(a.name, b.name) })
	removed := 0
	var damaged []error
	for _, seg := range earlier {
		n, err := s.sweepSegment(ctx, seg, live)
		removed += n
		switch {
		case errors.Is(err, ErrDamaged):
			damaged = append(damaged, err)
		case err != nil:
			return removed, fmt.Errorf("sweep segment %s: %w", seg.name, err)
		}
	}
	return removed, errors.Join(damaged...)
}

// sweepSegment removes what is not live from a segment of an earlier process, and counts the rest.
func (s *Segments) sweepSegment(ctx context.Context, seg *segment, live Live) (int, error) {
	seg.mu.Lock()
	counted := seg.counted
	seg.mu.Unlock()
	if counted {
		return 0, nil
	}
	file, err := s.root.OpenFile(seg.name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // those who have bodies in it find out
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	sweeper := &Sweeper{Live: live}
	var alive []int64
	end, gaps, err := walk(file, info.Size(), seg.nonce, func(r record) error {
		if r.deleted {
			return ctx.Err()
		}
		p := place{name: seg.name, offset: r.offset, length: r.length, sum: r.sum}
		return sweeper.Add(ctx, Found{
			ID: r.id,
			Is: func(ref mail.BodyRef) bool { return ref == p.ref() },
			Settle: func(live bool) error {
				if live {
					alive = append(alive, r.offset)
					return nil
				}
				return s.holds.delete(func() error { return s.erase(seg, p) })
			},
		})
	})
	if err == nil {
		err = sweeper.Flush(ctx)
	}
	if err == nil && len(gaps) == 0 && end < info.Size() {
		err = s.disk.call("truncate", func() error { return file.Truncate(end) }) // the room that it did not come to use
	}
	if err != nil {
		return sweeper.Removed, err
	}
	seg.mu.Lock()
	seg.counted, seg.obscure = true, len(gaps) > 0
	for _, offset := range alive {
		if !seg.gone[offset] {
			seg.live.add(offset)
		}
	}
	seg.gone = nil
	seg.mu.Unlock()
	err = s.holds.delete(func() error {
		seg.mu.Lock()
		defer seg.mu.Unlock()
		return s.unlinkEmpty(seg, time.Now())
	})
	if err != nil {
		return sweeper.Removed, err
	}
	return sweeper.Removed, damage(seg.name, gaps, alive)
}

// damage tells of gaps that have a live body behind them. Where there is none, a crash
// tore what had not become durable.
func damage(name string, gaps []gap, alive []int64) error {
	var errs []error
	for _, g := range gaps {
		if len(alive) > 0 && alive[len(alive)-1] > int64(g) {
			errs = append(errs, fmt.Errorf("segment %s at offset %d: %w: no record is here, although there are bodies behind; the segment is kept until what was in it has expired", name, g, ErrDamaged))
		}
	}
	return errors.Join(errs...)
}
