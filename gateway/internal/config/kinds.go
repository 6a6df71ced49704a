package config

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"
)

// A kind reads a value as a T. It refuses what a T cannot be.
type kind[T any] = func(value) (T, Problems)

// into makes a setting's set out of a kind and the place for the result.
func into[T any](target *T, read kind[T]) func(value) Problems {
	return func(v value) Problems {
		x, ps := read(v)
		if ps == nil {
			*target = x
		}
		return ps
	}
}

// also keeps the value itself, for checks that come later and need its place.
func also(target *value, set func(value) Problems) func(value) Problems {
	return func(v value) Problems {
		*target = v
		return set(v)
	}
}

// anyValue leaves the reading to whoever gets it.
func anyValue(v value) (value, Problems) { return v, nil }

// maxText bounds a string in octets: no name, path or URL is longer.
const maxText = 4096

// text reads a string that is not empty and fits on a line.
func text(v value) (string, Problems) {
	s, ok := v.Data.(string)
	switch {
	case !ok:
		return "", v.wrong("", "want a string, got %s", v.describe())
	case s == "":
		return "", v.wrong("", "the value is empty")
	case len(s) > maxText:
		return "", v.wrong("", "the value is longer than %d octets", maxText)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", v.wrong("", "the value holds a control character")
	}
	return s, nil
}

// oneOf reads one of a few words.
func oneOf(words ...string) kind[string] {
	return func(v value) (string, Problems) {
		s, ps := text(v)
		if ps != nil || slices.Contains(words, s) {
			return s, ps
		}
		return "", v.wrong(didYouMean(s, words), "want one of %s, got %s", strings.Join(words, ", "), quote(s))
	}
}

func boolean(v value) (bool, Problems) {
	if s, ok := v.Data.(string); ok && v.untyped() && (s == "true" || s == "false") {
		return s == "true", nil
	}
	b, ok := v.Data.(bool)
	if !ok {
		return false, v.wrong("", "want true or false, got %s", v.describe())
	}
	return b, nil
}

// integer reads a whole number from low to high.
func integer(low, high int64) kind[int] {
	return func(v value) (int, Problems) {
		n, ok := v.Data.(int64)
		if s, isText := v.Data.(string); isText && v.untyped() {
			var err error
			n, err = strconv.ParseInt(s, 10, 64)
			ok = err == nil
		}
		if !ok {
			return 0, v.wrong("", "want a whole number from %d to %d, got %s", low, high, v.describe())
		}
		if n < low || n > high {
			return 0, v.wrong("", "want a number from %d to %d, got %d", low, high, n)
		}
		return int(n), nil
	}
}

// port reads a TCP port.
func port(v value) (uint16, Problems) {
	n, ps := integer(1, 65535)(v)
	return uint16(n), ps //nolint:gosec // the bound stands above
}

// size reads octets: a whole number, or one with KiB, MiB or GiB.
func size(low, high int64) kind[int64] {
	return func(v value) (int64, Problems) {
		n, ok := v.Data.(int64)
		if s, isText := v.Data.(string); isText {
			var err error
			n, err = parseSize(s)
			ok = err == nil
		}
		if !ok {
			return 0, v.wrong(`write a number and KiB, MiB or GiB, such as "50MiB"`, "want a size")
		}
		if n < low || n > high {
			return 0, v.wrong("", "want a size from %s to %s", showSize(low), showSize(high))
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
	return int64(n) << shift, nil //nolint:gosec // of 62 bits
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

// duration reads a time as Go writes it, with d for days in front: "1d12h".
func duration(low, high time.Duration) kind[time.Duration] {
	return func(v value) (time.Duration, Problems) {
		s, ok := v.Data.(string)
		d, err := parseDuration(s)
		if !ok || err != nil {
			return 0, v.wrong(`write numbers with units, such as "30s", "5m", "12h" or "30d"`, "want a duration")
		}
		if d < low || d > high {
			return 0, v.wrong("", "want a duration from %s to %s", showDuration(low), showDuration(high))
		}
		return d, nil
	}
}

// maxDays bounds both summands so far that their sum cannot overflow.
const maxDays = 36_500

func parseDuration(s string) (time.Duration, error) {
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
	sum := time.Duration(days) * day
	if rest == "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d > maxDays*day {
		return 0, errors.New("no duration after the days")
	}
	return sum + d, nil
}

// showDuration leaves out the zeros that Go writes: "1h" for "1h0m0s".
func showDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
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

const (
	maxAttempts = 50
	maxDelay    = 7 * day
)

// schedule reads the delays before the attempts of a delivery. Only the first
// may be none: an endpoint that fails is given time.
func schedule(v value) ([]time.Duration, Problems) {
	delays, ps := listOf(1, maxAttempts, duration(0, maxDelay))(v)
	if ps != nil {
		return nil, ps
	}
	entries := entriesOf(v)
	for i, d := range delays[1:] {
		if d < time.Second {
			ps = append(ps, entries[i+1].wrong("", "only the first delay may be under 1s")...)
		}
	}
	return delays, ps
}

// listOf reads a list of low to high entries, all of which are checked.
func listOf[T any](low, high int, read kind[T]) kind[[]T] {
	return func(v value) ([]T, Problems) {
		entries := entriesOf(v)
		if entries == nil {
			return nil, v.wrong("write it in brackets: […]", "want a list, got %s", v.describe())
		}
		if len(entries) < low || len(entries) > high {
			return nil, v.wrong("", "want %d to %d entries, got %d", low, high, len(entries))
		}
		var ps Problems
		xs := make([]T, 0, len(entries))
		for _, entry := range entries {
			x, wrong := read(entry)
			xs, ps = append(xs, x), append(ps, wrong...)
		}
		return xs, ps
	}
}

// entriesOf gives the entries of a list, and nil for any other value. In the
// environment and in flags a list is written with commas.
func entriesOf(v value) []value {
	if s, ok := v.Data.(string); ok && v.untyped() {
		entries := []value{}
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" || strings.Contains(s, ",") {
				entries = append(entries, value{Data: part, At: v.At})
			}
		}
		return entries
	}
	entries, _ := v.Data.([]value)
	return entries
}

// filePath reads a path. In a file it is relative to that file, so that a
// configuration means the same wherever it is started from.
func filePath(v value) (string, Problems) {
	s, ps := text(v)
	if ps != nil {
		return "", ps
	}
	if !filepath.IsAbs(s) && !v.untyped() {
		s = filepath.Join(filepath.Dir(v.At.File), s)
	}
	return filepath.Clean(s), nil
}

// network reads a network in CIDR form.
func network(v value) (netip.Prefix, Problems) {
	s, ps := text(v)
	if ps != nil {
		return netip.Prefix{}, ps
	}
	p, err := netip.ParsePrefix(s)
	if ip, ipErr := netip.ParseAddr(s); ipErr == nil && ip.Zone() == "" {
		return netip.Prefix{}, v.wrong(fmt.Sprintf("write \"%s/%d\" for this one address", ip, ip.BitLen()), "%s has no prefix length", quote(s))
	}
	switch {
	case err != nil:
		return netip.Prefix{}, v.wrong(`write it as "10.0.0.0/8"`, "%s is not a network", quote(s))
	case p.Addr().Is4In6():
		return netip.Prefix{}, v.wrong("write the IPv4 network itself", "%s is an IPv4 network in IPv6 form", quote(s))
	case p != p.Masked():
		return netip.Prefix{}, v.wrong(fmt.Sprintf("did you mean %q?", p.Masked()), "%s has bits set after its prefix", quote(s))
	}
	return p, nil
}

// domain reads a domain name and gives it in lower case and in ASCII, as it
// stands in DNS and in envelopes.
func domain(v value) (string, Problems) {
	s, ps := text(v)
	if ps != nil {
		return "", ps
	}
	name, err := toASCII(s)
	if err != nil {
		return "", v.wrong("", "%s is not a domain name: %s", quote(s), err)
	}
	return name, nil
}

// toASCII is IDNA's profile for look-ups (RFC 5891 section 5), with the lengths
// of DNS on top.
func toASCII(s string) (string, error) {
	if len(s) > maxQuoted*4 {
		return "", errors.New("it is too long")
	}
	if strings.HasSuffix(s, ".") {
		return "", errors.New("it ends in a dot")
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return "", errors.New("it is an IP address")
	}
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
	name, err := profile.ToASCII(s)
	if err != nil {
		return "", fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "idna: "))
	}
	return name, nil
}
