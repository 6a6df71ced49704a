package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/postern-mail/postern/gateway/internal/outbound"
)

const (
	// patience is how long a server may be silent while it owes us something, where the dialler
	// does not say otherwise.
	patience = 30 * time.Second
	// quiet is how long it may be silent while it owes us nothing: longer than we ever are.
	quiet = time.Hour
	// answer is what it may send in answer to a command, in octets, mails aside.
	answer = 1 << 20
	// unproven is what it may send in all until we are logged in, in octets, a TLS handshake included, and
	// loginFactor times its patience is how long all of that may take: a minute.
	unproven    = 64 << 10
	loginFactor = 2
	// idleFor is when IDLE is begun anew, for which RFC 2177 gives 29 minutes. The library has a clock
	// of its own, of 28 minutes, that is not to run down.
	idleFor = 27 * time.Minute
)

// client is a connection to a server: the little of IMAP that is needed here, over a library. Every
// error of its methods is an *outbound.Failure, the end of the context, or what their arguments returned, except
// for those that are said to be a *imap.Error: the server's NO. What a failure says may have credentials in it, which
// an account hides. Its methods are called by one goroutine.
type client struct {
	server   outbound.Server
	raw      *outbound.Conn
	stream   *stream
	imap     *imapclient.Client
	patience time.Duration
	caps     imap.CapSet
	news     chan struct{} // has something where the folder has got a mail
	noIdle   bool          // the server offers IDLE, and refuses it
	loggedIn bool
	tls      string
}

// newClient waits for the greeting on a connection, which is closed where that fails. mail is the size of the largest
// mail, in octets.
func newClient(ctx context.Context, conn *outbound.Conn, d outbound.Dialer, s outbound.Server, mail int64) (*client, error) {
	c := &client{server: s, raw: conn, patience: patienceOf(d), news: make(chan struct{}, 1)}
	conn.SetPatience(c.patience)
	conn.Allow(unproven)
	c.stream = &stream{Conn: conn, raw: conn, guard: guard{mail: mail + answer}}
	stop := context.AfterFunc(ctx, func() { c.stream.end(context.Cause(ctx)) })
	defer stop()
	if secured, ok := conn.Conn.(*tls.Conn); ok {
		c.tls = describe(secured)
	}
	if s.Security == outbound.STARTTLS {
		secured, err := startTLS(ctx, conn, s, d)
		if err != nil {
			_ = conn.Close()
			return nil, c.ended(ctx, err)
		}
		c.tls = describe(secured)
		c.stream.Conn = secured
		c.stream.first = []byte("* OK in TLS\r\n") // there is no second greeting
	}
	c.imap = imapclient.New(c.stream, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages == nil {
				return
			}
			select {
			case c.news <- struct{}{}:
			default:
			}
		},
	}})
	if err := c.greet(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func patienceOf(d outbound.Dialer) time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return patience
}

func describe(c *tls.Conn) string {
	state := c.ConnectionState()
	return tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
}

func (c *client) greet(ctx context.Context) error {
	err := c.imap.WaitGreeting()
	if refused, ok := errors.AsType[*imap.Error](err); ok {
		return failure("the server refuses the connection: " + words(refused))
	}
	if err != nil {
		return c.explain(ctx, err)
	}
	if c.stream.why() == nil && c.imap.State() != imap.ConnStateNotAuthenticated {
		return failure("the server takes us for somebody before we have logged in")
	}
	return c.capabilities(ctx)
}

// capabilities asks for them: the library's own knowledge of them is late after a login.
func (c *client) capabilities(ctx context.Context) error {
	return c.must(ctx, "CAPABILITY", func() (err error) {
		if c.caps, err = c.imap.Capability().Wait(); err == nil && c.caps == nil {
			c.caps = c.imap.Caps() // it has sent one answer to two questions
		}
		return err
	})
}

// do runs a command, within the bounds on its answer; before the login all answers together have one. Its error may be a *imap.Error.
func (c *client) do(ctx context.Context, octets int64, command func() error) error {
	stop := context.AfterFunc(ctx, func() { c.stream.end(context.Cause(ctx)) })
	defer stop()
	if c.loggedIn {
		c.raw.Allow(octets)
	}
	c.raw.SetPatience(c.patience)
	err := command()
	c.raw.SetPatience(quiet)
	if _, said := errors.AsType[*imap.Error](err); said && c.stream.why() == nil {
		return err
	}
	return c.explain(ctx, err)
}

// must runs a command to which NO is a failure.
func (c *client) must(ctx context.Context, name string, command func() error) error {
	err := c.do(ctx, answer, command)
	if refused, ok := errors.AsType[*imap.Error](err); ok {
		return failure(name + ": " + words(refused))
	}
	return err
}

// explain says what an error of the library is that is no answer.
func (c *client) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if why := c.stream.why(); why != nil {
		return c.ended(ctx, why)
	}
	return failure("the server's answer cannot be read: " + err.Error())
}

// ended says what an end of the connection is.
func (c *client) ended(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(why, errResponse) {
		return failure(why.Error())
	}
	return outbound.Classify(why, c.server, c.raw)
}

func words(e *imap.Error) string {
	text := string(e.Type)
	if e.Code != "" {
		text += " [" + string(e.Code) + "]"
	}
	return strings.TrimSpace(text + " " + e.Text)
}

// login logs in. Every refusal is an authentication failure in the server's own words.
func (c *client) login(ctx context.Context, l outbound.Login, a *outbound.Authenticator) error {
	var mechanisms []string
	for name := range c.caps {
		if mechanism, ok := strings.CutPrefix(string(name), "AUTH="); ok {
			mechanisms = append(mechanisms, mechanism)
		}
	}
	slices.Sort(mechanisms)
	sasl, err := a.Client(ctx, mechanisms, c.server)
	command := func() error { return c.imap.Authenticate(sasl) }
	if errors.Is(err, outbound.ErrNoMechanism) && l.OAuth2 == nil {
		// The command is older than the mechanisms, and every server has it that does not say otherwise.
		if c.caps.Has(imap.CapLoginDisabled) {
			return outbound.Refused(string(imap.CapLoginDisabled), "the server does not let anybody log in on such a connection")
		}
		command, err = func() error { return c.imap.Login(l.User, l.Password.Text()).Wait() }, nil
	}
	if err != nil {
		return err
	}
	if err := c.do(ctx, answer, command); err != nil {
		if c.stream.why() != nil {
			return err // the connection has gone
		}
		refused, ok := errors.AsType[*imap.Error](err)
		if !ok {
			return outbound.Refused("", err.Error())
		}
		return outbound.Refused(string(refused.Code), refused.Text)
	}
	c.loggedIn = true
	return c.capabilities(ctx)
}

// folders lists the folders that there are.
func (c *client) folders(ctx context.Context) (names []string, err error) {
	err = c.must(ctx, "LIST", func() error {
		list := c.imap.List("", "*", nil)
		for f := list.Next(); f != nil; f = list.Next() {
			if !slices.Contains(f.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(f.Attrs, imap.MailboxAttrNonExistent) {
				names = append(names, f.Mailbox)
			}
		}
		return list.Close()
	})
	return names, err
}

// folder is what the server says of a folder.
type folder struct {
	validity uint32
	next     uint32 // the UID that the next mail gets
	guessed  bool   // it does not say that: it is the one behind the last mail
	mails    uint32
}

// open selects a folder. Its error may be a *imap.Error.
func (c *client) open(ctx context.Context, name string) (f folder, err error) {
	select {
	case <-c.news: // of the folder before
	default:
	}
	err = c.do(ctx, answer, func() error {
		data, err := c.imap.Select(name, nil).Wait()
		if err == nil {
			f = folder{validity: data.UIDValidity, next: uint32(data.UIDNext), guessed: data.UIDNext == 0, mails: data.NumMessages}
		}
		return err
	})
	if err == nil && f.validity == 0 {
		err = failure("SELECT " + name + ": the server does not say its UIDVALIDITY")
	}
	if err == nil && f.guessed {
		last, err := c.last(ctx, f)
		if err != nil {
			return f, err
		}
		f.next = after(last)
	}
	return f, err
}

// listed is a mail as a list has it.
type listed struct {
	uid  uint32
	size int64
	came time.Time // zero where it was not asked for
}

// list lists the mails of the folder from one UID to another, by their UIDs.
func (c *client) list(ctx context.Context, from, to uint32, dates bool) (mails []listed, err error) {
	set := imap.UIDSet{{Start: imap.UID(from), Stop: imap.UID(to)}}
	err = c.must(ctx, "FETCH", func() error {
		command := c.imap.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: dates})
		for m := command.Next(); m != nil; m = command.Next() {
			var l listed
			for item := m.Next(); item != nil; item = m.Next() {
				switch item := item.(type) {
				case imapclient.FetchItemDataUID:
					l.uid = uint32(item.UID)
				case imapclient.FetchItemDataRFC822Size:
					l.size = item.Size
				case imapclient.FetchItemDataInternalDate:
					l.came = item.Time
				}
			}
			if l.uid >= from && l.uid <= to {
				mails = append(mails, l)
			}
		}
		return command.Close()
	})
	slices.SortFunc(mails, func(a, b listed) int { return int(int64(a.uid) - int64(b.uid)) })
	return mails, err
}

// mailAt returns the UID of a mail by its number in the folder.
func (c *client) mailAt(ctx context.Context, number uint32) (uid uint32, err error) {
	err = c.must(ctx, "FETCH", func() error {
		list, err := c.imap.Fetch(imap.SeqSetNum(number), &imap.FetchOptions{UID: true}).Collect()
		for _, m := range list {
			uid = uint32(m.UID)
		}
		return err
	})
	return uid, err
}

// last returns the highest UID of the folder; 0 where it is empty.
func (c *client) last(ctx context.Context, f folder) (uint32, error) {
	if f.mails == 0 {
		return 0, nil
	}
	return c.mailAt(ctx, f.mails)
}

// from returns the lowest UID of the folder, of so many mails, that is not below one, and the mail's number; 0 for
// none. It asks for some dozens of mails, whatever is in the folder.
func (c *client) from(ctx context.Context, uid, mails uint32) (number, found uint32, err error) {
	low, high := uint32(1), mails
	for low <= high {
		middle := low + (high-low)/2
		at, err := c.mailAt(ctx, middle)
		switch {
		case err != nil:
			return 0, 0, err
		case at == 0: // it has gone, and others have its number
			return 0, uid, nil
		case at < uid:
			low = middle + 1
		default:
			high, number, found = middle-1, middle, at
		}
	}
	return number, found, nil
}

// wait waits for news of the folder, for some time. It reports whether there may be some.
func (c *client) wait(ctx context.Context, d time.Duration) (bool, error) {
	if !c.idles() {
		if err := sleep(ctx, d); err != nil {
			return false, err
		}
		return true, c.must(ctx, "NOOP", func() error { return c.imap.Noop().Wait() })
	}
	var idle *imapclient.IdleCommand
	err := c.do(ctx, answer, func() (err error) {
		idle, err = c.imap.Idle()
		return err
	})
	if _, refused := errors.AsType[*imap.Error](err); refused {
		c.noIdle = true
		return false, nil
	}
	if err != nil {
		return false, err
	}
	news := false
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.news:
		news = true
	case <-timer.C:
	case <-c.imap.Closed():
	case <-ctx.Done():
	}
	return news, c.must(ctx, "IDLE", func() error {
		// The library's Wait waits for ever after a Close that has failed.
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
}

func (c *client) idles() bool { return c.caps.Has(imap.CapIdle) && !c.noIdle }

// quit says good-bye, if the server is quick to answer it, and closes.
func (c *client) quit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = c.do(ctx, answer, func() error { return c.imap.Logout().Wait() })
	c.close()
}

// close closes the connection and waits for the library's goroutine.
func (c *client) close() {
	_ = c.stream.Close()
	<-c.imap.Closed()
}

// address is the server's.
func (c *client) address() string {
	if a, err := netip.ParseAddrPort(c.raw.RemoteAddr().String()); err == nil {
		return a.Addr().Unmap().String()
	}
	return fmt.Sprint(c.raw.RemoteAddr())
}

// sleep waits for a time, or for the end of the context, which is its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
