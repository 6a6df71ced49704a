package imap

import (
	"context"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// test goes through all that an account needs, up to its folders.
func (a *account) test(ctx context.Context) (r Report, err error) {
	defer func() {
		for i, name := range r.Folders {
			r.Folders[i] = a.auth.Hide(name)
		}
		err = a.hidden(err)
	}()
	c, err := a.connect(ctx)
	if f := kindOf(err); f != nil {
		r.Connected = f.Kind == outbound.Authentication
	}
	if err != nil {
		return r, err
	}
	defer c.quit(ctx)
	r.Connected, r.LoggedIn, r.TLS = true, true, c.tls
	r.Idles, r.Moves, r.Expunges = c.idles(), c.caps.Has(imap.CapMove), c.caps.Has(imap.CapUIDPlus)
	if r.Folders, err = c.folders(ctx); err != nil {
		return r, err
	}
	r.Listed = true
	slices.Sort(r.Folders)
	for _, name := range a.cfg.Folders {
		inbox := strings.EqualFold(name, "INBOX")
		if !slices.ContainsFunc(r.Folders, func(f string) bool { return f == name || inbox && strings.EqualFold(f, name) }) {
			r.Missing = append(r.Missing, name)
		}
	}
	return r, nil
}
