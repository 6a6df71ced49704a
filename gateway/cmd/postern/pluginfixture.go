package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime"
)

// fixture is the JSON form of plugintest.Mail in the SDK for Go. The two share no
// code: what is written by one is read by the other's tests.
type fixture struct {
	Envelope    fixtureEnvelope
	Headers     []fixtureField
	Text, HTML  *fixtureBody
	Attachments []fixtureAttachment
	Raw         []byte
	Payload     json.RawMessage
	Write       []string
	Read        []string `json:",omitempty"` // as Write where it is left out
}

type fixtureEnvelope struct {
	DeliveryID string
	Tenant     string
	Alias      string
	MailFrom   string
	RcptTo     string
	HELO       string
	RemoteIP   string
	TLS        bool
	ReceivedAt time.Time
}

type fixtureField struct{ Name, Value string }

type fixtureBody struct {
	Text      string
	Truncated bool
}

type fixtureAttachment struct {
	Filename    string
	ContentType string
	ContentID   string
	Inline      bool
	SHA256      string
	Content     []byte
}

func newPluginFixture() *cobra.Command {
	var f deliveryFlags
	var write, read []string
	cmd := &cobra.Command{
		Use:   "fixture MAIL.eml",
		Short: "Print a mail as a plugin gets it, for the plugin's own tests",
		Long: `Fixture parses a mail as the gateway does and prints what a plugin would be given,
with the payload that it would find, as JSON. The SDK's package plugintest reads it:

  mail := plugintest.Load(t, "testdata/mail.json")
  result := plugintest.Run(t, transform, mail)

The plugin may change what --write says and read what --read says, by default all.
"-" is standard input. The same file always gives the same fixture.`,
		Example: `  postern plugin fixture mail.eml --write /crm > testdata/mail.json`,
		Args:    want("MAIL.eml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := pointers(write); err != nil {
				return fmt.Errorf("--write: %w", err)
			}
			if _, err := pointers(read); err != nil {
				return fmt.Errorf("--read: %w", err)
			}
			return wrapFailure(printFixture(cmd, args[0], f, write, read))
		},
	}
	f.register(cmd)
	cmd.Flags().StringArrayVar(&write, "write", []string{""}, "JSON `POINTER` of what the plugin may change; may be repeated")
	cmd.Flags().StringArrayVar(&read, "read", nil, "JSON `POINTER` of what it may read; by default what it may change")
	return cmd
}

func printFixture(cmd *cobra.Command, file string, f deliveryFlags, write, read []string) error {
	t, err := readTrial(cmd.InOrStdin(), file, f)
	if err != nil {
		return err
	}
	out, err := newFixture(t)
	if err != nil {
		return err
	}
	out.Write, out.Read = write, read
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func newFixture(t *trial) (*fixture, error) {
	m := t.mail
	out := &fixture{
		Envelope: fixtureEnvelope{
			DeliveryID: string(m.ID), Tenant: m.Tenant, Alias: m.Alias, MailFrom: m.Envelope.ReversePath, RcptTo: m.Recipient,
			HELO: m.Envelope.Session.HELO, ReceivedAt: m.ReceivedAt,
		},
		Text: fixtureBodyOf(m.View.Text), HTML: fixtureBodyOf(m.View.HTML), Raw: t.raw,
	}
	for _, h := range m.View.Fields {
		out.Headers = append(out.Headers, fixtureField(h))
	}
	for _, a := range m.View.Attachments {
		content, err := io.ReadAll(mime.Open(m.Raw, a.Part))
		if err != nil {
			return nil, err
		}
		out.Attachments = append(out.Attachments, fixtureAttachment{
			Filename: a.Filename, ContentType: a.ContentType, ContentID: a.ContentID, Inline: a.Inline, SHA256: a.SHA256, Content: content,
		})
	}
	// As a plugin sees it, with the places of attachments' content.
	text, _, err := t.document.Edit(document.Scope{Read: []document.Pointer{{}}}, 0).Get("")
	out.Payload = json.RawMessage(strings.TrimSpace(text))
	return out, err
}

func fixtureBodyOf(b *mime.Body) *fixtureBody {
	if b == nil {
		return nil
	}
	return &fixtureBody{Text: b.Content, Truncated: b.Truncated}
}
