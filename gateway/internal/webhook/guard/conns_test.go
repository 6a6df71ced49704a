package guard

import (
	"errors"
	"io"
	"net"
	"testing"
)

func TestConnsCloseAll(t *testing.T) {
	t.Parallel()
	var set Conns
	var ends []net.Conn
	pipe := func() net.Conn {
		ours, theirs := net.Pipe()
		ends = append(ends, theirs)
		return set.Add(ours)
	}
	left, kept := pipe(), pipe()
	if err := left.Close(); err != nil || len(set.open) != 1 {
		t.Errorf("Close = %v, %d connections are left", err, len(set.open))
	}
	set.Close()
	late := pipe()
	for _, end := range ends {
		if _, err := end.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("a connection is still open: %v", err)
		}
	}
	for _, conn := range []net.Conn{kept, late} {
		if _, err := conn.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write = %v", err)
		}
		_ = conn.Close() // as the transport does, that knows nothing of it
	}
	set.Close()
}
