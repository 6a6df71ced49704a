package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// openMail opens a file, or standard input for "-".
func openMail(stdin io.Reader, file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(stdin), nil
	}
	return openFile(file)
}

func openFile(file string) (io.ReadCloser, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	info, err := opened.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("read %s: it is a folder", file)
	}
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

// readBounded reads what is to be in memory whole, up to a bound in octets.
func readBounded(r io.Reader, file string, most int) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err == nil && len(content) > most {
		err = fmt.Errorf("%s is larger than %d MiB", file, most>>20)
	}
	return content, err
}

// readSmall reads a file that is to be in memory whole, up to a bound in octets.
func readSmall(file string, most int) ([]byte, error) {
	opened, err := openFile(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return readBounded(opened, file, most)
}

// maxMailFile bounds a mail that is read into memory, in octets.
const maxMailFile = 64 << 20

// deliveryFlags say what a mail from a file is delivered as.
type deliveryFlags struct {
	from, to, tenant, alias string
}

func (f *deliveryFlags) register(cmd *cobra.Command) {
	usual := usualDelivery()
	cmd.Flags().StringVar(&f.from, "from", usual.from, "reverse-path; empty for the null reverse-path of bounces")
	cmd.Flags().StringVar(&f.to, "to", usual.to, "the recipient")
	cmd.Flags().StringVar(&f.tenant, "tenant", usual.tenant, "the tenant whose mail it is")
	cmd.Flags().StringVar(&f.alias, "alias", usual.alias, "the alias that takes it")
}

// usualDelivery is what a mail is delivered as where nothing is said.
func usualDelivery() deliveryFlags {
	return deliveryFlags{from: "sender@example.com", to: "support@acme.test", tenant: "acme", alias: "support"}
}

// triedDelivery is the id of deliveries that exist for a trial only.
const triedDelivery = mail.DeliveryID("msg_00000000000000000000000000_1")

// octets are the raw message of a trial.
type octets struct{ *bytes.Reader }

func (octets) Close() error { return nil }

// trial is a mail as a plugin gets it, without a gateway having received it.
type trial struct {
	mail     plugin.Mail
	raw      []byte
	document *document.Document
}

// readTrial reads a mail from a file and makes a delivery of it. It was received
// when its header says that it was written, so that the same file always makes
// the same delivery.
func readTrial(stdin io.Reader, file string, f deliveryFlags) (*trial, error) {
	opened, err := openMail(stdin, file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	raw, err := readBounded(smtpclient.Canonical(opened), file, maxMailFile)
	if err != nil {
		return nil, err
	}
	t, err := newTrial(raw, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// newTrial makes a delivery of a raw message.
func newTrial(raw []byte, f deliveryFlags) (*trial, error) {
	view, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	received := view.Date.UTC()
	if received.IsZero() {
		received = time.Unix(0, 0).UTC()
	}
	sum := sha256.Sum256(raw)
	m := plugin.Mail{
		ID: triedDelivery, Tenant: f.tenant, Alias: f.alias, Recipient: f.to, ReceivedAt: received,
		Envelope: mail.Envelope{ReversePath: f.from, Session: mail.Session{HELO: "localhost"}},
		View:     view, Raw: octets{bytes.NewReader(raw)},
	}
	doc := payload.Build(view, payload.Facts{
		ID: m.ID, Tenant: m.Tenant, Alias: m.Alias, Recipient: m.Recipient,
		Envelope: m.Envelope, ReceivedAt: m.ReceivedAt, SHA256: hex.EncodeToString(sum[:]),
	})
	return &trial{mail: m, raw: raw, document: doc}, nil
}
