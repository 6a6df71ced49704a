// Package route knows whose mail an address is: which tenant owns the domain,
// which alias takes the local part, and which endpoints that means.
//
// A Table is built once from the configuration and never changes, so it may be
// read by any number of goroutines. It does no I/O.
package route

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// CatchAll is the alias that takes every local part no other alias takes.
const CatchAll = "*"

// Errors of Resolve; SMTP gives each its own reply.
var (
	// ErrUnknownDomain means that no tenant owns the domain: taking the mail
	// would make the gateway an open relay.
	ErrUnknownDomain = errors.New("domain is not served here")
	// ErrUnknownRecipient means that the tenant has no alias for the local part.
	ErrUnknownRecipient = errors.New("no such recipient")
)

// Tenant is what routing needs to know of a tenant.
type Tenant struct {
	Name    string
	Domains []string
	Aliases []Alias
}

// Alias says which of its tenant's endpoints get the mail of a local part.
type Alias struct {
	Name      string
	Endpoints []string
}

// Target is what a recipient means.
type Target struct {
	Tenant    string
	Alias     string
	Endpoints []string
}

// Table resolves recipients.
type Table struct {
	domains map[string]*aliases
}

type aliases struct {
	tenant string
	byName map[string]Alias
}

// New builds a table. It fails where two tenants claim one domain or one tenant
// has two aliases of one name, letter case aside.
func New(tenants []Tenant) (*Table, error) {
	t := &Table{domains: make(map[string]*aliases)}
	for _, tenant := range tenants {
		known := &aliases{tenant: tenant.Name, byName: make(map[string]Alias)}
		for _, a := range tenant.Aliases {
			key := mail.FoldLocal(a.Name)
			if _, dup := known.byName[key]; dup {
				return nil, fmt.Errorf("tenant %q has the alias %q twice", tenant.Name, a.Name)
			}
			known.byName[key] = a
		}
		for _, d := range tenant.Domains {
			key, err := canonicalDomain(d)
			if err != nil {
				return nil, fmt.Errorf("tenant %q: domain %q: %w", tenant.Name, d, err)
			}
			if other, dup := t.domains[key]; dup {
				return nil, fmt.Errorf("domain %q belongs to tenant %q and to tenant %q", d, other.tenant, tenant.Name)
			}
			t.domains[key] = known
		}
	}
	return t, nil
}

// Resolve says what the recipient of a RCPT command means. The alias is sought
// by the whole local part, then by what stands before its first "+", then as
// the catch-all; letter case does not matter. A malformed address is an error
// of its own, neither ErrUnknownDomain nor ErrUnknownRecipient.
func (t *Table) Resolve(recipient string) (Target, error) {
	local, domain, err := mail.SplitAddress(recipient)
	if err != nil {
		return Target{}, err
	}
	key, err := canonicalDomain(domain)
	if err != nil {
		return Target{}, ErrUnknownDomain
	}
	known, ok := t.domains[key]
	if !ok {
		return Target{}, ErrUnknownDomain
	}
	name := mail.FoldLocal(local)
	base, _, _ := strings.Cut(name, "+")
	for _, candidate := range []string{name, base, CatchAll} {
		if a, ok := known.byName[candidate]; ok {
			return Target{Tenant: known.tenant, Alias: a.Name, Endpoints: a.Endpoints}, nil
		}
	}
	return Target{}, ErrUnknownRecipient
}

// canonicalDomain gives the one form that domains are compared in: A-labels
// (RFC 5890) in lower case, without the root's dot.
func canonicalDomain(domain string) (string, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if domain == "" {
		return "", errors.New("domain is empty")
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("read domain: %w", err)
	}
	return ascii, nil
}
