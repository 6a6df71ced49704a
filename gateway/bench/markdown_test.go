package bench

import (
	"slices"
	"testing"
	"time"

	other "github.com/postern-mail/postern/gateway/bench/guest/htmltomarkdown/convert"
	"github.com/postern-mail/postern/plugins/markdown/convert"
)

func ownNative(_ testing.TB, html string) string {
	return convert.HTML(html, convert.Options{Links: true, Images: true})
}

func otherNative(t testing.TB, html string) string {
	t.Helper()
	markdown, err := other.HTML(html)
	if err != nil {
		t.Fatal(err)
	}
	return markdown
}

// BenchmarkMarkdown converts a newsletter of 50 KB by the plugin and by
// html-to-markdown, natively and as plugins, in rounds of one conversion each. It
// reports medians in milliseconds, and the ratios to the plugin's. "metered" is a guest
// that pays with fuel, as it does in the gateway; "fuel-ratio" says how many times as long it
// takes for that.
func BenchmarkMarkdown(b *testing.B) {
	html := newsletter(b, 50_000)
	own, theirs := buildGuest(b, ownGuest), buildGuest(b, otherGuest)
	native := func(f func(testing.TB, string) string) func() time.Duration {
		return func() time.Duration {
			begin := time.Now()
			f(b, html)
			return time.Since(begin)
		}
	}
	var starts []time.Duration
	inSandbox := func(wasm []byte, metered bool) func() time.Duration {
		s := newBare(b, wasm, metered)
		return func() time.Duration {
			start, took := s.run(b, html)
			starts = append(starts, start)
			return took
		}
	}
	contenders := []struct {
		name string
		run  func() time.Duration
	}{
		{"native", native(ownNative)},
		{"sandbox", inSandbox(own, false)},
		{"metered", inSandbox(own, true)},
		{"other-native", native(otherNative)},
		{"other-sandbox", inSandbox(theirs, false)},
		{"other-metered", inSandbox(theirs, true)},
	}
	took := make([][]time.Duration, len(contenders))
	var start []time.Duration // of the plugin's instances
	for b.Loop() {
		for i, c := range contenders {
			starts = starts[:0]
			took[i] = append(took[i], c.run())
			if c.name == "sandbox" {
				start = append(start, starts...)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // that of a round says nothing
	medians := make([]float64, len(contenders))
	for i, c := range contenders {
		medians[i] = median(took[i])
		b.ReportMetric(medians[i], c.name+"-ms")
	}
	for i, name := range []string{"native", "sandbox", "metered"} {
		b.ReportMetric(medians[i+3]/medians[i], name+"-ratio")
	}
	// Of what fuel costs, the least tells more on a machine that does other things too.
	b.ReportMetric(medians[2]/medians[1], "fuel-ratio")
	b.ReportMetric(float64(slices.Min(took[2]))/float64(slices.Min(took[1])), "fuel-ratio-least")
	b.ReportMetric(median(start), "start-ms")
}

// median returns the median in milliseconds.
func median(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)/2]) / float64(time.Millisecond)
}
