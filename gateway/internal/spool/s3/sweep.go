package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

const (
	// pageSize is how many keys are listed by a request, and maxList how many octets an answer
	// with so many has at most: keys of 1,024 octets, each written as an entity of XML.
	pageSize = 1000
	maxList  = 16 << 20
	// maxPages and sweepTime bound a sweep. The next one goes on where it ended.
	maxPages  = 10_000
	sweepTime = time.Hour
)

// errLongList means that a store answered with more than it was asked for.
var errLongList = fmt.Errorf("the answer to a list has more than %d octets", maxList)

// sweeps is what one sweep leaves to the next.
type sweeps struct {
	mu    sync.Mutex
	after string // the key behind which to go on
	// The bounds of each.
	pages int
	time  time.Duration
}

// Sweep removes bodies that no message refers to, once they are old enough to be what a
// crash left. It returns how many it removed. Keys that are not of the store's making are
// left alone. Of a large bucket it does a part, and the next call goes on behind it.
func (b *Bodies) Sweep(ctx context.Context, live spool.Live) (int, error) {
	b.sweeps.mu.Lock()
	defer b.sweeps.mu.Unlock()
	sweeper := &spool.Sweeper{Live: live}
	bounded, cancel := context.WithTimeout(ctx, b.sweeps.time)
	defer cancel()
	before := time.Now().Add(-b.cfg.Age)
	for page := 0; page < b.sweeps.pages; page++ {
		next, err := b.sweepPage(bounded, sweeper, b.sweeps.after, before)
		if err != nil && page > 0 && bounded.Err() != nil && ctx.Err() == nil {
			break
		}
		if err != nil {
			return sweeper.Removed, fmt.Errorf("sweep bucket %s: %w", b.cfg.Bucket, err)
		}
		if b.sweeps.after = next; next == "" {
			break
		}
	}
	return sweeper.Removed, nil
}

// sweepPage sweeps the keys that come after another. It returns the last of them, or nothing
// where no more come.
func (b *Bodies) sweepPage(ctx context.Context, sweeper *spool.Sweeper, after string, before time.Time) (last string, err error) {
	page, err := b.list(ctx, after, pageSize)
	if err != nil {
		return "", err
	}
	for _, object := range page {
		id, ours := idOf(object.Key)
		if !ours || object.LastModified.After(before) {
			continue
		}
		err := sweeper.Add(ctx, spool.Found{
			ID: id,
			Is: func(ref mail.BodyRef) bool {
				key, _, _, err := parseRef(ref)
				return err == nil && key == object.Key
			},
			Settle: func(live bool) error {
				if live {
					return nil
				}
				return b.remove(ctx, object.Key)
			},
		})
		if err != nil {
			return "", err
		}
	}
	if err := sweeper.Flush(ctx); err != nil {
		return "", err
	}
	if len(page) < pageSize {
		return "", nil
	}
	last = page[len(page)-1].Key
	if last <= after { // it would go on for ever
		return "", fmt.Errorf("the store was asked for keys after %q and gives them up to %q: it does not know start-after", after, last)
	}
	return last, nil
}

// list gives up to n objects whose keys come after another.
func (b *Bodies) list(ctx context.Context, after string, n int) ([]minio.ObjectInfo, error) {
	var page []minio.ObjectInfo
	err := b.request(ctx, 0, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		objects := b.client.ListObjects(ctx, b.cfg.Bucket, minio.ListObjectsOptions{
			Prefix: b.cfg.Prefix, Recursive: true, StartAfter: after, MaxKeys: n,
		})
		defer func() { // it lists on, until it is told not to
			cancel()
			for range objects {
			}
		}()
		for object := range objects {
			if object.Err != nil {
				return object.Err
			}
			if page = append(page, object); len(page) == n {
				break
			}
		}
		return nil
	})
	return page, err
}

// boundedLists ends answers to lists that are longer than any can be.
type boundedLists struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l boundedLists) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if err == nil && r.URL.Query().Has("list-type") {
		answer.Body = &boundedBody{ReadCloser: answer.Body, left: maxList}
	}
	return answer, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errLongList
	}
	return n, err
}
