package smtpd

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	// progressTimeout is how long a client may go without completing a
	// transaction, whatever it says meanwhile.
	progressTimeout = 10 * time.Minute
	// dataGrace and minRate bound how slowly the body of a mail may come: after
	// the grace, at least minRate octets a second on average.
	dataGrace = time.Minute
	minRate   = 500
	// commandBudget is how many octets of commands a client may send between two
	// transactions, and rcptBudget how many more for each recipient allowed.
	commandBudget = 64 << 10
	rcptBudget    = 1 << 10
	// maxRejected is how many recipients a client may get wrong before it is sent
	// away: it is guessing.
	maxRejected = 20
	// refusalTimeout bounds the refusal of a connection over the limits.
	refusalTimeout = 5 * time.Second
)

// errFlood ends a connection that talks without getting anywhere.
var errFlood = errors.New("too much was sent without a mail")

// guardedListener accepts connections within the limits and wraps each in a
// guard.
type guardedListener struct {
	net.Listener
	idle     time.Duration
	budget   int64
	maxData  int64
	max      int
	maxPerIP int

	mu       sync.Mutex
	total    int
	perIP    map[netip.Prefix]int
	open     map[*guard]struct{}
	draining bool

	closing  sync.Once
	closeErr error
}

func newGuardedListener(l net.Listener, cfg Config) *guardedListener {
	return &guardedListener{
		Listener: l,
		idle:     cfg.IdleTimeout,
		budget:   commandBudget + int64(cfg.MaxRecipients)*rcptBudget,
		maxData:  2*cfg.MaxMessageSize + commandBudget,
		max:      cfg.MaxConnections,
		maxPerIP: cfg.MaxConnectionsPerIP,
		perIP:    make(map[netip.Prefix]int),
		open:     make(map[*guard]struct{}),
	}
}

// Accept implements net.Listener. A connection over the limits is told so.
func (l *guardedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := l.admit(conn); g != nil {
			return g, nil
		}
		go refuse(conn)
	}
}

// Close implements net.Listener. Closing again does nothing.
func (l *guardedListener) Close() error {
	l.closing.Do(func() { l.closeErr = l.Listener.Close() })
	return l.closeErr
}

func (l *guardedListener) admit(conn net.Conn) *guard {
	ip := remoteIP(conn)
	who := site(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.max || l.perIP[who] >= l.maxPerIP {
		return nil
	}
	l.total++
	l.perIP[who]++
	g := &guard{Conn: conn, listener: l, ip: ip, limit: time.Now().Add(progressTimeout), draining: l.draining}
	l.open[g] = struct{}{}
	return g
}

func refuse(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(refusalTimeout))
	_, _ = conn.Write([]byte("421 4.7.0 Too many connections, try again later\r\n"))
	_ = conn.Close()
}

func (l *guardedListener) release(g *guard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, g)
	l.total--
	who := site(g.ip)
	if l.perIP[who]--; l.perIP[who] == 0 {
		delete(l.perIP, who)
	}
}

// drain lets transactions end and tells everybody else to go.
func (l *guardedListener) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	for g := range l.open {
		g.drain()
	}
}

func remoteIP(conn net.Conn) netip.Addr {
	addr, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

// site is what the limit for one client is for: an address of IPv4, and of IPv6
// the /64 that one customer has all of.
func site(ip netip.Addr) netip.Prefix {
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.WithZone("").Prefix(bits) // of no address: the zero prefix
	return p
}

// guard is a connection that knows how far its client has got, and ends it when
// it gets nowhere. go-smtp sets deadlines on it for each command; the guard's
// own are stricter and take their place.
type guard struct {
	net.Conn
	listener *guardedListener
	ip       netip.Addr
	closed   sync.Once

	mu            sync.Mutex
	limit         time.Time // when the connection ends without progress
	spent         int64     // octets read since the last transaction ended
	dataBegan     time.Time // zero outside the body of a mail
	dataRead      int64
	inTransaction bool
	draining      bool
	dismissed     bool // no further command is taken
	rejected      int  // recipients that the client got wrong
	failed        bool // a Read has failed, or met the end
	probing       bool // Read is to fail at once
}

// Read implements net.Conn.
func (g *guard) Read(p []byte) (int, error) {
	deadline, err := g.deadline()
	if err != nil {
		return 0, err
	}
	if err := g.Conn.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	// A drain that came since would have been overwritten by the line above.
	if g.mustLeave() {
		_ = g.Conn.SetReadDeadline(time.Now())
	}
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	g.failed = g.failed || err != nil
	if g.dataBegan.IsZero() {
		g.spent += int64(n)
	} else {
		g.dataRead += int64(n)
	}
	g.mu.Unlock()
	return n, err
}

func (g *guard) deadline() (time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.probing {
		return time.Time{}, os.ErrDeadlineExceeded
	}
	idle := time.Now().Add(g.listener.idle)
	limit := g.limit
	if !g.dataBegan.IsZero() {
		if g.dataRead > g.listener.maxData {
			return time.Time{}, errFlood
		}
		limit = g.dataBegan.Add(dataGrace + time.Duration(g.dataRead)*time.Second/minRate)
	} else if g.dismissed || g.spent > g.listener.budget {
		return time.Time{}, errFlood
	}
	if limit.Before(idle) {
		return limit, nil
	}
	return idle, nil
}

// Write implements net.Conn. A client that a drain sends away is told so, where
// go-smtp takes it for one that has said nothing for long. Of an encrypted
// connection the words pass here unread.
func (g *guard) Write(p []byte) (int, error) {
	if g.mustLeave() && bytes.HasPrefix(p, []byte("421 4.4.2 ")) {
		_, err := g.Conn.Write([]byte("421 4.3.2 Shutting down, try again later\r\n"))
		return len(p), err
	}
	return g.Conn.Write(p)
}

// SetReadDeadline implements net.Conn and does nothing: Read sets the deadline.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn, for the writing half.
func (g *guard) SetDeadline(t time.Time) error { return g.SetWriteDeadline(t) }

// Close implements net.Conn.
func (g *guard) Close() error {
	g.closed.Do(func() { g.listener.release(g) })
	return g.Conn.Close()
}

// beginTransaction is asked whether MAIL may be accepted, and says why not.
func (g *guard) beginTransaction() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.draining:
		return errClosing
	case g.dismissed:
		return errDismissed
	}
	g.inTransaction = true
	return nil
}

// rejectedRecipient counts a recipient that the client got wrong. It reports true
// where there were too many.
func (g *guard) rejectedRecipient() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rejected++
	g.dismissed = g.dismissed || g.rejected > maxRejected
	return g.dismissed
}

func (g *guard) isDismissed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dismissed
}

// endTransaction says that the transaction was completed or abandoned.
func (g *guard) endTransaction() {
	g.mu.Lock()
	g.inTransaction = false
	g.dataBegan = time.Time{}
	g.mu.Unlock()
	if g.mustLeave() {
		_ = g.Conn.SetReadDeadline(time.Now())
	}
}

// beginData says that the body of a mail follows. It lasts until the transaction
// ends, so that the rest of a mail that was refused is read by the same rules.
func (g *guard) beginData() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dataBegan, g.dataRead = time.Now(), 0
}

// mailAccepted says that a mail was taken: the client has made progress.
func (g *guard) mailAccepted() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spent, g.limit = 0, time.Now().Add(progressTimeout)
}

// isCutOff reports whether the client has ended the connection, where conn is
// the guard itself or TLS over it. Nothing may be reading meanwhile.
//
// TLS keeps the end to itself, since close_notify comes before that of the
// connection. It is asked by a read that cannot wait: it gives the end where that
// was met before, and fails otherwise. An octet that it gives instead is of the
// client's next command, which is spoilt: the session ends after this reply, by a
// temporary failure of whatever comes next.
func (g *guard) isCutOff(conn net.Conn) bool {
	g.setProbing(true)
	defer g.setProbing(false)
	g.mu.Lock()
	failed := g.failed
	g.mu.Unlock()
	if failed {
		return true
	}
	if _, ok := conn.(*tls.Conn); !ok {
		return false
	}
	n, err := conn.Read(make([]byte, 1))
	if n > 0 {
		g.mu.Lock()
		g.dismissed = true
		g.mu.Unlock()
	}
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func (g *guard) setProbing(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.probing = on
}

func (g *guard) drain() {
	g.mu.Lock()
	g.draining = true
	g.mu.Unlock()
	if g.mustLeave() {
		_ = g.Conn.SetReadDeadline(time.Now())
	}
}

func (g *guard) mustLeave() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.draining && !g.inTransaction
}
