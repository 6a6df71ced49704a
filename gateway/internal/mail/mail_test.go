package mail

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMessageIDIsULID(t *testing.T) {
	t.Parallel()
	// The first ten digits of a ULID are its time; the value is that of the
	// ULID specification's own example.
	id := NewMessageID(time.UnixMilli(1469918176385))
	if got := string(id[:14]); got != "msg_01ARYZ6S41" {
		t.Errorf("time part = %s, want msg_01ARYZ6S41", got)
	}
	if len(id) != 30 {
		t.Errorf("length = %d, want 30", len(id))
	}
	if id == NewMessageID(time.UnixMilli(1469918176385)) {
		t.Error("two ids of one millisecond are equal")
	}
}

func TestMessageIDsSortByTime(t *testing.T) {
	t.Parallel()
	var ids []MessageID
	at := time.UnixMilli(1)
	for range 60 {
		ids = append(ids, NewMessageID(at))
		at = at.Add(7 * time.Hour * 24 * 30)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids do not sort by time: %v", ids)
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	id := NewMessageID(time.Now())
	for _, tc := range []struct {
		in       string
		message  MessageID
		delivery DeliveryID
		fails    bool
	}{
		{in: string(id), message: id},
		{in: string(id.Delivery(1)), message: id, delivery: id.Delivery(1)},
		{in: string(id.Delivery(12)), message: id, delivery: id.Delivery(12)},
		{in: string(id) + "_0", fails: true},
		{in: string(id) + "_01", fails: true},
		{in: string(id) + "_", fails: true},
		{in: string(id) + ".1", fails: true},
		{in: strings.ToLower(string(id)), fails: true},
		{in: "msg_", fails: true},
		{in: "", fails: true},
		{in: "../../etc/passwd", fails: true},
	} {
		message, delivery, err := ParseID(tc.in)
		if (err != nil) != tc.fails {
			t.Errorf("ParseID(%q) error = %v", tc.in, err)
		}
		if message != tc.message || delivery != tc.delivery {
			t.Errorf("ParseID(%q) = %q, %q", tc.in, message, delivery)
		}
		if split, n := tc.delivery.Split(); split != "" && (split != id || split.Delivery(n) != tc.delivery) {
			t.Errorf("Split() of %q = %q, %d", tc.delivery, split, n)
		}
	}
}

func TestSplitAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, local, domain, err string }{
		{in: "alice@example.com", local: "alice", domain: "example.com"},
		{in: "../../etc@x", local: "../../etc", domain: "x"},
		{in: "b%x@other", local: "b%x", domain: "other"},
		{in: `"a b"@a`, local: `"a b"`, domain: "a"},
		{in: `"b@x"@other`, local: `"b@x"`, domain: "other"},
		{in: "a@[127.0.0.1]", local: "a", domain: "[127.0.0.1]"},
		{in: "düsseldorf@bücher.example", local: "düsseldorf", domain: "bücher.example"},
		{in: "b@x@other", err: "quotes"},
		{in: "a\x00@a", err: "control"},
		{in: "a\r\nRCPT TO:@a", err: "control"},
		{in: "a\u0085@a", err: "control"},
		{in: "a\xff@a", err: "UTF-8"},
		{in: "nobody", err: "no @"},
		{in: "@a", err: "before the @"},
		{in: "a@", err: "no domain"},
		{in: strings.Repeat("x", 65) + "@a", err: "65 octets"},
		{in: "a@" + strings.Repeat("x", 256), err: "256 octets"},
		{in: "a@b/c", err: "no domain has"},
	} {
		local, domain, err := SplitAddress(tc.in)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("SplitAddress(%q) error = %v, want one with %q", tc.in, err, tc.err)
			}
			continue
		}
		if err != nil || local != tc.local || domain != tc.domain {
			t.Errorf("SplitAddress(%q) = %q, %q, %v", tc.in, local, domain, err)
		}
	}
}

func TestFoldLocal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Support": "support", "ÀÉ+X": "ÀÉ+x", "": "", "@[`{": "@[`{"} {
		if got := FoldLocal(in); got != want {
			t.Errorf("FoldLocal(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStatesAreFinalOrNot(t *testing.T) {
	t.Parallel()
	var open []State
	for _, s := range States() {
		if !s.Final() {
			open = append(open, s)
		}
	}
	if !slices.Equal(open, []State{Queued, Retrying}) {
		t.Errorf("open states = %v", open)
	}
}

// FuzzSplitAddress holds that an address that is accepted can do no harm: it
// holds no control characters, is within the limits, and is its parts again.
func FuzzSplitAddress(f *testing.F) {
	for _, s := range []string{"alice@example.com", `"a b"@a`, "a@[127.0.0.1]", "b@x@other", "a\x00@a", "düsseldorf@bücher.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		local, domain, err := SplitAddress(s)
		if err != nil {
			return
		}
		if local+"@"+domain != s || len(local) > maxLocalPart || len(domain) > maxDomain {
			t.Errorf("SplitAddress(%q) = %q, %q", s, local, domain)
		}
		if strings.ContainsAny(s, "\r\n\x00<>") && local[0] != '"' {
			t.Errorf("SplitAddress accepted %q", s)
		}
	})
}

// FuzzParseID holds that an id that is accepted is written the same again.
func FuzzParseID(f *testing.F) {
	f.Add("msg_01ARYZ6S410000000000000000_1")
	f.Fuzz(func(t *testing.T, s string) {
		message, delivery, err := ParseID(s)
		if err != nil {
			return
		}
		again := string(message)
		if id, n := delivery.Split(); delivery != "" {
			again = string(id.Delivery(n))
		}
		if again != s || strings.ContainsAny(s, "./\\") {
			t.Errorf("ParseID(%q) = %q, %q", s, message, delivery)
		}
	})
}
