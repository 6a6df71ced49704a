package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/account"
	"github.com/postern-mail/postern/gateway/internal/config"
)

// testPatience is how long a trial of an account may take.
const testPatience = 2 * time.Minute

// Watch knows how accounts fare, and tries them.
type Watch interface {
	// Status is of an account that is to be connected to; false where it knows nothing of it.
	Status(name string) (account.Status, bool)
	// Test connects to an account, whether it is kept or not, and takes no mail.
	Test(ctx context.Context, a config.Account) (account.Report, error)
}

// AccountList is all mail accounts, by their names.
type AccountList struct {
	Accounts []Account `json:"accounts"`
}

// Account is a mail account and how it fares.
type Account struct {
	Name    string `json:"name"`
	Tenant  string `json:"tenant"`
	Alias   string `json:"alias"`
	Address string `json:"address,omitempty"`
	// Configured says that it stands in the configuration. One that was added has Settings instead, without
	// its credentials.
	Configured bool             `json:"configured"`
	Settings   account.Settings `json:"settings,omitempty"`
	UpdatedAt  Time             `json:"updated_at,omitzero"`
	Server     string           `json:"server,omitempty"`
	Security   string           `json:"security,omitempty"`
	User       string           `json:"user,omitempty"`

	State account.State `json:"state"`
	// Since is when it came into its state; absent where that is not known. Reason says why it is disabled or invalid.
	Since         Time            `json:"state_since,omitzero"`
	Reason        string          `json:"reason,omitempty"`
	LastError     AccountFailure  `json:"last_error,omitzero"`
	NextAttemptAt Time            `json:"next_attempt_at,omitzero"`
	Folders       []AccountFolder `json:"folders,omitempty"`
	Fetched       int64           `json:"fetched_count"`
}

// AccountFailure is what went wrong, as an event tells it.
type AccountFailure struct {
	At       Time   `json:"at,omitzero"`
	Kind     string `json:"kind,omitempty"`
	Code     string `json:"code,omitempty"`
	Response string `json:"response"`
}

// AccountFolder is how far a folder has been fetched.
type AccountFolder struct {
	Name        string `json:"name"`
	UIDValidity uint32 `json:"uid_validity"`
	NextUID     uint32 `json:"next_uid"`
}

// AccountChange says what is to become of an account.
type AccountChange struct {
	Settings account.Settings `json:"settings,omitempty"`
	// Reason is of a Disable.
	Reason string `json:"reason,omitempty"`
}

// AccountAnswer is what became of it.
type AccountAnswer struct {
	Account Account `json:"account,omitzero"` // absent where it was removed
	Changed bool    `json:"changed"`
}

// AccountTest is what a trial has found.
type AccountTest struct {
	OK      bool              `json:"ok"`
	Steps   []AccountTestStep `json:"steps"`
	Folders []string          `json:"folders,omitempty"`
	Error   AccountFailure    `json:"error,omitzero"`
	// Event is the name of the event that would tell of the error.
	Event      string  `json:"event,omitempty"`
	DurationMS float64 `json:"duration_ms"`
}

// AccountTestStep is one thing that was tried.
type AccountTestStep struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// NewAccountTest is a report as verbs print it.
func NewAccountTest(r account.Report) AccountTest {
	out := AccountTest{OK: r.Failure == nil, Steps: make([]AccountTestStep, len(r.Steps)), Folders: r.Folders, Error: newFailure(r.Failure), Event: r.Event, DurationMS: milliseconds(r.Took)}
	for i, s := range r.Steps {
		out.Steps[i] = AccountTestStep{Name: s.Name, OK: s.OK, Detail: s.Detail}
	}
	return out
}

func newFailure(f *account.Failure) AccountFailure {
	if f == nil {
		return AccountFailure{}
	}
	return AccountFailure{At: Time{f.At}, Kind: f.Kind, Code: f.Code, Response: f.Response}
}

// view is an account as it is shown.
func (s *Server) view(e account.Entry) Account {
	a := Account{
		Name: e.Name, Tenant: e.Tenant, Alias: e.Alias, Address: e.Address, Configured: e.Configured(), UpdatedAt: Time{e.UpdatedAt},
		Security: e.IMAP.Server.Security, User: e.IMAP.Login.User,
	}
	if e.IMAP.Server.Host != "" {
		a.Server = fmt.Sprintf("%s:%d", e.IMAP.Server.Host, e.IMAP.Server.Port)
	}
	if e.Settings != nil {
		a.Settings = e.Settings.Redacted()
	}
	switch status, ok := s.cfg.Watch.Status(e.Name); {
	case e.Problem != nil:
		a.State, a.Reason = account.Invalid, e.Problem.Error()
	case e.Off != nil:
		a.State, a.Since, a.Reason = account.Disabled, Time{e.Off.Since}, e.Off.Reason
	case !ok:
		a.State = account.Connecting // as it will be in a moment
	default:
		a.State, a.Since, a.LastError, a.NextAttemptAt, a.Fetched = status.State, Time{status.Since}, newFailure(status.Failure), Time{status.NextAttempt}, status.Fetched
		for _, f := range status.Folders {
			a.Folders = append(a.Folders, AccountFolder{Name: f.Name, UIDValidity: f.UIDValidity, NextUID: f.NextUID})
		}
	}
	return a
}

func (s *Server) accounts(w http.ResponseWriter, _ *http.Request) {
	entries := s.cfg.Accounts.List()
	list := AccountList{Accounts: make([]Account, len(entries))}
	for i, e := range entries {
		list.Accounts[i] = s.view(e)
	}
	s.answer(w, list)
}

func (s *Server) account(w http.ResponseWriter, r *http.Request) {
	e, ok := s.cfg.Accounts.Get(r.PathValue("name"))
	if !ok {
		s.refuseAccount(r.Context(), w, fmt.Errorf("account %s: %w", r.PathValue("name"), account.ErrUnknown))
		return
	}
	s.answer(w, s.view(e))
}

// changeAccount adds, updates, removes, enables or disables an account.
func (s *Server) changeAccount(w http.ResponseWriter, r *http.Request) {
	var change AccountChange
	if err := read(w, r, &change); err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	name, act := r.PathValue("name"), r.PathValue("act")
	ctx, cancel := s.within(r)
	defer cancel()
	changed, err := true, error(nil)
	switch roster := s.cfg.Accounts; act {
	case "add":
		err = roster.Add(ctx, name, change.Settings)
	case "update":
		err = roster.Update(ctx, name, change.Settings)
	case "remove":
		err = roster.Remove(ctx, name)
	case "enable":
		changed, err = roster.Enable(ctx, name)
	case "disable":
		changed, err = roster.Disable(ctx, name, change.Reason)
	default:
		s.refuse(w, http.StatusNotFound, fmt.Errorf("there is no act %q", act))
		return
	}
	if err != nil {
		s.refuseAccount(ctx, w, err)
		return
	}
	s.log.Info("an operator has changed a mail account", "account", name, "act", act, "changed", changed, "reason", hclog.Quote(change.Reason))
	answer := AccountAnswer{Changed: changed}
	if e, ok := s.cfg.Accounts.Get(name); ok {
		answer.Account = s.view(e)
	}
	s.answer(w, answer)
}

// testAccount tries an account that is kept, or the one that settings say.
func (s *Server) testAccount(w http.ResponseWriter, r *http.Request) {
	var change AccountChange
	if err := read(w, r, &change); err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	name := r.PathValue("name")
	e, known := s.cfg.Accounts.Get(name)
	a, err := e.Account, e.Problem
	switch {
	case change.Settings != nil && known && !e.Configured():
		a, err = s.cfg.Accounts.Read(name, e.Settings.With(change.Settings))
	case change.Settings != nil:
		a, err = s.cfg.Accounts.Read(name, change.Settings)
	case !known:
		err = fmt.Errorf("account %s: %w", name, account.ErrUnknown)
	}
	if err != nil {
		s.refuseAccount(r.Context(), w, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), testPatience)
	defer cancel()
	report, err := s.cfg.Watch.Test(ctx, a)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	s.answer(w, NewAccountTest(report))
}

// refuseAccount says why something was not done to an account.
func (s *Server) refuseAccount(ctx context.Context, w http.ResponseWriter, err error) {
	var problems config.Problems
	switch {
	case errors.Is(err, account.ErrUnknown):
		s.refuse(w, http.StatusNotFound, err)
	case errors.As(err, &problems), errors.Is(err, account.ErrExists), errors.Is(err, account.ErrConfigured):
		s.refuse(w, http.StatusBadRequest, err)
	default:
		s.fail(ctx, w, err)
	}
}

// Accounts lists the mail accounts.
func (c *Client) Accounts(ctx context.Context) (AccountList, error) {
	var list AccountList
	err := c.getJSON(ctx, "/v1/accounts", &list)
	return list, err
}

// Account returns one.
func (c *Client) Account(ctx context.Context, name string) (Account, error) {
	var a Account
	err := c.getJSON(ctx, "/v1/accounts/"+url.PathEscape(name), &a)
	return a, err
}

// ChangeAccount does something to an account: add, update, remove, enable or disable.
func (c *Client) ChangeAccount(ctx context.Context, name, act string, change AccountChange) (AccountAnswer, error) {
	var answer AccountAnswer
	err := c.postJSON(ctx, "/v1/accounts/"+url.PathEscape(name)+"/"+act, change, &answer)
	return answer, err
}

// TestAccount tries an account that is kept, or where there are settings the one that they say.
func (c *Client) TestAccount(ctx context.Context, name string, settings account.Settings) (AccountTest, error) {
	var answer AccountTest
	err := c.postJSON(ctx, "/v1/accounts/"+url.PathEscape(name)+"/test", AccountChange{Settings: settings}, &answer)
	return answer, err
}
