package smarthost

import (
	"bufio"
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// DKIM signs mails for a domain (RFC 6376).
type DKIM struct {
	Domain, Selector string
	// Key is of RSA or Ed25519 (RFC 8463).
	Key crypto.Signer
}

// signed are the fields that a signature covers (RFC 6376 section 5.4.1). From stands twice, so
// that nobody can add another.
func signed() []string {
	return []string{
		"From", "From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "In-Reply-To", "References",
		"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description",
		"Resent-Date", "Resent-From", "Resent-To", "Resent-Cc", "List-Id", "List-Unsubscribe", "List-Post",
	}
}

// sign returns the field that signs a mail, which is read to its end.
func (d *DKIM) sign(content io.Reader) (field string, err error) {
	s, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: d.Key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: signed(),
	})
	if err != nil {
		return "", &problem{false, "dkim: " + err.Error()}
	}
	err = unfold(s, smtpclient.Canonical(content))
	closed := s.Close() // in any case, for it has a goroutine
	if err == nil {
		err = closed
	}
	_, known := errors.AsType[*problem](err)
	switch {
	case err == nil:
		return s.Signature(), nil
	case known || errors.Is(err, errBody):
		return "", err
	}
	return "", &problem{true, "dkim: the mail cannot be signed: " + err.Error()}
}

// unfold copies a mail with each field of its header in one line. The relaxed form is the same, and
// the signer takes time by the square of a field's lines. A header without an end gets one.
func unfold(w io.Writer, content io.Reader) error {
	r := bufio.NewReaderSize(content, pieceSize)
	var header bytes.Buffer
	hops := mail.NewHops("") // it knows where the header ends
	for !hops.Ended() {
		b, err := r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			header.WriteString("\r\n")
			_, err = w.Write(header.Bytes())
			return err
		case err != nil:
			return err
		case header.Len() >= maxSigned:
			return &problem{true, fmt.Sprintf("dkim: the header is larger than %d octets, too large to be signed", maxSigned)}
		}
		hops.Count([]byte{b})
		if (b == ' ' || b == '\t') && bytes.HasSuffix(header.Bytes(), []byte("\r\n")) {
			header.Truncate(header.Len() - len("\r\n"))
		}
		header.WriteByte(b)
	}
	if _, err := w.Write(header.Bytes()); err != nil {
		return err
	}
	_, err := io.Copy(w, r)
	return err
}
