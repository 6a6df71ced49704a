package s3

import (
	"bytes"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

// spill takes a body as it comes: up to spool.SmallBody octets in memory, and from then on in
// a file without a name.
type spill struct {
	dir    string
	memory []byte
	file   *os.File
	size   int64
	digest hash.Hash32
}

func newSpill(dir string) *spill {
	return &spill{dir: dir, digest: crc32.New(spool.Castagnoli())}
}

// Write implements io.Writer.
func (s *spill) Write(p []byte) (int, error) {
	if s.file == nil && len(s.memory)+len(p) <= spool.SmallBody {
		s.memory = append(s.memory, p...)
	} else if err := s.writeFile(p); err != nil {
		return 0, err
	}
	s.size += int64(len(p))
	return s.digest.Write(p)
}

func (s *spill) writeFile(p []byte) error {
	if s.file == nil {
		file, err := makeTemp(s.dir)
		if err != nil {
			return err
		}
		s.file = file
		if err := s.writeFile(s.memory); err != nil {
			return err
		}
		s.memory = nil
	}
	if _, err := s.file.Write(p); err != nil {
		return fmt.Errorf("write a temporary file: %w", spool.Explain(s.dir, err))
	}
	return nil
}

// reader gives what was written, from its beginning, and can go back to that.
func (s *spill) reader() io.ReadSeeker {
	if s.file == nil {
		return bytes.NewReader(s.memory)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

// body gives what was written to somebody who closes it.
func (s *spill) body() mail.Body {
	if s.file == nil {
		return spool.InMemory(s.memory)
	}
	return &fileBody{s.file, s.size}
}

func (s *spill) close() {
	if s.file != nil {
		_ = s.file.Close() // nothing in it is needed any more
	}
}

// fileBody is a body in a file.
type fileBody struct {
	*os.File
	size int64
}

// Size implements mail.Body.
func (b *fileBody) Size() int64 { return b.size }
