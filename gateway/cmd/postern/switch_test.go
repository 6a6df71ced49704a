package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

type noBodies struct{}

func (noBodies) Delete(context.Context, mail.BodyRef) error { return nil }

// TestAccountDisabled holds that an account that the gateway switches off is off and told of, both or neither, once.
func TestAccountDisabled(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postern.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	q := queue.New(db, noBodies{}, queue.Config{Owner: "test", Logger: hclog.NewNullLogger()})
	ops := store.Endpoint{Tenant: "acme", Name: "ops"}
	ev := events.New(q.Sources(db), q, events.Config{
		Subscribers: func(tenant, event string) []store.Endpoint {
			if tenant != "acme" || event != mail.EventAccountDisabled {
				return nil
			}
			return []store.Endpoint{ops}
		},
		Retention: func(_ string, at time.Time) store.Retention { return store.Retention{ExpiresAt: at.Add(time.Hour)} },
		Logger:    hclog.NewNullLogger(),
	})
	switched := 0
	s := switcher{q.Sources(db), ev, func() { switched++ }}
	about := store.About{Tenant: "acme", Class: events.Account, Name: "sales"}
	for range 2 {
		if err := s.Disable(t.Context(), about, "logins have failed since Monday"); err != nil {
			t.Fatal(err)
		}
	}
	off, err := db.Switches(t.Context())
	if err != nil || off["sales"].Reason != "logins have failed since Monday" || switched == 0 {
		t.Errorf("off are %+v, %v; told %d times", off, err, switched)
	}
	list, err := db.List(t.Context(), store.Filter{Events: true, Limit: 10})
	if err != nil || len(list) != 1 || list[0].Event.Name != mail.EventAccountDisabled || list[0].Endpoint != ops || list[0].State != mail.Queued {
		t.Fatalf("events %+v, %v", list, err)
	}
	document, err := db.Document(t.Context(), list[0].ID)
	if err != nil || !strings.Contains(string(document), "since Monday") || !strings.Contains(string(document), string(list[0].ID)) {
		t.Errorf("document %s, %v", document, err)
	}
}
