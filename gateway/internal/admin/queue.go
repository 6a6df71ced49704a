package admin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// QueueStats says what is in the queue, and what of it is paused.
type QueueStats struct {
	Lanes []Lane `json:"lanes"`
	// Waiting, Due and InFlight are sums over the lanes.
	Waiting  int `json:"waiting"`
	Due      int `json:"due"`
	InFlight int `json:"in_flight"`
}

// Lane is what of an endpoint is in the queue. One without an endpoint stands for a tenant
// that is paused as a whole.
type Lane struct {
	Tenant   string `json:"tenant"`
	Endpoint string `json:"endpoint,omitempty"`
	// Waiting counts deliveries that no attempt is under way of, and InFlight the others.
	Waiting int `json:"waiting"`
	// Due counts those of the waiting that are due.
	Due      int `json:"due"`
	InFlight int `json:"in_flight"`
	// NextDueAt is when the first that waits is due, and OldestAt when the first in the
	// queue was received.
	NextDueAt Time `json:"next_due_at,omitzero"`
	OldestAt  Time `json:"oldest_at,omitzero"`
	// PausedSince is of the endpoint's own pause; TenantPaused says that all of its tenant
	// is paused.
	PausedSince  Time `json:"paused_since,omitzero"`
	TenantPaused bool `json:"tenant_paused"`
	// WaitsFor says what the first has to wait for; empty where nothing waits, or an attempt
	// may begin at any moment.
	WaitsFor Wait `json:"waits_for,omitempty"`
	// LimitedBy names the limit that holds it back, as in "tenant.rate", and LimitedUntil is
	// when that lets another attempt begin.
	LimitedBy    string `json:"limited_by,omitempty"`
	LimitedUntil Time   `json:"limited_until,omitzero"`
	// Full says whose attempts under way are as many as may be: "endpoint", "tenant", or
	// "gateway"; MaxInFlight is how many these are, where it is one of the former two.
	Full        string `json:"full,omitempty"`
	MaxInFlight int    `json:"max_in_flight,omitempty"`
}

// Wait is what the deliveries of an endpoint have to wait for.
type Wait string

// What there is. Of several that hold at the same time it is the first.
const (
	WaitsForResume   Wait = "resume"   // it, or all of its tenant, is paused
	WaitsForSchedule Wait = "schedule" // none is due
	WaitsForLimit    Wait = "limit"
	WaitsForRoom     Wait = "room" // as many attempts are under way as may be
)

// waits says what a lane has to wait for, by what the queue says of it.
func (l *Lane) waits(h queue.Hold) {
	switch {
	case l.Waiting == 0:
	case !l.PausedSince.IsZero(), l.TenantPaused:
		l.WaitsFor = WaitsForResume
	case l.Due == 0:
		l.WaitsFor = WaitsForSchedule
	case h.LimitedBy != "":
		l.WaitsFor, l.LimitedBy, l.LimitedUntil = WaitsForLimit, h.LimitedBy, Time{h.LimitedUntil}
	case h.Full != "":
		l.WaitsFor, l.Full, l.MaxInFlight = WaitsForRoom, string(h.Full), h.Most
	}
}

// Pausing names what is to be paused or resumed: an endpoint of a tenant, or without one
// all of the tenant.
type Pausing struct {
	Tenant   string `json:"tenant"`
	Endpoint string `json:"endpoint,omitempty"`
}

// String writes it as people do: TENANT or TENANT/ENDPOINT.
func (p Pausing) String() string {
	if p.Endpoint == "" {
		return p.Tenant
	}
	return p.Tenant + "/" + p.Endpoint
}

// Paused is the answer to a pause.
type Paused struct {
	Pausing
	Paused bool `json:"paused"`
	// Known says that the running configuration has this endpoint or tenant.
	Known bool `json:"known"`
	// Changed is false where it was so already.
	Changed bool `json:"changed"`
	// TenantPaused says that all of the tenant is paused, so that an endpoint that is
	// resumed waits all the same.
	TenantPaused bool `json:"tenant_paused"`
}

func (s *Server) stats(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.within(r)
	defer cancel()
	lanes, err := s.store.Lanes(ctx)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	holds := s.cfg.Holds()
	stats := QueueStats{Lanes: make([]Lane, len(lanes))}
	for i, l := range lanes {
		stats.Lanes[i] = Lane{
			Tenant: l.Endpoint.Tenant, Endpoint: l.Endpoint.Name, Waiting: l.Waiting, Due: l.Due, InFlight: l.InFlight,
			NextDueAt: Time{l.NextDue}, OldestAt: Time{l.Oldest}, PausedSince: Time{l.PausedSince}, TenantPaused: l.TenantPaused,
		}
		stats.Lanes[i].waits(holds[l.Endpoint])
		stats.Waiting += l.Waiting
		stats.Due += l.Due
		stats.InFlight += l.InFlight
	}
	s.answer(w, stats)
}

func (s *Server) pause(w http.ResponseWriter, r *http.Request)  { s.pausing(w, r, true) }
func (s *Server) resume(w http.ResponseWriter, r *http.Request) { s.pausing(w, r, false) }

// pausing pauses or resumes.
func (s *Server) pausing(w http.ResponseWriter, r *http.Request, pause bool) {
	var p Pausing
	err := read(w, r, &p)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	e := store.Endpoint{Tenant: p.Tenant, Name: p.Endpoint}
	ctx, cancel := s.within(r)
	defer cancel()
	lanes, err := s.store.Lanes(ctx)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	endpoints := s.cfg.Endpoints()
	answer := Paused{Pausing: p, Paused: pause, Known: slices.Contains(endpoints, e), Changed: true}
	queued := false
	for _, l := range lanes {
		if l.Endpoint == e || e.Name == "" && l.Endpoint.Tenant == e.Tenant {
			queued = true // since before it was taken out of the configuration, or paused
		}
		if pause && l.Endpoint == e && !l.PausedSince.IsZero() {
			answer.Changed = false
		}
		if l.Endpoint == (store.Endpoint{Tenant: e.Tenant}) && e.Name != "" {
			answer.TenantPaused = true
		}
	}
	if pause && !answer.Known && !queued {
		s.refuse(w, http.StatusNotFound, unknown(p, endpoints))
		return
	}
	if pause {
		err = s.store.Pause(ctx, e, time.Now())
	} else {
		answer.Changed, err = s.store.Resume(ctx, e)
	}
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	s.cfg.Wake()
	s.log.Info("an operator paused or resumed deliveries", "tenant", hclog.Quote(p.Tenant), "endpoint", hclog.Quote(p.Endpoint), "paused", pause, "changed", answer.Changed)
	s.answer(w, answer)
}

// unknown says that there is nothing of a name, and which may have been meant.
func unknown(p Pausing, endpoints []store.Endpoint) error {
	var names []string
	for _, e := range endpoints {
		if (e.Name == "") == (p.Endpoint == "") {
			names = append(names, Pausing{Tenant: e.Tenant, Endpoint: e.Name}.String())
		}
	}
	text := fmt.Sprintf("the running configuration has no %s, and nothing waits for it", p)
	if hint := syntax.DidYouMean(p.String(), names); hint != "" {
		text += "; " + hint
	}
	return errors.New(text)
}

func (p Pausing) check() error {
	if p.Tenant == "" {
		return errors.New("no tenant is named; give TENANT, or TENANT/ENDPOINT")
	}
	for name, value := range map[string]string{"tenant": p.Tenant, "endpoint": p.Endpoint} {
		strange := func(r rune) bool { return r == '/' || !unicode.IsGraphic(r) }
		if len(value) > maxWord || strings.ContainsFunc(value, strange) {
			return fmt.Errorf("%s %q is no name", name, value)
		}
	}
	return nil
}
