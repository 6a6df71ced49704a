package admin

import (
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	filter, err := readPage(r.URL.Query())
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := s.within(r)
	defer cancel()
	found, err := s.find(ctx, filter)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	page := DeliveryList{Deliveries: []Delivery{}, Next: newCursor(found.next), SearchedTo: Time{found.back}}
	for _, d := range found.rows {
		page.Deliveries = append(page.Deliveries, newDelivery(d))
	}
	s.answer(w, page)
}

func (s *Server) count(w http.ResponseWriter, r *http.Request) {
	filter, err := readFilter(r.URL.Query())
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := s.within(r)
	defer cancel()
	counts, err := s.store.Count(ctx, filter)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	list := CountList{Counts: make([]Count, len(counts))}
	for i, c := range counts {
		list.Counts[i] = Count{Hour: Time{c.Hour}, State: c.State, Deliveries: c.Deliveries}
		list.Total += c.Deliveries
	}
	s.answer(w, list)
}

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	id, delivery, err := mail.ParseID(r.PathValue("id"))
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := s.within(r)
	defer cancel()
	m, err := s.store.Get(ctx, id)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	if delivery != "" {
		m.Deliveries = slices.DeleteFunc(m.Deliveries, func(d store.DeliveryHistory) bool { return d.ID != delivery })
		if len(m.Deliveries) == 0 {
			s.refuse(w, http.StatusNotFound, fmt.Errorf("delivery %s: %w", delivery, store.ErrNotFound))
			return
		}
	}
	s.answer(w, newMessage(m))
}

// payload writes the payload of a delivery as it was or will be sent. With
// ?content=omit the attachments' content is null.
func (s *Server) payload(w http.ResponseWriter, r *http.Request) {
	message, delivery, err := mail.ParseID(r.PathValue("id"))
	if err != nil || delivery == "" {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("%q is no id of a delivery", r.PathValue("id")))
		return
	}
	ctx, out, end := s.living(w, r)
	defer end()
	stored, err := s.store.Document(ctx, delivery)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	if stored == nil {
		s.refuse(w, http.StatusNotFound, noPayload(delivery))
		return
	}
	doc, err := document.Unmarshal(stored)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	if r.URL.Query().Get("content") == "omit" {
		w.Header().Set("Content-Type", "application/json")
		s.abortOn(doc.Encode(out, nil))
		return
	}
	m, err := s.store.Get(ctx, message)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	if m.Event.IsEvent() { // all of it is in the document
		w.Header().Set("Content-Type", "application/json")
		s.abortOn(doc.Encode(w, nil))
		return
	}
	if m.Body == "" { // the retention ended since the document was read
		s.refuse(w, http.StatusNotFound, noPayload(delivery))
		return
	}
	body, err := s.bodies.Open(ctx, m.Body)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/json")
	s.abortOn(payload.Render(out, doc, body))
}

func noPayload(id mail.DeliveryID) error {
	return fmt.Errorf("delivery %s has no payload: it is not made yet, the delivery was held or dropped before it was, or its retention is over", id)
}

// raw writes a message: the gateway's own trace field and the octets as received. With
// ?as_received=true it writes the latter alone.
func (s *Server) raw(w http.ResponseWriter, r *http.Request) {
	id, _, err := mail.ParseID(r.PathValue("id"))
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, out, end := s.living(w, r)
	defer end()
	m, err := s.store.Get(ctx, id)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	if m.Event.IsEvent() {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("%s is an event and no mail; \"postern message payload\" writes what is sent", id))
		return
	}
	if m.Body == "" {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("the mail of message %s is not kept: its retention is over, or it was refused when it came", id))
		return
	}
	body, err := s.bodies.Open(ctx, m.Body)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "message/rfc822")
	if r.URL.Query().Get("as_received") != "true" {
		_, err = io.WriteString(out, m.TraceField)
	}
	if err == nil {
		_, err = io.Copy(out, io.NewSectionReader(body, 0, body.Size()))
	}
	s.abortOn(err)
}

// abortOn breaks the answer off, so that half of one does not look whole.
func (s *Server) abortOn(err error) {
	if err != nil {
		s.log.Error("a mail or a payload could not be written", "error", err)
		panic(http.ErrAbortHandler)
	}
}
