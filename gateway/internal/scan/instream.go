package scan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

const (
	chunkSize    = 64 << 10
	maxReply     = 1 << 10 // octets of a reply of clamd; the names of findings are some dozens
	maxSignature = 200
)

// errReply is a reply that is none.
var errReply = errors.New("its reply is not to be understood; is this clamd?")

// reply is clamd's to a stream.
type reply struct {
	text string
	// early is true where it came before the end of the stream was sent.
	early bool
	err   error
}

// exchange sends a body by INSTREAM and reads the reply meanwhile: when the
// stream gets too long for clamd it says so at once, and hangs up. conn is closed
// on return, and nothing of the exchange goes on. The error is that of body;
// others are the reply's.
func exchange(conn net.Conn, body *source) (reply, error) {
	var ended atomic.Bool
	replies := make(chan reply, 1)
	go func() {
		text, err := readReply(conn)
		r := reply{text: text, early: !ended.Load(), err: err}
		_ = conn.SetWriteDeadline(time.Unix(1, 0)) // nobody wants the rest
		replies <- r
	}()
	err := writeStream(conn, body, &ended)
	if bodyErr := sourceError(err); bodyErr != nil {
		_ = conn.Close()
		<-replies
		return reply{}, bodyErr
	}
	// A write that failed is not the last word: clamd may have said why, or it is
	// the reader who ended it. The reader has an end with the connection or its deadline.
	r := <-replies
	_ = conn.Close()
	return r, nil
}

// sourceError is err where it is the source's own.
func sourceError(err error) error {
	var read *readError
	if errors.As(err, &read) || errors.Is(err, errTooLarge) {
		return err
	}
	return nil
}

// writeStream sends the command and the body in chunks, each after its length;
// the length 0 ends it. ended is set before that is sent.
func writeStream(w io.Writer, body *source, ended *atomic.Bool) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	chunk := make([]byte, 4+chunkSize)
	for {
		n, readErr := io.ReadFull(body, chunk[4:])
		if err := sourceError(readErr); err != nil {
			return err
		}
		if n > 0 {
			binary.BigEndian.PutUint32(chunk, uint32(n))
			if _, err := w.Write(chunk[:4+n]); err != nil {
				return err
			}
		}
		if readErr != nil { // the end
			break
		}
	}
	ended.Store(true)
	_, err := w.Write(make([]byte, 4))
	return err
}

// readReply reads one reply, up to its NUL. It returns errReply for one that is
// too long or followed by more.
func readReply(r io.Reader) (string, error) {
	buf := make([]byte, 0, maxReply)
	for len(buf) < maxReply {
		n, err := r.Read(buf[len(buf):maxReply])
		buf = buf[:len(buf)+n]
		if text, rest, ok := strings.Cut(string(buf), "\x00"); ok {
			if rest != "" {
				return "", errReply
			}
			return text, nil
		}
		if errors.Is(err, io.EOF) && len(buf) > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
	}
	return "", errReply
}

// refusedError is an error that clamd reports.
type refusedError struct{ text string }

// Error quotes it.
func (e *refusedError) Error() string {
	return fmt.Sprintf("it says %q; its own log says more", printable(e.text, maxQuoted))
}

// limitsExceeded begins the name of the finding that clamd makes of an archive over
// its limits (AlertExceedsMax).
const limitsExceeded = "Heuristics.Limits.Exceeded"

// readVerdict reads a reply into the report. An error is a *refusedError or
// errReply.
func (r reply) readVerdict(report *VirusReport) error {
	name, found := strings.CutSuffix(r.text, " FOUND")
	name, ofStream := strings.CutPrefix(name, "stream: ")
	limit, overLimit := strings.CutPrefix(name, limitsExceeded)
	switch {
	case strings.HasPrefix(r.text, "INSTREAM size limit exceeded"):
		report.Status, report.Reason = TooLarge, "larger than the scanner's limit"
	case strings.HasSuffix(r.text, " ERROR"):
		return &refusedError{r.text}
	case found && ofStream && overLimit:
		report.Status = TooLarge
		report.Reason = strings.TrimSpace("over a limit of the scanner " + printable(strings.Trim(limit, "."), maxSignature))
	case found && ofStream && name != "":
		report.Status, report.Signature = Infected, printable(name, maxSignature)
	case r.text == "stream: OK" && !r.early:
		report.Status = Clean
	default:
		return errReply
	}
	return nil
}
