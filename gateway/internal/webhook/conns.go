package webhook

import (
	"net"
	"sync"
)

// connSet knows every open connection of a client, so that Close can end them
// all: the transport by itself closes only those that it knows to be idle, and
// an abandoned HTTP/2 stream keeps its connection busy for a while.
type connSet struct {
	mu     sync.Mutex
	conns  map[*ownedConn]struct{}
	closed bool
}

// ownedConn leaves its set when it is closed.
type ownedConn struct {
	net.Conn
	set *connSet
}

// add takes a connection into the set; into a closed set, it closes it.
func (s *connSet) add(conn net.Conn) net.Conn {
	owned := &ownedConn{Conn: conn, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close() // the first use says so
		return owned
	}
	if s.conns == nil {
		s.conns = make(map[*ownedConn]struct{})
	}
	s.conns[owned] = struct{}{}
	return owned
}

// Close implements net.Conn.
func (c *ownedConn) Close() error {
	c.set.mu.Lock()
	delete(c.set.conns, c)
	c.set.mu.Unlock()
	return c.Conn.Close()
}

// close closes every connection, now and to come.
func (s *connSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		_ = c.Conn.Close() // nobody is left who would want the error
	}
	clear(s.conns)
}
