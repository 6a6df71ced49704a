package s3_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool/s3"
)

// listed stands for a store that lists keys, and has them deleted.
type listed struct {
	keys []string
	// endless has a list never end.
	endless bool
}

func (b *listed) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body io.Reader) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
	}
	if r.Method == http.MethodDelete {
		i := slices.Index(b.keys, strings.TrimPrefix(r.URL.Path, "/"+bucket+"/"))
		if i < 0 {
			return answer(http.StatusNotFound, strings.NewReader(""))
		}
		b.keys = slices.Delete(b.keys, i, i+1)
		return answer(http.StatusNoContent, strings.NewReader(""))
	}
	const entry = "<Contents><Key>%s</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
	if b.endless {
		return answer(http.StatusOK, io.MultiReader(strings.NewReader("<ListBucketResult>"), &endless{text: fmt.Sprintf(entry, "x")}))
	}
	first, _ := slices.BinarySearch(b.keys, r.URL.Query().Get("start-after")+"\x00")
	var page strings.Builder
	page.WriteString("<ListBucketResult>")
	for _, key := range b.keys[first:min(len(b.keys), first+1000)] {
		fmt.Fprintf(&page, entry, key)
	}
	page.WriteString("</ListBucketResult>")
	return answer(http.StatusOK, strings.NewReader(page.String()))
}

// endless is a text again and again.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

// over opens the bodies of a real store, whose lists and deletions go to a bucket from then on.
func over(t *testing.T, b *listed) *s3.Bodies {
	t.Helper()
	f := start(t)
	opened := false
	bodies, err := s3.OpenThrough(t.Context(), f.config(""), func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if opened {
				return b.RoundTrip(r)
			}
			return next.RoundTrip(r)
		})
	}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bodies.Close() })
	opened = true
	return bodies
}

// TestSweepGoesOn sweeps a bucket that has more than one sweep takes.
func TestSweepGoesOn(t *testing.T) {
	t.Parallel()
	b := &listed{}
	live := make(map[mail.MessageID]bool)
	for n := range 2500 {
		id := mail.NewMessageID(time.UnixMilli(1_600_000_000_000 + int64(n)))
		b.keys = append(b.keys, fmt.Sprintf("%s-%016x.eml", id, n))
		live[id] = n%100 != 0 // of each hundred, one is nobody's
	}
	bodies := over(t, b)
	bodies.BoundSweep(1)
	asked := 0
	sweep := func() int {
		n, err := bodies.Sweep(t.Context(), func(_ context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
			asked += len(ids)
			answer := make(map[mail.MessageID]mail.BodyRef)
			for _, id := range ids {
				i, _ := slices.BinarySearch(b.keys, string(id))
				if live[id] {
					answer[id] = mail.BodyRef("s3:" + b.keys[i] + ":1:00000000")
				}
			}
			return answer, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for round, want := range []struct{ removed, asked int }{{10, 1000}, {10, 2000}, {5, 2500}, {0, 3500}} { // and then from the beginning
		if n := sweep(); n != want.removed || asked != want.asked {
			t.Errorf("sweep %d removed %d, and %d were asked for until then; want %+v", round+1, n, asked, want)
		}
	}
	if len(b.keys) != 2475 {
		t.Errorf("%d keys are left, want 2475", len(b.keys))
	}
}

// TestEndlessList has a store answer with a list that does not end.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	bodies := over(t, &listed{endless: true})
	_, err := bodies.Sweep(t.Context(), func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
		return nil, nil
	})
	if err == nil || !strings.Contains(err.Error(), "the answer to a list has more than") {
		t.Errorf("error = %v, want that the list is too long", err)
	}
}
