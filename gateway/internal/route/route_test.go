package route

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testTable(t *testing.T) *Table {
	t.Helper()
	table, err := New([]Tenant{
		{
			Name:    "acme",
			Domains: []string{"acme.test", "Bücher.example"},
			Aliases: []Alias{
				{Name: "support", Endpoints: []string{"desk"}},
				{Name: "support+vip", Endpoints: []string{"desk", "pager"}},
				{Name: CatchAll, Endpoints: []string{"archive"}},
			},
		},
		{Name: "strict", Domains: []string{"strict.test"}, Aliases: []Alias{{Name: "Only", Endpoints: []string{"one"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestResolve(t *testing.T) {
	t.Parallel()
	table := testTable(t)
	support := Target{Tenant: "acme", Alias: "support", Endpoints: []string{"desk"}}
	vip := Target{Tenant: "acme", Alias: "support+vip", Endpoints: []string{"desk", "pager"}}
	rest := Target{Tenant: "acme", Alias: CatchAll, Endpoints: []string{"archive"}}
	only := Target{Tenant: "strict", Alias: "Only", Endpoints: []string{"one"}}
	for _, tc := range []struct {
		recipient string
		want      Target
		err       error
	}{
		{recipient: "support@acme.test", want: support},
		{recipient: "SUPPORT@ACME.TEST", want: support},
		{recipient: "support@acme.test.", want: support},
		{recipient: "support+x@acme.test", want: support},
		{recipient: "support+vip@acme.test", want: vip},
		{recipient: "support+vip+x@acme.test", want: support},
		{recipient: "anyone@acme.test", want: rest},
		{recipient: "+x@acme.test", want: rest},
		{recipient: "*@acme.test", want: rest},
		{recipient: "support@bücher.example", want: support},
		{recipient: "support@xn--bcher-kva.example", want: support},
		{recipient: "only@strict.test", want: only},
		{recipient: "only+y@strict.test", want: only},
		{recipient: "other@strict.test", err: ErrUnknownRecipient},
		{recipient: "support@sub.acme.test", err: ErrUnknownDomain},
		{recipient: "support@acme.test.evil.test", err: ErrUnknownDomain},
		{recipient: "support@[127.0.0.1]", err: ErrUnknownDomain},
		{recipient: "b%x@other.test", err: ErrUnknownDomain},
	} {
		got, err := table.Resolve(tc.recipient)
		if !errors.Is(err, tc.err) {
			t.Errorf("Resolve(%q) error = %v, want %v", tc.recipient, err, tc.err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("Resolve(%q): %s", tc.recipient, diff)
		}
	}
}

func TestResolveMalformed(t *testing.T) {
	t.Parallel()
	_, err := testTable(t).Resolve("a@b@acme.test")
	if err == nil || errors.Is(err, ErrUnknownDomain) || errors.Is(err, ErrUnknownRecipient) {
		t.Errorf("error = %v, want one about the form of the address", err)
	}
}

func TestNewRefusesAmbiguity(t *testing.T) {
	t.Parallel()
	for want, tenants := range map[string][]Tenant{
		"belongs to tenant": {{Name: "a", Domains: []string{"x.test"}}, {Name: "b", Domains: []string{"X.test."}}},
		"twice":             {{Name: "a", Aliases: []Alias{{Name: "Info"}, {Name: "info"}}}},
		"domain":            {{Name: "a", Domains: []string{"."}}},
	} {
		if _, err := New(tenants); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New error = %v, want one with %q", err, want)
		}
	}
}
