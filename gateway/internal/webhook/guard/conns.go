package guard

import (
	"net"
	"sync"
)

// Conns knows every open connection of a client, so that Close can end them all:
// a transport by itself closes only those that it knows to be idle, and an
// abandoned HTTP/2 stream keeps its connection busy for a while. The zero Conns
// is empty and ready; it is safe for concurrent use.
type Conns struct {
	mu     sync.Mutex
	open   map[*ownedConn]struct{}
	closed bool
}

// ownedConn leaves its set when it is closed.
type ownedConn struct {
	net.Conn
	set *Conns
}

// Add takes a connection into the set; into a closed set, it closes it. Whoever
// has the connection uses what Add returns in its place.
func (s *Conns) Add(conn net.Conn) net.Conn {
	owned := &ownedConn{Conn: conn, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close() // the first use says so
		return owned
	}
	if s.open == nil {
		s.open = make(map[*ownedConn]struct{})
	}
	s.open[owned] = struct{}{}
	return owned
}

// Close implements net.Conn.
func (c *ownedConn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	return c.Conn.Close()
}

// Close closes every connection, now and to come. Once more is no harm.
func (s *Conns) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		_ = c.Conn.Close() // nobody is left who would want the error
	}
	clear(s.open)
}
