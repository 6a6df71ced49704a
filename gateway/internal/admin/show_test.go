package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func TestMessage(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	id := f.add(t, "12345", "acme/desk", "acme/archive")
	due := receivedAt.Add(time.Minute)
	f.finish(t, "acme/desk", store.Result{
		State: mail.Retrying, Due: due, Reason: "status: 503", Document: []byte("{}"), Subject: "Hello",
		Attempt: &mail.Attempt{Number: 1, At: receivedAt.Add(time.Second), Duration: 120 * time.Millisecond, Code: 503, Reason: "status: 503", Response: []byte("busy")},
		Steps:   []mail.Step{{At: receivedAt, Name: "parsed", Duration: 250 * time.Microsecond, Detail: "no attachments"}},
	})
	desk := admin.DeliveryHistory{
		Delivery: admin.Delivery{
			ID: id.Delivery(1), Tenant: "acme", Endpoint: "desk", Alias: "support", ReversePath: "alice@example.com", Recipient: "support@acme.test",
			Subject: "Hello", State: mail.Retrying, Reason: "status: 503", AttemptCount: 1, LastCode: 503, Size: 5,
			ReceivedAt: at(receivedAt), UpdatedAt: at(receivedAt.Add(1120 * time.Millisecond)), ExpiresAt: at(receivedAt.Add(24 * time.Hour)), PayloadUntil: at(receivedAt.Add(24 * time.Hour)), DueAt: at(due),
		},
		Trace:    []admin.Step{{At: at(receivedAt), Name: "parsed", DurationMS: 0.25, Detail: "no attachments"}},
		Attempts: []admin.Attempt{{Number: 1, At: at(receivedAt.Add(time.Second)), DurationMS: 120, Code: 503, Reason: "status: 503", Response: "busy"}},
	}
	archive := admin.DeliveryHistory{
		Delivery: admin.Delivery{
			ID: id.Delivery(2), Tenant: "acme", Endpoint: "archive", Alias: "support", ReversePath: "alice@example.com", Recipient: "support@acme.test",
			State: mail.Queued, Size: 5, ReceivedAt: at(receivedAt), UpdatedAt: at(receivedAt), ExpiresAt: at(receivedAt.Add(24 * time.Hour)), PayloadUntil: at(receivedAt.Add(24 * time.Hour)), DueAt: at(receivedAt),
		},
		Trace: []admin.Step{}, Attempts: []admin.Attempt{},
	}
	want := admin.Message{
		ID: id, ReceivedAt: at(receivedAt), ReversePath: "alice@example.com", Listener: "mx", RemoteIP: "192.0.2.7", HELO: "mail.example.com", TLS: "TLS 1.3 X",
		Size: 5, SHA256: strings.Repeat("0a", 32), TraceField: "Received: from mail.example.com\r\n", Kept: true,
		Trace: []admin.Step{
			{At: at(receivedAt.Add(-time.Second)), Name: "transaction began"},
			{At: at(receivedAt), Name: "received and spooled", DurationMS: 1.5},
		},
	}
	for asked, deliveries := range map[string][]admin.DeliveryHistory{
		string(id):             {desk, archive},
		string(id.Delivery(1)): {desk},
		string(id.Delivery(2)): {archive},
	} {
		want.Deliveries = deliveries
		got, err := client.Message(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("message %s differs (-want +got):\n%s", asked, diff)
		}
	}
}

// TestMessageOfNoAddress holds that what is unknown of a session is empty.
func TestMessageOfNoAddress(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	id := mail.NewMessageID(receivedAt)
	if err := f.store.Enqueue(t.Context(), []store.NewMessage{{ID: id, ReceivedAt: receivedAt}}); err != nil {
		t.Fatal(err)
	}
	m, err := client.Message(t.Context(), string(id))
	if err != nil || m.RemoteIP != "" || m.Deliveries == nil || len(m.Deliveries) != 0 {
		t.Errorf("Message = %+v, %v", m, err)
	}
}

// unknown is an id that nothing has.
const unknown = "msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C"

func TestMessageRefuses(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	id := f.add(t, "", "acme/desk")
	for asked, want := range map[string]string{
		unknown:                          "get message " + unknown + ": not found",
		unknown + "_1":                   "get message " + unknown + ": not found",
		string(id.Delivery(2)):           "delivery " + string(id.Delivery(2)) + ": not found",
		string(id) + "_0":                fmt.Sprintf(`"%s_0" is no id: "_0" is no delivery number`, id),
		string(id) + "_01":               fmt.Sprintf(`"%s_01" is no id: "_01" is no delivery number`, id),
		string(id) + "x":                 fmt.Sprintf(`"%sx" is no id: "x" is no delivery number`, id),
		"4711":                           `"4711" is no id: want msg_ and 26 characters, then _N for one delivery`,
		"msg_01kan2y8q6w6z3e2b7zv0m9d4c": `"msg_01kan2y8q6w6z3e2b7zv0m9d4c" is no id: 'k' cannot stand in one`,
		"../deliveries":                  `"../deliveries" is no id: want msg_ and 26 characters, then _N for one delivery`,
		"a?b#c%d":                        `"a?b#c%d" is no id: want msg_ and 26 characters, then _N for one delivery`,
		"\x1b[31m\xff":                   `"\x1b[31m\xff" is no id: want msg_ and 26 characters, then _N for one delivery`,
		"":                               "the gateway answered 404 Not Found",
		"..":                             "the gateway answered 404 Not Found",
	} {
		m, err := client.Message(t.Context(), asked)
		wantError(t, asked, err, want)
		if diff := cmp.Diff(admin.Message{}, m); diff != "" {
			t.Errorf("%s: %s", asked, diff)
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	// Smaller and larger than what is buffered on the way.
	for _, size := range []int{0, 5, 3 << 20} {
		raw := rawMail(size)
		f.add(t, raw, "acme/desk")
		id, sent := f.deliver(t, "acme/desk", raw)

		var whole, omitted bytes.Buffer
		if err := client.WritePayload(t.Context(), &whole, id, true); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(whole.Bytes(), sent) {
			t.Errorf("size %d: the payload differs from what was sent:\n%.500s\n%.500s", size, whole.Bytes(), sent)
		}
		if err := client.WritePayload(t.Context(), &omitted, id, false); err != nil {
			t.Fatal(err)
		}
		var all, some map[string]any
		if err := errors.Join(json.Unmarshal(sent, &all), json.Unmarshal(omitted.Bytes(), &some)); err != nil {
			t.Fatal(err)
		}
		attachment := all["message"].(map[string]any)["attachments"].([]any)[0].(map[string]any)
		if content, ok := attachment["content"].(string); !ok || len(content) < size {
			t.Errorf("size %d: content of %d octets", size, len(content))
		}
		attachment["content"] = nil
		if diff := cmp.Diff(all, some); diff != "" {
			t.Errorf("size %d: more than the content is left out:\n%s", size, diff)
		}
	}
}

func TestPayloadRefuses(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	id := f.add(t, "", "acme/desk")
	for asked, want := range map[mail.DeliveryID]string{
		id.Delivery(1):              "delivery " + string(id.Delivery(1)) + " has no payload: it is not made yet, the delivery was held or dropped before it was, or its retention is over",
		id.Delivery(2):              "get document of " + string(id.Delivery(2)) + ": not found",
		unknown + "_1":              "get document of " + unknown + "_1: not found",
		mail.DeliveryID(id):         `"` + string(id) + `" is no id of a delivery`,
		"x":                         `"x" is no id of a delivery`,
		"../" + unknown + "_1?x=\n": `"../` + unknown + `_1?x=\n" is no id of a delivery`,
	} {
		for _, content := range []bool{true, false} {
			var b strings.Builder
			wantError(t, string(asked), client.WritePayload(t.Context(), &b, asked, content), want)
			if b.Len() > 0 {
				t.Errorf("%s: %q was written", asked, b.String())
			}
		}
	}
}

func TestPayloadAfterRetention(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	raw := rawMail(5)
	f.add(t, raw, "acme/desk")
	id, _ := f.deliver(t, "acme/desk", raw)
	if _, err := f.store.Expire(t.Context(), receivedAt.Add(48*time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	err := client.WritePayload(t.Context(), io.Discard, id, true)
	wantError(t, "payload", err, "delivery "+string(id)+" has no payload: it is not made yet, the delivery was held or dropped before it was, or its retention is over")
	if _, err := client.Message(t.Context(), string(id)); err != nil {
		t.Errorf("the message itself is gone: %v", err)
	}
}

// forgetful ends the retention of a message between the two questions that a
// payload takes.
type forgetful struct{ store.Store }

func (l forgetful) Get(ctx context.Context, id mail.MessageID) (store.Message, error) {
	m, err := l.Store.Get(ctx, id)
	m.Body = ""
	return m, err
}

func TestPayloadWhileRetentionEnds(t *testing.T) {
	t.Parallel()
	f := open(t)
	client, _ := f.serve(t, forgetful{f.store})
	raw := rawMail(5)
	f.add(t, raw, "acme/desk")
	id, _ := f.deliver(t, "acme/desk", raw)
	err := client.WritePayload(t.Context(), io.Discard, id, true)
	wantError(t, "payload", err, "delivery "+string(id)+" has no payload: it is not made yet, the delivery was held or dropped before it was, or its retention is over")
}

func TestDamagedBody(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	raw := rawMail(100)
	f.add(t, raw, "acme/desk")
	id, _ := f.deliver(t, "acme/desk", raw)
	name := f.bodyFile(t)
	if err := os.Truncate(name, int64(len(raw)-50)); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err := client.WritePayload(t.Context(), &b, id, true)
	if err == nil || !strings.HasSuffix(err.Error(), fmt.Sprintf("body is damaged: %d octets of %d", len(raw)-50, len(raw))) || b.Len() > 0 {
		t.Errorf("payload = %q, %v", b.String(), err)
	}
	// Without the content, the document is all that is needed.
	if err := client.WritePayload(t.Context(), &b, id, false); err != nil || !json.Valid([]byte(b.String())) {
		t.Errorf("payload without content = %s, %v", b.String(), err)
	}
}

// writerFunc is an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestBodyDamagedWhileSent holds that an answer which cannot be completed does
// not look complete: the client gets an error.
func TestBodyDamagedWhileSent(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	raw := rawMail(16 << 20) // far more than the socket and the buffers hold
	f.add(t, raw, "acme/desk")
	id, sent := f.deliver(t, "acme/desk", raw)
	name := f.bodyFile(t)
	written := 0
	err := client.WritePayload(t.Context(), writerFunc(func(p []byte) (int, error) {
		if written == 0 {
			if err := os.Truncate(name, int64(len(raw)/2)); err != nil {
				t.Error(err)
			}
		}
		written += len(p)
		return len(p), nil
	}), id, true)
	if want := "read payload of " + string(id) + ": unexpected EOF"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	if written == 0 || written >= len(sent) {
		t.Errorf("%d octets of %d came", written, len(sent))
	}
	if _, err := client.List(t.Context(), admin.ListOptions{}); err != nil {
		t.Errorf("the next question: %v", err)
	}
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	raw := rawMail(1 << 20)
	f.add(t, raw, "acme/desk")
	id, _ := f.deliver(t, "acme/desk", raw)
	full := errors.New("disk is full")
	err := client.WritePayload(t.Context(), writerFunc(func([]byte) (int, error) { return 0, full }), id, true)
	if !errors.Is(err, full) {
		t.Errorf("error = %v, want %v", err, full)
	}
}

func TestDamagedDocument(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	f.add(t, "", "acme/desk")
	job := f.finish(t, "acme/desk", store.Result{State: mail.Delivered, Document: []byte(`{"root":{"$part":0}}`)})
	for _, content := range []bool{true, false} {
		err := client.WritePayload(t.Context(), io.Discard, job.ID, content)
		wantError(t, "payload", err, "unmarshal document: $part is not that of an attachment")
	}
}

// TestStoreFails holds that the client is told what the gateway cannot do.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	f, client, socket := start(t)
	id := f.add(t, "", "acme/desk")
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := client.List(t.Context(), admin.ListOptions{})
	wantError(t, "list", err, "list deliveries: sql: database is closed")
	_, err = client.Message(t.Context(), string(id))
	wantError(t, "message", err, "get message "+string(id)+": sql: database is closed")
	err = client.WritePayload(t.Context(), io.Discard, id.Delivery(1), true)
	wantError(t, "payload", err, "get document of "+string(id)+"_1: sql: database is closed")
	if resp := ask(t, socket, http.MethodGet, "/v1/deliveries"); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("status = %s", resp.Status)
	}
}
