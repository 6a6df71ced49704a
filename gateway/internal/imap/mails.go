package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// content is a mail as it comes. It has an end only where all of it has come.
type content struct {
	r    io.Reader
	left int64 // octets that are to come
	c    *client
	ctx  context.Context //nolint:containedctx // of the one command that it is a part of
}

// Read implements io.Reader.
func (m *content) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.left -= int64(n)
	switch {
	case !errors.Is(err, io.EOF):
		return n, err
	case m.left == 0:
		return n, io.EOF
	}
	return n, m.c.explain(m.ctx, io.ErrUnexpectedEOF)
}

// errAbandoned is why a connection ends that nobody works with any more.
var errAbandoned = errors.New("given up in the middle of a mail")

// fetch streams mails to each, in the order in which the server sends them, one at a time. After an error
// of each it is called no more, and the error is returned, when the server has sent the rest. Mails that have
// gone are not there. octets is what the server may send. The UID of a mail has to come before what it says, unless
// it is the only one and known. Its error may be a *imap.Error.
func (c *client) fetch(ctx context.Context, mails imap.NumSet, known uint32, octets int64, each func(uid uint32, mail *content) error) error {
	var failed error
	over := false
	err := c.do(ctx, octets, func() error {
		command := c.imap.Fetch(mails, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
		defer func() {
			if !over { // a panic; the library waits for somebody who reads what comes
				c.stream.end(errAbandoned)
				_ = command.Close()
			}
		}()
		for m := command.Next(); m != nil; m = command.Next() {
			uid := known
			for item := m.Next(); item != nil; item = m.Next() {
				switch item := item.(type) {
				case imapclient.FetchItemDataUID:
					uid = uint32(item.UID)
				case imapclient.FetchItemDataBodySection:
					whole := item.MatchCommand(&imap.FetchItemBodySection{})
					if whole && item.Literal != nil && uid != 0 && failed == nil {
						failed = each(uid, &content{r: item.Literal, left: item.Literal.Size(), c: c, ctx: ctx})
					}
				}
			}
		}
		over = true
		return command.Close()
	})
	if failed != nil {
		return failed
	}
	return err
}

// fetchByNumber fetches one mail by its number, which no server changes between two such commands.
func (c *client) fetchByNumber(ctx context.Context, uid uint32, octets int64, each func(uid uint32, mail *content) error) error {
	selected := c.imap.Mailbox()
	if selected == nil {
		return nil
	}
	number, at, err := c.from(ctx, uid, selected.NumMessages)
	if err != nil || at != uid || number == 0 {
		return err // it has gone
	}
	return c.fetch(ctx, imap.SeqSetNum(number), uid, octets, each)
}

func set(uids []uint32) imap.UIDSet {
	var s imap.UIDSet
	for _, uid := range uids {
		s.AddNum(imap.UID(uid))
	}
	return s
}

// errRefused is why nothing was done to mails that the server says NO to.
var errRefused = errors.New("the server refuses what is to be done to mails")

// may runs a command to which NO is errRefused: the connection goes on.
func (c *client) may(ctx context.Context, name string, command func() error) error {
	err := c.do(ctx, answer, command)
	if refused, ok := errors.AsType[*imap.Error](err); ok {
		return fmt.Errorf("%w: %s", errRefused, failure(name+": "+words(refused)).Response)
	}
	return err
}

// flag adds a flag to mails. Its error may be errRefused, as that of move and remove.
func (c *client) flag(ctx context.Context, uids []uint32, flag imap.Flag) error {
	return c.may(ctx, "STORE", func() error {
		return c.imap.Store(set(uids), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	})
}

// remove deletes mails. It reports whether they are gone: where the server can only delete all that anybody
// has marked, they are marked.
func (c *client) remove(ctx context.Context, uids []uint32) (bool, error) {
	if err := c.flag(ctx, uids, imap.FlagDeleted); err != nil {
		return false, err
	}
	if !c.caps.Has(imap.CapUIDPlus) {
		return false, nil
	}
	return true, c.may(ctx, "EXPUNGE", func() error { return c.imap.UIDExpunge(set(uids)).Close() })
}

// move moves mails to another folder, which is made where it is not there. It reports whether they are gone
// from here, as remove does.
func (c *client) move(ctx context.Context, uids []uint32, to string) (bool, error) {
	moves := c.caps.Has(imap.CapMove)
	command := func() error {
		if moves {
			_, err := c.imap.Move(set(uids), to).Wait()
			return err
		}
		_, err := c.imap.Copy(set(uids), to).Wait()
		return err
	}
	create := false
	err := c.may(ctx, "MOVE to "+to, func() error {
		err := command()
		refused, ok := errors.AsType[*imap.Error](err)
		create = ok && refused.Code == imap.ResponseCodeTryCreate
		return err
	})
	if create {
		if err := c.may(ctx, "CREATE "+to, func() error { return c.imap.Create(to, nil).Wait() }); err != nil {
			return false, err
		}
		err = c.may(ctx, "MOVE to "+to, command)
	}
	if err != nil || moves {
		return err == nil, err
	}
	return c.remove(ctx, uids)
}

// returnPath finds the reverse-path in the beginning of a mail, where the server that took it in has noted it.
func returnPath(header string) (address string, found bool) {
	for line := range strings.SplitSeq(header, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "Return-Path") {
			continue
		}
		value = strings.TrimSpace(value)
		if strings.HasPrefix(value, "<") && strings.HasSuffix(value, ">") {
			return value[1 : len(value)-1], true
		}
		return value, true
	}
	return "", false
}

// kindOf returns the failure that an error is; nil where it is none.
func kindOf(err error) *outbound.Failure {
	f, _ := errors.AsType[*outbound.Failure](err)
	return f
}
