package s3

import (
	"context"
	"net/http"
	"time"
)

// OpenThrough is Open with requests that go through what wrap makes, each of which is made once, and
// a patience of its own.
func OpenThrough(ctx context.Context, cfg Config, wrap func(http.RoundTripper) http.RoundTripper, patience time.Duration) (*Bodies, error) {
	return open(ctx, cfg, wrap, patience, 1)
}

// BoundSweep sets how many pages a sweep takes. To be called before any.
func (b *Bodies) BoundSweep(pages int) { b.sweeps.pages = pages }
