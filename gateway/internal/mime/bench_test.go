package mime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	gomail "github.com/emersion/go-message/mail"
)

// mail50KiB is an ordinary mail: text, HTML with many links, and a picture.
func mail50KiB() []byte {
	var b bytes.Buffer
	b.WriteString("From: Ada Holm <ada@sender.example>\r\nTo: desk@acme.example\r\n" +
		"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nDate: Tue, 3 Mar 2026 09:30:00 +0100\r\n" +
		strings.Repeat("Received: from a.example by b.example with ESMTPS id 0123456789\r\n", 8) +
		"Content-Type: multipart/mixed; boundary=outer\r\n\r\n" +
		"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n" +
		"--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
	for i := range 80 {
		fmt.Fprintf(&b, "A line of text with a link: https://shop.example/order/%03d\r\n", i)
	}
	b.WriteString("--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	for i := range 160 {
		text := "text"
		if i%8 == 0 {
			text = "www.shop.example" // has to be compared
		}
		fmt.Fprintf(&b, "<p class=3D\"line\">A line of <a href=3D\"https://shop.example/%03d\">%s</a></p>\r\n", i, text)
	}
	b.WriteString("--inner--\r\n--outer\r\nContent-Type: image/png; name=p.png\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	picture := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("picture "), 3000))
	for len(picture) > 76 {
		b.WriteString(picture[:76] + "\r\n")
		picture = picture[76:]
	}
	b.WriteString(picture + "\r\n--outer--\r\n")
	return b.Bytes()
}

// readAll is the reference: go-message alone, which reads all parts but neither hashes
// them nor looks for links.
func readAll(b *testing.B, raw []byte) {
	r, err := gomail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		b.Fatal(err)
	}
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, p.Body); err != nil {
			b.Fatal(err)
		}
	}
}

// timed returns how long f takes, in milliseconds.
func timed(f func()) float64 {
	begin := time.Now()
	f()
	return float64(time.Since(begin)) / float64(time.Millisecond)
}

// median sorts the list.
func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkParse reads a mail of 50 KiB, and has go-message read it, in turns. It
// reports medians in milliseconds, and their ratio.
func BenchmarkParse(b *testing.B) {
	raw := mail50KiB()
	var own, theirs []float64
	for b.Loop() {
		// Several each time: a gateway's caches are warm.
		own = append(own, timed(func() {
			for range 20 {
				_, _ = Parse(bytes.NewReader(raw), int64(len(raw)))
			}
		})/20)
		theirs = append(theirs, timed(func() {
			for range 20 {
				readAll(b, raw)
			}
		})/20)
	}
	b.ReportMetric(0, "ns/op") // that of a round says nothing
	b.ReportMetric(median(own), "own-ms")
	b.ReportMetric(median(theirs), "go-message-ms")
	b.ReportMetric(median(own)/median(theirs), "ratio")
}

// BenchmarkBombs reads mails that are made to cost time, in medians of milliseconds.
// The first of them go-message reads too, which is quadratic in its depth.
func BenchmarkBombs(b *testing.B) {
	deep := []byte(nested(3000, true))
	parts := []byte(multipart(strings.Repeat("--b\r\n\r\nx\r\n", 1_000_000) + "--b--\r\n"))
	var ownDeep, ownParts, theirs []float64
	for b.Loop() {
		ownDeep = append(ownDeep, timed(func() { _, _ = Parse(bytes.NewReader(deep), int64(len(deep))) }))
		ownParts = append(ownParts, timed(func() { _, _ = Parse(bytes.NewReader(parts), int64(len(parts))) }))
		if len(theirs) < 3 { // it takes seconds
			theirs = append(theirs, timed(func() {
				if e, err := gomessage.Read(bytes.NewReader(deep)); err == nil {
					_ = e.Walk(func([]int, *gomessage.Entity, error) error { return nil })
				}
			}))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ownDeep), "3000-levels-ms")
	b.ReportMetric(median(ownParts), "1M-parts-ms")
	b.ReportMetric(median(theirs), "go-message-3000-levels-ms")
}

// BenchmarkLargeMail reads a mail of 50 MB, which is mostly an attachment, and reports
// by how much the heap grows at most. The mail itself is made while it is read.
func BenchmarkLargeMail(b *testing.B) {
	line := strings.Repeat("QUJD", 19) + "\r\n"
	head := multipart("--b\r\n\r\nHello\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	const end = "--b--\r\n"
	raw := repeated{head: head, line: line, tail: end, lines: (50_000_000 - len(head)) / len(line)}
	var peaks []float64
	for b.Loop() {
		runtime.GC()
		idle := heap()
		var peak atomic.Uint64
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					peak.Store(max(peak.Load(), heap()))
				}
			}
		}()
		m, err := Parse(raw, raw.size())
		close(stop)
		<-stopped
		if err != nil || len(m.Attachments) != 1 || m.Attachments[0].Size != int64(raw.lines)*57 {
			b.Fatalf("%+v, %v", m, err)
		}
		peaks = append(peaks, float64(max(peak.Load(), idle)-idle)/1e6)
	}
	b.SetBytes(raw.size())
	b.ReportMetric(median(peaks), "heap-MB")
}

// heap is what lives on the heap, and what is not collected yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// repeated is a mail with one line again and again.
type repeated struct {
	head, line, tail string
	lines            int
}

func (r repeated) size() int64 { return int64(len(r.head) + r.lines*len(r.line) + len(r.tail)) }

// ReadAt implements io.ReaderAt.
func (r repeated) ReadAt(p []byte, off int64) (n int, err error) {
	end := int64(len(r.head) + r.lines*len(r.line))
	for n < len(p) {
		var from string
		switch {
		case off >= r.size():
			return n, io.EOF
		case off < int64(len(r.head)):
			from = r.head[off:]
		case off < end:
			from = r.line[(off-int64(len(r.head)))%int64(len(r.line)):]
		default:
			from = r.tail[off-end:]
		}
		c := copy(p[n:], from)
		n, off = n+c, off+int64(c)
	}
	return n, nil
}
