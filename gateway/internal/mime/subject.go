package mime

import (
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// Subject returns the subject of the mail that the octets begin with, as Parse has it: of a
// mail whose header they hold whole, it is the same.
func Subject(head []byte) string {
	value, found := structure.FirstField(head, "subject")
	if !found {
		return ""
	}
	subject, _ := header.Text(string(value))
	return subject
}
