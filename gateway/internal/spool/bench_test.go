package spool_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
)

// BenchmarkPut compares the stores with each other, by size and by how many put at the
// same time.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 50 << 10} {
		for _, producers := range []int{1, 8, 64} {
			for name, open := range map[string]func(dir string) (spool.Store, func() error, error){
				"segments": func(dir string) (spool.Store, func() error, error) {
					s, err := spool.OpenSegments(dir)
					return s, s.Close, err
				},
				"files": func(dir string) (spool.Store, func() error, error) {
					f, err := spool.OpenFiles(dir)
					return f, f.Close, err
				},
			} {
				b.Run(fmt.Sprintf("size=%d/producers=%d/%s", size, producers, name), func(b *testing.B) {
					bodies, closed, err := open(b.TempDir())
					if err != nil {
						b.Fatal(err)
					}
					benchmarkPut(b, bodies, size, producers)
					if err := closed(); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
	}
}

func benchmarkPut(b *testing.B, bodies spool.Store, size, producers int) {
	octets := spooltest.Content(1, size)
	expires := time.Now().Add(24 * time.Hour)
	work := make(chan struct{}, producers)
	var wg sync.WaitGroup
	b.SetBytes(int64(size))
	b.ResetTimer()
	for range producers {
		wg.Go(func() {
			for range work {
				if _, err := bodies.Put(b.Context(), newID(), expires, bytes.NewReader(octets)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}
