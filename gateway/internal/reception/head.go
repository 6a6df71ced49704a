package reception

import (
	"bytes"

	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// maxHead is within how many octets of a mail its subject is looked for. What stands behind
// them, the chain finds.
const maxHead = 64 << 10

// headReader takes the subject from a mail that is written to it, and keeps no more of it than
// the header, until that has ended.
type headReader struct {
	head    []byte
	ended   bool
	subject string
}

// Write implements io.Writer. It does not fail.
func (h *headReader) Write(p []byte) (int, error) {
	if h.ended {
		return len(p), nil
	}
	more := p[:min(len(p), maxHead-len(h.head))]
	if len(h.head) == 0 && headerEnds(more) { // as with almost all mail: nothing is copied
		h.read(more)
		return len(p), nil
	}
	from := max(0, len(h.head)-len("\n\r")) // an end that began in what was there before
	h.head = append(h.head, more...)
	switch {
	case headerEnds(h.head[from:]):
		h.read(h.head)
	case len(h.head) == maxHead:
		h.read(h.head[:bytes.LastIndexByte(h.head, '\n')+1]) // no part of a line
	}
	return len(p), nil
}

// end returns the subject of the mail, all of which was written.
func (h *headReader) end() string {
	if !h.ended {
		h.read(h.head)
	}
	return h.subject
}

func (h *headReader) read(head []byte) {
	h.subject = header.Cut(mime.Subject(head), store.MaxSubject)
	h.head, h.ended = nil, true
}

// headerEnds reports whether there is an empty line behind another.
func headerEnds(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return false
		}
		b = b[i+1:]
		if bytes.HasPrefix(b, []byte("\n")) || bytes.HasPrefix(b, []byte("\r\n")) {
			return true
		}
	}
}
