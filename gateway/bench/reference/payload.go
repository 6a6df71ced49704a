package reference

import (
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/emersion/go-message/mail" //nolint:depguard // a gateway of a day's work parses by it
)

// payload is what a reference says about a mail.
type payload struct {
	EnvelopeFrom string              `json:"env_from"`
	EnvelopeTo   []string            `json:"env_to"`
	Subject      string              `json:"subject"`
	From         []*mail.Address     `json:"from"`
	To           []*mail.Address     `json:"to"`
	Date         time.Time           `json:"date"`
	MessageID    string              `json:"message_id"`
	Headers      map[string][]string `json:"headers"`
	Text         string              `json:"text"`
	HTML         string              `json:"html"`
	Attachments  []attachment        `json:"attachments"`
}

type attachment struct {
	Name string `json:"filename"`
	Type string `json:"content_type"`
	Data []byte `json:"data"`
}

// encode makes the JSON of a mail, whole in memory. What of a header cannot be read is
// left out.
func encode(raw io.Reader, from string, to []string) ([]byte, error) {
	reader, err := mail.CreateReader(raw)
	if err != nil {
		return nil, err
	}
	p := payload{EnvelopeFrom: from, EnvelopeTo: to, Headers: reader.Header.Map()}
	p.Subject, _ = reader.Header.Subject()
	p.From, _ = reader.Header.AddressList("From")
	p.To, _ = reader.Header.AddressList("To")
	p.Date, _ = reader.Header.Date()
	p.MessageID, _ = reader.Header.MessageID()
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return json.Marshal(&p)
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part.Body)
		if err != nil {
			return nil, err
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			if kind, _, _ := h.ContentType(); kind == "text/html" {
				p.HTML += string(content)
			} else {
				p.Text += string(content)
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			kind, _, _ := h.ContentType()
			p.Attachments = append(p.Attachments, attachment{name, kind, content})
		}
	}
}
