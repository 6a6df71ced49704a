package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// Day is the d of durations.
const Day = 24 * time.Hour

// Size reads octets: a whole number, or one with KiB, MiB or GiB.
func Size(low, high int64) Kind[int64] {
	return func(v syntax.Value) (int64, syntax.Problems) {
		n, ok := v.Data.(int64)
		if s, isText := v.Data.(string); isText {
			var err error
			n, err = parseSize(s)
			ok = err == nil
		}
		if !ok {
			return 0, v.Wrong(`write a number and KiB, MiB or GiB, such as "50MiB"`, "want a size")
		}
		if n < low || n > high {
			return 0, v.Wrong("", "want a size from %s to %s", showSize(low), showSize(high))
		}
		return n, nil
	}
}

func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "KMGiB")
	n, err := strconv.ParseUint(digits, 10, 62)
	if err != nil {
		return 0, fmt.Errorf("read size: %w", err)
	}
	shift, ok := map[string]int{"": 0, "KiB": 10, "MiB": 20, "GiB": 30}[s[len(digits):]]
	if !ok || n > 1<<62>>shift {
		return 0, errors.New("no size")
	}
	return int64(n) << shift, nil // of 62 bits
}

func showSize(n int64) string {
	for _, unit := range []struct {
		name   string
		octets int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.octets && n%unit.octets == 0 {
			return fmt.Sprintf("%d%s", n/unit.octets, unit.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

// Duration reads a time as Go writes it, with d for days in front: "1d12h".
func Duration(low, high time.Duration) Kind[time.Duration] {
	return func(v syntax.Value) (time.Duration, syntax.Problems) {
		s, ok := v.Data.(string)
		d, err := ParseDuration(s)
		if !ok || err != nil {
			return 0, v.Wrong(`write numbers with units, such as "30s", "5m", "12h" or "30d"`, "want a duration")
		}
		if d < low || d > high {
			return 0, v.Wrong("", "want a duration from %s to %s", FormatDuration(low), FormatDuration(high))
		}
		return d, nil
	}
}

// maxDays bounds both summands so far that their sum cannot overflow.
const maxDays = 36_500

// ParseDuration reads a duration as Go writes it, without a sign, and with d for days in front.
func ParseDuration(s string) (time.Duration, error) {
	if strings.ContainsAny(s, "+-") {
		return 0, errors.New("a duration has no sign")
	}
	number, rest, ok := strings.Cut(s, "d")
	if !ok {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("read duration: %w", err)
		}
		return d, nil
	}
	days, err := strconv.ParseUint(number, 10, 32)
	if err != nil || days > maxDays {
		return 0, errors.New("no number of days")
	}
	sum := time.Duration(days) * Day
	if rest == "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d > maxDays*Day {
		return 0, errors.New("no duration after the days")
	}
	return sum + d, nil
}

// FormatDuration writes a time so that Duration reads it, without the zeros that Go
// writes: "1h" for "1h0m0s".
func FormatDuration(d time.Duration) string {
	if d >= Day && d%Day == 0 {
		return fmt.Sprintf("%dd", d/Day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
