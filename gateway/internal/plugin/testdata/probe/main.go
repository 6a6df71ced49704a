// Program probe is a guest for the host's tests. It does what its options say, to
// see both sides of the contract at work together.
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

type options struct {
	Do string `json:"do"`
}

func init() {
	plugin.RegisterWithOptions(options{Do: "look"}, check, run)
}

func main() {}

func check(o options) error {
	if o.Do == "refuse" {
		return errors.New("these options are refused")
	}
	return nil
}

// runs must be 1 in every run.
var runs int

func run(m *plugin.Mail, o options) error {
	runs++
	switch o.Do {
	case "look":
		return look(m)
	case "fail":
		return errors.Join(m.Payload().Set("/probe", "must not stay"), errors.New("no luck"))
	case "panic":
		_ = m.Payload().Set("/probe", "must not stay")
		panic("boom")
	case "exit":
		os.Exit(3)
	case "spin":
		for {
			runs++
		}
	case "eat":
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
			kept[len(kept)-1][0] = byte(len(kept))
		}
	case "flood":
		for {
			m.Header("Subject")
		}
	case "outside":
		if err := m.Payload().Set("/message/subject", "x"); !errors.Is(err, plugin.ErrForbidden) {
			return fmt.Errorf("set outside the scope: %w", err)
		}
		if _, _, err := m.Payload().GetJSON("/message"); !errors.Is(err, plugin.ErrForbidden) {
			return fmt.Errorf("get outside the scope: %w", err)
		}
		if err := m.Payload().SetJSON("/probe", []byte("{")); !errors.Is(err, plugin.ErrBadValue) {
			return fmt.Errorf("set of bad JSON: %w", err)
		}
		if err := m.Payload().Set("/probe/none/x", 1); !errors.Is(err, plugin.ErrBadPointer) {
			return fmt.Errorf("set below nothing: %w", err)
		}
	case "drop":
		m.Drop("not wanted")
		m.Quarantine("too late")
	case "quote": // what is too long, and no text
		m.Drop("subject: " + strings.Repeat("ä", 9000) + "\xff")
		m.Log().Info("\xff" + strings.Repeat("x", 9000))
	case "quote and fail":
		return errors.New(strings.Repeat("ä", 9000) + "\xff")
	case "quarantine":
		m.Quarantine("look at it")
	// What the conformance kit is to catch.
	case "believe": // that each mail has a subject
		return m.Payload().Set("/probe", m.HeaderValues("Subject")[0])
	case "draw":
		return m.Payload().Set("/probe", rand.Text())
	case "square": // of the size of the text
		b, _ := m.Text()
		for range len(b.Text) >> 9 {
			for range len(b.Text) >> 9 {
				runs++
			}
		}
	case "hush":
		_ = m.Payload().Set("/probe", "told or not")
	case "talk":
		fmt.Println("a line")
		fmt.Fprint(os.Stderr, "half a line")
		m.Log().Warn("careful", plugin.Field{Name: "ä", Value: "ö"}, plugin.Field{Name: "empty"})
		m.Log().Debug("")
	}
	return nil
}

type seen struct {
	Runs        int
	Envelope    plugin.Envelope
	Headers     []plugin.Field
	Subjects    []string
	Text, HTML  *plugin.Body
	Attachments []attachment
	RawSize     int64
	RawSHA256   string
	Scans       []scan
	Before      any
}

type attachment struct {
	plugin.Attachment
	ReadSHA256 string
	Length     int64
}

type scan struct {
	Engine string
	Part   int
	Answer string
}

// look puts all that a plugin can see into /probe.
func look(m *plugin.Mail) error {
	s := seen{Runs: runs, Envelope: m.Envelope(), Headers: m.Headers(), Subjects: m.HeaderValues("sUBJECT"), RawSize: m.RawSize()}
	if b, ok := m.Text(); ok {
		s.Text = &b
	}
	if b, ok := m.HTML(); ok {
		s.HTML = &b
	}
	for _, a := range m.Attachments() {
		sum, n, err := digest(a.Open())
		if err != nil {
			return err
		}
		s.Attachments = append(s.Attachments, attachment{a, sum, n})
	}
	var err error
	if s.RawSHA256, _, err = digest(m.Raw()); err != nil {
		return err
	}
	for _, r := range m.Scans() {
		s.Scans = append(s.Scans, scan{r.Engine, r.Part, string(r.Answer)})
	}
	if _, err := m.Payload().Get("/probe", &s.Before); err != nil {
		return err
	}
	if err := m.Payload().Set("/probe", s); err != nil {
		return err
	}
	return m.Payload().Remove("/gone")
}

func digest(r io.Reader) (string, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
