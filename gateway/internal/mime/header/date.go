package header

import (
	"strconv"
	"strings"
	"time"
)

// maxDate is several times as long as any date with comments.
const maxDate = 256

// Date reads a date-time (RFC 5322 section 3.3). Mailers get it wrong in many
// ways, so the pieces are taken in any order: a month by name, a year, a time of
// day, a zone. Years first as in ISO 8601 work too. Package time is not asked:
// it reads the names of zones as the machine is set up.
//
// The location of the result is UTC or a fixed offset; a missing zone means UTC.
// clean is false where the date has not the form of the RFC, its obsolete one
// included; t is the zero time where no date is in it.
func Date(raw string) (t time.Time, clean bool) {
	text, flaws := Text(Cut(raw, maxDate))
	p := pieces{year: -1, month: -1, day: -1, hour: -1}
	words := strings.FieldsFunc(withoutComments(text), func(r rune) bool {
		return r == ' ' || r == '\t' || r == ','
	})
	for _, word := range words {
		p.take(strings.ToLower(word))
	}
	if p.year < 1 || p.year > 9999 || p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 {
		return time.Time{}, false
	}
	p.hour = max(p.hour, 0)
	if p.hour > 23 || p.minute > 59 || p.sec > 60 || p.offset <= -24*3600 || p.offset >= 24*3600 {
		return time.Time{}, false
	}
	zone := time.UTC
	if p.offset != 0 {
		zone = time.FixedZone("", p.offset)
	}
	// A leap second is the last one of its minute to package time.
	t = time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, min(p.sec, 59), 0, zone)
	if t.Day() != p.day { // the 31st of February is no day
		return time.Time{}, false
	}
	return t, flaws == 0 && len(raw) <= maxDate && hasForm(words)
}

// hasForm reports whether the words of a date stand as RFC 5322 wants them:
// "Tue, 3 Mar 2026 09:30:00 +0100", with or without the day of the week and the
// seconds, and with a zone that section 4.3 knows.
func hasForm(words []string) bool {
	if len(words) > 0 && len(words[0]) == 3 && weekday(words[0]) {
		words = words[1:]
	}
	if len(words) != 5 {
		return false
	}
	day, month, year, clock, zone := words[0], words[1], words[2], words[3], words[4]
	var p pieces
	switch {
	case len(day) > 2 || !digits(day), len(month) != 3 || !p.takeMonth(month), len(year) < 2 || !digits(year):
		return false
	case len(clock) != len("09:30") && len(clock) != len("09:30:00"), !digits(strings.ReplaceAll(clock, ":", "")):
		return false
	case clock[2] != ':', len(clock) > 5 && clock[5] != ':':
		return false
	case zone[0] == '+' || zone[0] == '-':
		return len(zone) == len("+0100") && digits(zone[1:])
	}
	return len(zone) <= 3 && p.takeZone(strings.ToLower(zone))
}

func weekday(w string) bool {
	const names = "montuewedthufrisatsun"
	return strings.Index(names, strings.ToLower(w))%3 == 0
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func withoutComments(s string) string {
	var b strings.Builder
	for {
		before, _, found := strings.Cut(s, "(")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s = Comment(s[len(before):])
		b.WriteByte(' ')
	}
}

// pieces of a date, -1 where not found yet.
type pieces struct {
	year, month, day  int
	hour, minute, sec int
	offset            int // seconds east of UTC
}

// take reads one word.
func (p *pieces) take(w string) {
	if date, clock, ok := strings.Cut(w, "t"); ok && strings.Count(date, "-") == 2 { // ISO 8601
		p.take(date)
		w = clock
	}
	if w == "" {
		return
	}
	switch {
	case strings.Count(w, "-") == 2 && !strings.HasPrefix(w, "-"), strings.Count(w, "/") == 2:
		p.takeDate(strings.FieldsFunc(w, func(r rune) bool { return r == '-' || r == '/' }))
	case strings.Contains(w, ":") && '0' <= w[0] && w[0] <= '9':
		p.takeTime(w)
	case w == "pm" && p.hour >= 0 && p.hour < 12:
		p.hour += 12
	case w == "am" && p.hour == 12:
		p.hour = 0
	case p.hour >= 0 && p.takeZone(w):
	case p.takeMonth(w):
	default:
		n, err := strconv.Atoi(strings.TrimRight(w, ".stndrh")) // "1.", "2nd", "4th"
		if err != nil || n < 0 {
			return
		}
		if n >= 1 && n <= 31 && p.day < 0 && len(w) != 4 {
			p.day = n
		} else if p.year < 0 {
			p.year = fullYear(n, w)
		}
	}
}

// takeDate reads 2006-01-02, 02-Jan-2006 and 1/2/2006, which is read as the
// Americans do, who write it.
func (p *pieces) takeDate(f []string) {
	if len(f) != 3 {
		return
	}
	a, errA := strconv.Atoi(f[0])
	b, errB := strconv.Atoi(f[1])
	c, errC := strconv.Atoi(f[2])
	switch {
	case errA == nil && errC == nil && p.takeMonth(f[1]):
		p.day, p.year = a, fullYear(c, f[2])
	case errA != nil || errB != nil || errC != nil:
	case len(f[0]) == 4:
		p.year, p.month, p.day = a, b, c
	default:
		p.month, p.day, p.year = a, b, fullYear(c, f[2])
	}
}

// takeTime reads 15:04, 15:04:05 and 15:04:05.000, each perhaps with a zone or
// a half of the day glued to it.
func (p *pieces) takeTime(w string) {
	end := 0
	for end < len(w) && strings.ContainsRune("0123456789:.", rune(w[end])) {
		end++
	}
	clock, rest := w[:end], w[end:]
	clock, _, _ = strings.Cut(clock, ".")
	var v [3]int
	for i, f := range strings.SplitN(clock, ":", len(v)) {
		n, err := strconv.Atoi(f)
		if err != nil {
			return
		}
		v[i] = n
	}
	p.hour, p.minute, p.sec = v[0], v[1], v[2]
	if rest != "" {
		p.take(rest)
	}
}

// takeZone reads +0200, +02:00, GMT+0200, Z and the names of RFC 5322. Names
// that the RFC does not have mean UTC, as it says.
func (p *pieces) takeZone(w string) bool {
	named := map[string]int{
		"z": 0, "ut": 0, "utc": 0, "gmt": 0,
		"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8,
	}
	if hours, ok := named[w]; ok {
		p.offset = hours * 3600
		return true
	}
	w = strings.TrimPrefix(strings.TrimPrefix(w, "gmt"), "utc")
	if len(w) < 3 || (w[0] != '+' && w[0] != '-') {
		return false
	}
	n, err := strconv.Atoi(strings.ReplaceAll(w[1:], ":", ""))
	if err != nil || n < 0 {
		return false
	}
	if len(w) == len("+02") {
		n *= 100
	}
	p.offset = n/100*3600 + n%100*60
	if w[0] == '-' {
		p.offset = -p.offset
	}
	return true
}

func (p *pieces) takeMonth(w string) bool {
	if len(w) < 3 {
		return false
	}
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	i := strings.Index(names, strings.ToLower(w[:3]))
	if i < 0 || i%3 != 0 {
		return false
	}
	p.month = i/3 + 1
	return true
}

// fullYear completes years of two and three digits (RFC 5322 section 4.3).
func fullYear(n int, digits string) int {
	switch {
	case len(digits) == 2 && n < 50:
		return n + 2000
	case len(digits) <= 3:
		return n + 1900
	}
	return n
}
