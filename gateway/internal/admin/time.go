package admin

import "time"

// Time is a moment as all answers write it: RFC 3339 in UTC with milliseconds, which is what
// the store keeps. The zero time is none, and left out.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z"

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return t.UTC().AppendFormat(nil, timeLayout), nil }

// MarshalJSON implements json.Marshaler, in place of time.Time's.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"`+timeLayout+`"`), nil
}
