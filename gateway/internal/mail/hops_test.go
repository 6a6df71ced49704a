package mail

import (
	"strings"
	"testing"
)

func TestHops(t *testing.T) {
	t.Parallel()
	own := LoopField + ": mx.example.org\r\n"
	for name, tc := range map[string]struct {
		header string
		want   bool
	}{
		"none":                 {"Subject: x\r\n", false},
		"50 Received":          {strings.Repeat("rEceived: from x\r\n by y\r\n", 50) + "Receiveds: x\r\n", false},
		"51 Received":          {strings.Repeat("Received:x\r\n", 51), true},
		"bare line feeds":      {strings.Repeat("Received: x\n", 51), true},
		"own three times":      {strings.Repeat(own, 3), false},
		"own four times":       {strings.Repeat(own, 4), true},
		"own in capitals":      {strings.Repeat(strings.ToUpper(own), 4), true},
		"another gateway's":    {strings.Repeat(LoopField+": mx.example.com\r\n", 9), false},
		"another that is like": {strings.Repeat(LoopField+": mx.example.org.example.com\r\n", 9), false},
		"continued":            {strings.Repeat("Subject: x\r\n "+own, 9), false},
	} {
		for _, size := range []int{1, 7, 1 << 20} {
			h := NewHops("mx.example.org")
			mail := tc.header + "\r\n" + strings.Repeat("Received: z\r\n"+own, 100)
			for mail != "" {
				n := min(size, len(mail))
				h.Count([]byte(mail[:n]))
				mail = mail[n:]
			}
			if !h.Ended() || h.Looping() != tc.want {
				t.Errorf("%s, by %d: ended %t, looping %t", name, size, h.Ended(), h.Looping())
			}
		}
	}
}

// FuzzHops holds that it does not matter how a mail is cut into pieces.
func FuzzHops(f *testing.F) {
	own := LoopField + ": mx\r\n"
	f.Add(strings.Repeat(own, 4)+"\r\n", 3)
	f.Add("Received: x\n\nReceived: y", 1)
	f.Add("\r\r\n", 1)
	f.Fuzz(func(t *testing.T, text string, at int) {
		at = max(0, min(at, len(text)))
		whole, pieces := NewHops("mx"), NewHops("mx")
		whole.Count([]byte(text))
		pieces.Count([]byte(text[:at]))
		pieces.Count([]byte(text[at:]))
		if whole.received != pieces.received || whole.own != pieces.own || whole.Ended() != pieces.Ended() || whole.Looping() != pieces.Looping() {
			t.Errorf("whole %+v, in pieces %+v", whole, pieces)
		}
		if whole.received+whole.own > strings.Count(text, "\n") {
			t.Errorf("%d and %d fields in %d lines", whole.received, whole.own, strings.Count(text, "\n"))
		}
	})
}
