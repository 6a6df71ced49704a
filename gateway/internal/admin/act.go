package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// What goes into a request.
const (
	// MaxBatch is how many deliveries one can be for, by a selection.
	MaxBatch = 500
	// maxErasing is how many where each message is a transaction of its own.
	maxErasing = 100
	// MaxIDs is how many ids it can name.
	MaxIDs = 100
	// MaxNote bounds notes and reasons, in characters.
	MaxNote = 200
)

const (
	// loggedIDs is how many ids a line of the log names.
	loggedIDs = 20

	byOperator = "by an operator"
)

// Act is something that an operator does: what the store can do to deliveries, and two more.
type Act string

// The acts.
const (
	Resend    = Act(store.Resend)
	Reprocess = Act(store.Reprocess)
	Release   = Act(store.Release)
	Retry     = Act(store.Retry)
	Drop      = Act(store.Drop)
	// Delete erases messages whole: their mail, and all that is known of them.
	Delete = Act("delete")
	// Discard drops deliveries that are quarantined. The last one takes its message with
	// it: where all deliveries of one were discarded, it is erased whole.
	Discard = Act("discard")
)

// Acts lists them.
func Acts() []Act { return []Act{Resend, Reprocess, Release, Retry, Drop, Delete, Discard} }

// From lists the states that an act is for.
func (a Act) From() []mail.State {
	switch a {
	case Delete:
		return mail.States()
	case Discard:
		return []mail.State{mail.Quarantined}
	default:
		return store.Act(a).From()
	}
}

// Select returns the filter of the deliveries that an act takes of those that a filter
// selects. Where it says no state, some are left out that somebody is to ask for: Resend and
// Reprocess take none that was delivered, and Drop none that is quarantined. It fails for
// a state that the act is not for.
func (a Act) Select(f Filter) (Filter, error) {
	from := a.From()
	if len(f.States) == 0 {
		but := map[Act]mail.State{Resend: mail.Delivered, Reprocess: mail.Delivered, Drop: mail.Quarantined}[a]
		f.States = slices.DeleteFunc(from, func(s mail.State) bool { return s == but })
		return f, nil
	}
	if i := slices.IndexFunc(f.States, func(s mail.State) bool { return !slices.Contains(from, s) }); i >= 0 {
		return f, fmt.Errorf("state %q: to %s is for deliveries that are %s", f.States[i], a, oneOf(from))
	}
	return f, nil
}

func oneOf(states []mail.State) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return strings.Join(names, "")
}

// ActRequest says to which deliveries something is done: to those that are named, or to the
// next of a selection.
type ActRequest struct {
	// IDs are of deliveries, or of messages, which stand for those of their deliveries that
	// the act is for. Delete takes those of messages alone.
	IDs []string `json:"ids,omitempty"`
	// Events says that the ids are of events: one of a mail is then not done.
	Events bool `json:"events,omitempty"`
	// Select takes up to MaxBatch of the deliveries that it selects, from Cursor on.
	Select *Filter `json:"select,omitempty"`
	Cursor string  `json:"cursor,omitempty"`
	// Note stands in the traces, and Reason, which is Drop's, is that of the new state.
	Note   string `json:"note,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// ActAnswer says what was done.
type ActAnswer struct {
	Results []ActResult `json:"results"`
	// Next is the cursor to go on by; empty where the selection ends.
	Next string `json:"next,omitempty"`
}

// ActResult is what became of a delivery, or for Delete of a message.
type ActResult struct {
	ID   string `json:"id"`
	Done bool   `json:"done"`
	// Erased says that the message is gone as a whole.
	Erased bool `json:"erased"`
	// Reason says why it was not done.
	Reason string `json:"reason,omitempty"`
}

// check refuses what no act can be made of.
func (r ActRequest) check(a Act) error {
	switch {
	case !slices.Contains(Acts(), a):
		return fmt.Errorf("there is no act %q; there are %v", a, Acts())
	case (len(r.IDs) == 0) == (r.Select == nil):
		return errors.New(`give either "ids" or "select"`)
	case r.Select == nil && r.Cursor != "":
		return errors.New(`"cursor" goes with "select"`)
	case len(r.IDs) > MaxIDs:
		return fmt.Errorf("%d ids are too many; at most %d go into a request", len(r.IDs), MaxIDs)
	case r.Reason != "" && a != Drop:
		return fmt.Errorf(`"reason" goes with the act %q`, Drop)
	}
	for _, id := range r.IDs {
		message, delivery, err := mail.ParseID(id)
		if err != nil {
			return err
		}
		if a == Delete && delivery != "" {
			return fmt.Errorf("%s is one delivery, and a message is deleted whole; give %s", delivery, message)
		}
	}
	return errors.Join(CheckNote("note", r.Note), CheckNote("reason", r.Reason))
}

// CheckNote refuses what is no note: a long text, or one that is not a line.
func CheckNote(name, text string) error {
	if n := utf8.RuneCountInString(text); n > MaxNote {
		return fmt.Errorf("the %s has %d characters; at most %d are kept", name, n, MaxNote)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return fmt.Errorf("the %s is to be one line of text, without control characters", name)
	}
	return nil
}

// act does what an operator asks for.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	act := Act(r.PathValue("act"))
	var req ActRequest
	err := read(w, r, &req)
	if err == nil {
		err = req.check(act)
	}
	var filter store.Filter
	if err == nil && req.Select != nil {
		filter, err = req.selection(act)
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := s.within(r)
	defer cancel()
	var answer ActAnswer
	switch {
	case act == Delete && req.Select != nil:
		answer, err = s.eraseSelected(ctx, filter)
	case act == Delete:
		answer.Results, err = s.eraseNamed(ctx, req.IDs)
	default:
		answer, err = s.actOnDeliveries(ctx, act, req, filter)
	}
	// What was done before an error is in the log, too.
	s.logAct(act, req, answer.Results)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	s.answer(w, answer)
}

// selection is the filter of a request that selects.
func (r ActRequest) selection(a Act) (store.Filter, error) {
	f, err := a.Select(*r.Select)
	if err != nil {
		return store.Filter{}, err
	}
	filter, err := f.stored()
	if err != nil {
		return filter, err
	}
	filter.Limit = MaxBatch
	if a == Delete || a == Discard {
		filter.Limit = maxErasing
	}
	filter.Before, err = readCursor(r.Cursor)
	return filter, err
}

// actOnDeliveries does all acts but Delete.
func (s *Server) actOnDeliveries(ctx context.Context, act Act, req ActRequest, filter store.Filter) (ActAnswer, error) {
	answer := ActAnswer{Results: []ActResult{}}
	var targets []store.Delivery
	var err error
	if req.Select != nil {
		found, err := s.find(ctx, filter)
		if err != nil {
			return answer, err
		}
		targets, answer.Next = found.rows, newCursor(found.next)
	} else if targets, answer.Results, err = s.named(ctx, act, req.IDs, req.Events); err != nil {
		return answer, err
	}
	if len(targets) == 0 {
		return answer, nil
	}
	now := time.Now()
	done, err := s.store.Act(ctx, act.action(req, now), seqs(targets))
	if err != nil {
		return answer, err
	}
	s.cfg.Wake()
	for i, d := range targets {
		result := ActResult{ID: string(d.ID), Done: done[i]}
		if !done[i] {
			if result.Reason, err = s.whyNot(ctx, act, d.ID, now); err != nil {
				return answer, err
			}
		}
		answer.Results = append(answer.Results, result)
	}
	if act == Discard {
		err = s.eraseDiscarded(ctx, answer.Results)
	}
	return answer, err
}

func seqs(list []store.Delivery) []int64 {
	seqs := make([]int64, len(list))
	for i, d := range list {
		seqs[i] = d.Seq
	}
	return seqs
}

// action is an act as the store does it.
func (a Act) action(req ActRequest, now time.Time) store.Action {
	names := map[Act]string{Resend: "resent", Reprocess: "reprocessed", Release: "released", Retry: "made due", Drop: "dropped", Discard: discarded}
	action := store.Action{Act: store.Act(a), Now: now, Step: mail.Step{At: now, Name: names[a], Detail: byOperator}}
	if req.Note != "" {
		action.Step.Detail += ": " + req.Note
	}
	switch a {
	case Drop:
		action.Reason = "dropped " + byOperator
		if req.Reason != "" {
			action.Reason = req.Reason
		}
	case Discard:
		action.Act, action.Reason = store.Drop, discarded
	}
	return action
}

// named finds the deliveries that ids name. A message stands for those that the act is for,
// where it has some. What is not there has its result already.
func (s *Server) named(ctx context.Context, act Act, ids []string, events bool) (targets []store.Delivery, results []ActResult, err error) {
	results = []ActResult{}
	seen := make(map[int64]bool)
	for _, id := range ids {
		message, delivery, err := mail.ParseID(id)
		if err != nil {
			return nil, nil, err
		}
		m, err := s.store.Get(ctx, message)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, nil, err
		}
		var own []store.Delivery
		for _, d := range m.Deliveries {
			if delivery == "" || d.ID == delivery {
				own = append(own, d.Delivery)
			}
		}
		if len(own) == 0 {
			results = append(results, ActResult{ID: id, Reason: notThere})
			continue
		}
		if events && !m.Event.IsEvent() {
			results = append(results, ActResult{ID: id, Reason: noEvent})
			continue
		}
		isFor := func(d store.Delivery) bool { return slices.Contains(act.From(), d.State) }
		if slices.ContainsFunc(own, isFor) {
			own = slices.DeleteFunc(own, func(d store.Delivery) bool { return !isFor(d) })
		}
		for _, d := range own {
			switch {
			case seen[d.Seq]:
			case isFor(d):
				targets = append(targets, d)
			default:
				results = append(results, ActResult{ID: string(d.ID), Reason: wrongState(act, d.State)})
			}
			seen[d.Seq] = true
		}
	}
	return targets, results, nil
}

// Why something is not done.
const (
	notThere  = "there is no such message or delivery"
	noEvent   = "it is a mail, and no event"
	underWay  = "an attempt is under way; try again when it has ended"
	mailGone  = "its mail is not kept any more"
	mailEnded = "its retention is over"
	noChain   = `it is an event, which no chain makes; "resend" sends it again`
	eventGone = "its payload is not kept any more"
)

// whyNot finds out why the store did not do an act.
func (s *Server) whyNot(ctx context.Context, act Act, id mail.DeliveryID, now time.Time) (string, error) {
	message, _ := id.Split()
	m, err := s.store.Get(ctx, message)
	if errors.Is(err, store.ErrNotFound) {
		return notThere, nil
	}
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(m.Deliveries, func(d store.DeliveryHistory) bool { return d.ID == id })
	if i < 0 {
		return notThere, nil
	}
	d := m.Deliveries[i].Delivery
	ends := d.ExpiresAt
	if d.State == mail.Quarantined && d.HeldUntil.After(ends) {
		ends = d.HeldUntil
	}
	switch {
	case d.InFlight:
		return underWay, nil
	case !slices.Contains(act.From(), d.State):
		return wrongState(act, d.State), nil
	case m.Event.IsEvent() && act == Reprocess:
		return noChain, nil
	case m.Body == "" && !m.Event.IsEvent():
		return mailGone, nil
	case !ends.After(now):
		return mailEnded, nil
	case m.Event.IsEvent() && !d.PayloadUntil.After(now):
		return eventGone, nil
	}
	return "it changed in the same moment; try again", nil
}

// wrongState says why an act is not for a delivery, and what is.
func wrongState(act Act, state mail.State) string {
	var instead string
	switch {
	case state == mail.Rejected:
		instead = "it was refused when it came, and nothing of it is kept but the log"
	case act == Resend && !state.Final():
		instead = `it waits to be sent; "postern queue retry" has it sent at once`
	case act == Resend && state == mail.Quarantined:
		instead = `"postern quarantine release" lets it go`
	case act == Retry && state == mail.Quarantined:
		instead = `"postern quarantine release" lets it go`
	case (act == Retry || act == Release) && state.Final():
		instead = `"postern message resend" has it sent again`
	case (act == Drop || act == Discard) && state.Final():
		instead = `"postern message delete" erases its message`
	case act == Discard:
		instead = `"postern queue drop" ends it`
	case act == Release:
		instead = "it is not held"
	}
	text := "it is " + string(state)
	if instead != "" {
		text += ": " + instead
	}
	return text
}

// logAct notes what an operator did.
func (s *Server) logAct(act Act, req ActRequest, results []ActResult) {
	done := slices.DeleteFunc(slices.Clone(results), func(r ActResult) bool { return !r.Done })
	if len(results) == 0 {
		return
	}
	var ids []string
	for _, r := range done[:min(len(done), loggedIDs)] {
		ids = append(ids, r.ID)
	}
	selected := "ids"
	if req.Select != nil {
		selected = req.Select.query().Encode()
	}
	s.log.Info("an operator's act", "act", act, "done", len(done), "not_done", len(results)-len(done), "selected_by", hclog.Quote(selected),
		"note", hclog.Quote(req.Note), "first_ids", ids)
}
