package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// sluggish takes nearly as long for each part as it is given.
type sluggish struct {
	http.ResponseWriter
	deadline time.Time
}

func (s *sluggish) SetWriteDeadline(t time.Time) error {
	s.deadline = t
	return nil
}

func (s *sluggish) Write(p []byte) (int, error) {
	time.Sleep(writeTimeout - time.Second)
	if !s.deadline.After(time.Now()) {
		return 0, errors.New("the deadline is over")
	}
	return len(p), nil
}

// TestLiving has an answer that goes on, however slowly, and then does not.
func TestLiving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{cfg: Config{Patience: patience}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		ctx, l, end := s.living(&sluggish{}, r)
		defer end()
		for n := range 100 {
			time.Sleep(patience - time.Second) // to read what is written
			if _, err := io.WriteString(l, "part"); err != nil {
				t.Fatalf("part %d: %v", n, err)
			}
		}
		time.Sleep(patience + time.Second)
		if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("nothing came for %s, and the cause is %v", patience, context.Cause(ctx))
		}
		if _, err := io.WriteString(l, "too late"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
	})
}

// TestCopyLiving is the other end: whoever writes may take their time, and what is read may not stop.
func TestCopyLiving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		watch := time.AfterFunc(patience, cancel)
		parts := 0
		err := copyLiving(&sluggish{deadline: time.Now().Add(24 * time.Hour)}, readerFunc(func(p []byte) (int, error) {
			wait := time.After(patience - time.Second)
			if parts++; parts > 100 {
				wait = nil // never
			}
			select {
			case <-wait:
				return len(p), nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}), watch, patience)
		if !errors.Is(err, context.Canceled) || parts != 101 {
			t.Errorf("%d parts, %v; want all that came", parts, err)
		}
	})
}
