package events

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// What an About is of.
const (
	Account  = "account"
	Endpoint = "endpoint"
	Scanner  = "scanner"
	Plugin   = "plugin"
	Disk     = "disk"
)

const (
	// timeFormat is ISO 8601 in UTC with milliseconds.
	timeFormat = "2006-01-02T15:04:05.000Z"
	// maxText is how long the line is that a list shows of an event, in octets.
	maxText = 200
)

// words are the events of an episode, and what its end is told by.
type words struct{ opens, closes, resets, well string }

// wordsOf gives the words of an episode.
func wordsOf(class, kind string) words {
	switch {
	case hasConnections(class) && kind == string(outbound.Authentication):
		return words{mail.EventAuthenticationError, mail.EventAuthenticationSuccess, mail.EventAuthenticationReset, "logged in, after failures since "}
	case hasConnections(class):
		return words{mail.EventConnectError, mail.EventConnectSuccess, mail.EventConnectReset, "connected, after failures since "}
	case class == Scanner:
		return words{mail.EventScannerDown, mail.EventScannerRecovered, mail.EventScannerRecovered, "answers again, after failures since "}
	case class == Disk:
		return words{mail.EventDiskLow, mail.EventDiskRecovered, mail.EventDiskRecovered, "there is room again, after there was little since "}
	default:
		return words{mail.EventPluginFailing, mail.EventPluginRecovered, mail.EventPluginRecovered, "works again, after failures since "}
	}
}

// messages makes an event for each of its subscribers.
func (e *Events) messages(o Occurrence, at time.Time) ([]store.NewMessage, error) {
	var list []store.NewMessage
	event := store.Event{Name: o.Name, About: o.About}
	for _, to := range e.cfg.Subscribers(o.About.Tenant, o.Name) {
		id := mail.NewMessageID(at)
		doc, err := e.payload(o, id.Delivery(1), at).Marshal()
		if err != nil {
			return nil, fmt.Errorf("tell of %s: %w", o.Name, err)
		}
		list = append(list, store.MessageOf(id, at, event, to, text(o), doc, e.cfg.Retention(to.Tenant, at)))
	}
	return list, nil
}

// payload is what a receiver gets: of an account, field for field what EmailEngine sends.
func (e *Events) payload(o Occurrence, id mail.DeliveryID, at time.Time) *document.Document {
	field := func(name, value string) document.Member {
		return document.Member{Name: name, Value: document.String(value)}
	}
	data := []document.Member{field("response", response(o.Response))}
	if code := clean(o.Code, maxText); code != "" {
		data = append(data, field("serverResponseCode", code))
	}
	var root []document.Member
	if e.cfg.ServiceURL != "" {
		root = append(root, field("serviceUrl", e.cfg.ServiceURL))
	}
	root = append(
		root,
		field(o.About.Class, o.About.Name),
		field("date", at.UTC().Format(timeFormat)),
		field("event", o.Name),
		field("eventId", string(id)),
		document.Member{Name: "data", Value: document.Object(append(data, o.Extra...)...)},
	)
	return &document.Document{Root: document.Object(root...)}
}

// text is the line that a list shows.
func text(o Occurrence) string {
	line := o.Name + " " + o.About.Name + ": " + response(o.Response)
	return clean(line, maxText)
}

// response is what was said, fit for people; there is always something.
func response(s string) string {
	if s = clean(s, outbound.MaxResponse); s != "" {
		return s
	}
	return "no reason was given"
}

// clean makes a foreign text one line of printable characters, of at most limit octets.
func clean(s string, limit int) string {
	s = cut(s, 4*limit) // of what cannot get in, not all is looked at
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(cut(strings.Join(strings.Fields(s), " "), limit))
}

// cut leaves the beginning of a text, in whole characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// describe names for people what an event is of.
func describe(about store.About) string {
	name := about.Name
	if about.Tenant != "" {
		name = about.Tenant + "/" + name
	}
	return about.Class + " " + name
}
