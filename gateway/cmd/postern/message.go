package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// dataDirVariable overrides server.data_dir, for serve and for those who ask it.
const dataDirVariable = "POSTERN_SERVER__DATA_DIR"

// gatewayFlags say which running gateway a verb asks.
type gatewayFlags struct {
	config  configFlags
	dataDir string
}

func (f *gatewayFlags) register(cmd *cobra.Command) {
	f.config.register(cmd)
	cmd.Flags().StringVar(&f.dataDir, "data-dir", "", "data `FOLDER` of the gateway; by default that of -c, or "+dataDirVariable)
}

// dir is the data folder.
func (f *gatewayFlags) dir() (string, error) {
	dir := f.dataDir
	if dir == "" && len(f.config.files) == 0 {
		dir = os.Getenv(dataDirVariable)
	}
	if dir != "" {
		return dir, nil
	}
	if len(f.config.files) == 0 {
		return "", errors.New("no gateway named: say which by --data-dir FOLDER or -c FILE")
	}
	f.config.withoutCredentials = true
	cfg, err := f.config.load(nil)
	if err != nil {
		return "", err
	}
	return cfg.Server.DataDir, nil
}

func (f *gatewayFlags) client() (*admin.Client, error) {
	dir, err := f.dir()
	if err != nil {
		return nil, err
	}
	return admin.NewClient(controlSocket(dir)), nil
}

// answer asks a gateway, and prints what it answers as JSON or for people.
func answer[T any](cmd *cobra.Command, gateway *gatewayFlags, asJSON bool, ask func(context.Context, *admin.Client) (T, error), show func(io.Writer, T) error) error {
	client, err := gateway.client()
	if err != nil {
		return err
	}
	got, err := ask(cmd.Context(), client)
	if err != nil {
		return failure{err}
	}
	if asJSON {
		return wrapFailure(json.NewEncoder(cmd.OutOrStdout()).Encode(got))
	}
	return wrapFailure(show(cmd.OutOrStdout(), got))
}

func newMessage() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "message",
		Short: "Look at the messages of a running gateway, and send, delete or work on them anew",
		Args:  cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMessageList(), newMessageCount(), newMessageShow(), newMessageRaw(), newMessagePayload(),
		newMessageResend(), newMessageReprocess(), newMessageDelete())
	return cmd
}

func wrapFailure(err error) error {
	if err != nil {
		return failure{err}
	}
	return nil
}

func newMessageShow() *cobra.Command {
	return newShow(&cobra.Command{
		Short: "Show what happened to a message: trace, attempts, payload",
		Long: `Show takes the id of a message (msg_…) or of one of its deliveries (msg_…_1,
which is also its webhook-id); without one it takes the newest message. The payload is shown with null for the
attachments' content; "postern message payload" gives the exact bytes that are sent.`,
		Example: `  postern message show --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C
  postern message show -c postern.hcl --json msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1`,
	}, admin.Filter{})
}

// newShow makes a verb that shows messages, of those that a filter selects the newest; with a state, those
// deliveries alone that are in it.
func newShow(cmd *cobra.Command, of admin.Filter) *cobra.Command {
	var gateway gatewayFlags
	var asJSON bool
	cmd.Use, cmd.Args = "show [ID]", cobra.MaximumNArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := gateway.client()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			newest, err := newestMessage(cmd.Context(), client, of)
			if err != nil {
				return failure{err}
			}
			args = []string{newest}
		}
		if _, _, err := mail.ParseID(args[0]); err != nil {
			return err
		}
		return wrapFailure(showMessage(cmd, client, args[0], of.States, asJSON))
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newestMessage(ctx context.Context, client *admin.Client, of admin.Filter) (string, error) {
	newest, err := client.List(ctx, admin.ListOptions{Filter: of, Limit: 1})
	switch {
	case err != nil:
		return "", err
	case len(newest.Deliveries) > 0:
		message, _ := newest.Deliveries[0].ID.Split()
		return string(message), nil
	case of.Events:
		return "", errors.New("there is no event yet")
	case len(of.States) > 0:
		return "", fmt.Errorf("nothing is %s", joined(of.States))
	}
	return "", errors.New("there is no message yet")
}

// shownMessage is what the verbs "show" print as JSON.
type shownMessage struct {
	admin.Message
	// Payloads are by delivery; a delivery that has none is not in it.
	Payloads map[mail.DeliveryID]json.RawMessage `json:"payloads"`
}

func showMessage(cmd *cobra.Command, client *admin.Client, id string, states []mail.State, asJSON bool) error {
	m, err := client.Message(cmd.Context(), id)
	if err != nil {
		return err
	}
	if len(states) > 0 {
		m.Deliveries = slices.DeleteFunc(m.Deliveries, func(d admin.DeliveryHistory) bool { return !slices.Contains(states, d.State) })
		if len(m.Deliveries) == 0 {
			return fmt.Errorf("nothing of %s is %s; \"postern message show %s\" shows what it is", id, joined(states), id)
		}
	}
	shown := shownMessage{Message: m, Payloads: make(map[mail.DeliveryID]json.RawMessage)}
	for _, d := range m.Deliveries {
		if d.State == mail.Queued && d.Event == "" {
			continue // its payload is made by the first attempt
		}
		var b strings.Builder
		err := client.WritePayload(cmd.Context(), &b, d.ID, false)
		if errors.Is(err, admin.ErrNotFound) {
			continue // its retention is over, or it never came to one
		}
		if err != nil {
			return err
		}
		shown.Payloads[d.ID] = json.RawMessage(b.String())
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(shown)
	}
	return shown.print(cmd.OutOrStdout())
}

func (m shownMessage) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Message   %s\n", m.ID)
	event := len(m.Deliveries) > 0 && m.Deliveries[0].Event != ""
	switch {
	case event:
		d := m.Deliveries[0]
		fmt.Fprintf(&b, "Event     %s at %s, about %s %s\n", d.Event, clock(m.ReceivedAt), d.About.Class, terminal.Text(d.About.Name, 200))
	case m.Fetched != (admin.Fetched{}):
		f := m.Fetched
		fmt.Fprintf(&b, "Received  %s, %d octets, sha256 %s\n", clock(m.ReceivedAt), m.Size, m.SHA256)
		fmt.Fprintf(&b, "Fetched   from account %s, folder %s, UID %d (UIDVALIDITY %d), reverse-path <%s>\n", f.Account, terminal.Text(f.Folder, 200), f.UID, f.UIDValidity, terminal.Text(m.ReversePath, 320))
	default:
		fmt.Fprintf(&b, "Received  %s, %d octets, sha256 %s\n", clock(m.ReceivedAt), m.Size, m.SHA256)
		fmt.Fprintf(&b, "From      <%s> by %s (%s), listener %s%s\n", terminal.Text(m.ReversePath, 320), terminal.Text(m.HELO, 255), m.RemoteIP, m.Listener, orEmpty(", "+m.TLS, m.TLS != ""))
	}
	printSteps(&b, m.Trace)
	for _, d := range m.Deliveries {
		fmt.Fprintf(&b, "\nDelivery  %s\n", d.ID)
		if event {
			fmt.Fprintf(&b, "  to      endpoint %s/%s\n", d.Tenant, d.Endpoint)
		} else {
			fmt.Fprintf(&b, "  to      <%s>, alias %s, endpoint %s/%s%s\n", terminal.Text(d.Recipient, 320), d.Alias, d.Tenant, d.Endpoint, orEmpty(", fetched from account "+d.Account, d.Account != ""))
			fmt.Fprintf(&b, "  subject %s\n", terminal.Text(d.Subject, 200))
		}
		fmt.Fprintf(&b, "  state   %s%s%s%s\n", d.State, orEmpty(": "+terminal.Text(d.Reason, 400), d.Reason != ""), orEmpty(", attempt under way", d.InFlight), dueText(d.DueAt))
		fmt.Fprintf(&b, "  kept    %s\n", keptText(d.Delivery))
		// Trace and attempts as they came, each step before what followed from it.
		trace := d.Trace
		for _, a := range d.Attempts {
			// Attempts are kept in milliseconds.
			i := slices.IndexFunc(trace, func(s admin.Step) bool { return s.At.Truncate(time.Millisecond).After(a.At.Time) })
			if i < 0 {
				i = len(trace)
			}
			printSteps(&b, trace[:i])
			trace = trace[i:]
			printAttempt(&b, a)
		}
		printSteps(&b, trace)
		if p, ok := m.Payloads[d.ID]; ok {
			b.WriteString("  payload\n")
			terminal.WritePayload(&b, p)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printAttempt(b *strings.Builder, a admin.Attempt) {
	fmt.Fprintf(b, "  %s  attempt %d  %.1f ms  %s\n", clock(a.At), a.Number, a.DurationMS, outcome(a))
	if a.Response != "" {
		fmt.Fprintf(b, "      answer: %s\n", terminal.Text(a.Response, 200))
	}
}

func printSteps(b *strings.Builder, steps []admin.Step) {
	for _, s := range steps {
		fmt.Fprintf(b, "  %s  %s", clock(s.At), terminal.Text(s.Name, 100))
		if s.DurationMS > 0 {
			fmt.Fprintf(b, "  %.1f ms", s.DurationMS)
		}
		if s.Fuel > 0 {
			fmt.Fprintf(b, "  fuel %d", s.Fuel)
		}
		fmt.Fprintf(b, "%s%s%s\n", orEmpty("  "+terminal.Text(s.Detail, 400), s.Detail != ""), orEmpty("  "+s.Verdict, s.Verdict != ""),
			orEmpty("  failed: "+terminal.Text(s.Error, 400), s.Error != ""))
		for _, line := range s.Log {
			fmt.Fprintf(b, "      %s\n", terminal.Text(line, 400))
		}
	}
}

func outcome(a admin.Attempt) string {
	switch {
	case a.Reason != "":
		return terminal.Text(a.Reason, 400)
	default:
		return strconv.Itoa(a.Code)
	}
}

func dueText(due admin.Time) string {
	if due.IsZero() {
		return ""
	}
	return ", next attempt at " + clock(due)
}

// keptText says until when what of a delivery is kept.
func keptText(d admin.Delivery) string {
	text := "until " + clock(d.ExpiresAt)
	if !d.HeldUntil.IsZero() {
		text = "held until " + clock(d.HeldUntil)
	}
	if !d.PayloadUntil.IsZero() && !d.PayloadUntil.Equal(d.ExpiresAt.Time) {
		text += ", the payload until " + clock(d.PayloadUntil)
	}
	if !d.LogUntil.IsZero() {
		text += ", the log until " + clock(d.LogUntil)
	}
	return text
}

func orEmpty(s string, show bool) string {
	if show {
		return s
	}
	return ""
}

// clock writes a time.Time, or an admin.Time, for people.
func clock(t interface{ Local() time.Time }) string {
	return t.Local().Format("2006-01-02 15:04:05.000")
}
