package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
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

func newMessage() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "message",
		Short: "Look at the messages of a running gateway",
		Args:  cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMessageList(), newMessageShow())
	return cmd
}

func newMessageList() *cobra.Command {
	var gateway gatewayFlags
	var o admin.ListOptions
	var state string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List deliveries, the newest first",
		Long: `List prints a line for each delivery: one message for one recipient and one
endpoint. States: ` + states() + `.`,
		Example: `  postern message list --data-dir /var/lib/postern
  postern message list -c postern.hcl --state failed --tenant acme --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.State = mail.State(state)
			if state != "" && !slices.Contains(mail.States(), o.State) {
				return fmt.Errorf("--state %q: want one of %s", state, states())
			}
			if o.Limit < 1 || o.Limit > admin.MaxLimit {
				return fmt.Errorf("--limit %d: want 1 to %d", o.Limit, admin.MaxLimit)
			}
			client, err := gateway.client()
			if err != nil {
				return err
			}
			page, err := client.List(cmd.Context(), o)
			if err != nil {
				return failure{err}
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(page)
			} else {
				err = printList(cmd.OutOrStdout(), page)
			}
			return wrapFailure(err)
		},
	}
	gateway.register(cmd)
	cmd.Flags().StringVar(&o.Tenant, "tenant", "", "of this `TENANT` only")
	cmd.Flags().StringVar(&state, "state", "", "in this `STATE` only")
	cmd.Flags().IntVar(&o.Limit, "limit", 50, "at most this many, up to "+strconv.Itoa(admin.MaxLimit))
	cmd.Flags().Int64Var(&o.Before, "before", 0, "those after this `CURSOR`, which the page before gave as its next")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func wrapFailure(err error) error {
	if err != nil {
		return failure{err}
	}
	return nil
}

func states() string {
	names := make([]string, 0, len(mail.States()))
	for _, s := range mail.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func printList(w io.Writer, page admin.DeliveryList) error {
	if len(page.Deliveries) == 0 {
		_, err := fmt.Fprintln(w, "No deliveries.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tRECEIVED\tSTATE\tTRIES\tCODE\tENDPOINT\tRECIPIENT\tSUBJECT")
	for _, d := range page.Deliveries {
		code := ""
		if d.LastCode != 0 {
			code = strconv.Itoa(d.LastCode)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s/%s\t%s\t%s\n", d.ID, d.ReceivedAt.Local().Format(time.DateTime), d.State, d.Attempts, code,
			d.Tenant, d.Endpoint, terminal.Text(d.Recipient, 40), terminal.Text(d.Subject, 60))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if page.Next != 0 {
		_, err := fmt.Fprintf(w, "More with --before %d\n", page.Next)
		return err
	}
	return nil
}

func newMessageShow() *cobra.Command {
	var gateway gatewayFlags
	var asJSON, payloadOnly bool
	cmd := &cobra.Command{
		Use:   "show [ID]",
		Short: "Show what happened to a message: trace, attempts, payload",
		Long: `Show takes the id of a message (msg_…) or of one of its deliveries (msg_…_1,
which is also its webhook-id); without one it takes the newest message. The payload is shown with null for the
attachments' content; --payload prints the exact bytes that are sent.`,
		Example: `  postern message show --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C
  postern message show -c postern.hcl --payload msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1 > payload.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := gateway.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				newest, err := client.List(cmd.Context(), admin.ListOptions{Limit: 1})
				if err != nil {
					return failure{err}
				}
				if len(newest.Deliveries) == 0 {
					return failure{errors.New("there is no message yet")}
				}
				message, _ := newest.Deliveries[0].ID.Split()
				args = []string{string(message)}
			}
			message, delivery, err := mail.ParseID(args[0])
			if err != nil {
				return err
			}
			if payloadOnly {
				if delivery == "" {
					delivery = message.Delivery(1)
				}
				return wrapFailure(client.WritePayload(cmd.Context(), cmd.OutOrStdout(), delivery, true))
			}
			return wrapFailure(showMessage(cmd, client, args[0], asJSON))
		},
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&payloadOnly, "payload", false, "print the payload alone, as it is sent; of a message, that of its first delivery")
	cmd.MarkFlagsMutuallyExclusive("json", "payload")
	return cmd
}

// shownMessage is what "message show --json" prints.
type shownMessage struct {
	admin.Message
	// Payloads are by delivery; a delivery that has none is not in it.
	Payloads map[mail.DeliveryID]json.RawMessage `json:"payloads"`
}

func showMessage(cmd *cobra.Command, client *admin.Client, id string, asJSON bool) error {
	m, err := client.Message(cmd.Context(), id)
	if err != nil {
		return err
	}
	shown := shownMessage{Message: m, Payloads: make(map[mail.DeliveryID]json.RawMessage)}
	for _, d := range m.Deliveries {
		if d.State == mail.Queued {
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
	fmt.Fprintf(&b, "Received  %s, %d octets, sha256 %s\n", clock(m.ReceivedAt), m.Size, m.SHA256)
	fmt.Fprintf(&b, "From      <%s> by %s (%s), listener %s%s\n", terminal.Text(m.ReversePath, 320), terminal.Text(m.HELO, 255), m.RemoteIP, m.Listener, orEmpty(", "+m.TLS, m.TLS != ""))
	printSteps(&b, m.Trace)
	for _, d := range m.Deliveries {
		fmt.Fprintf(&b, "\nDelivery  %s\n", d.ID)
		fmt.Fprintf(&b, "  to      <%s>, alias %s, endpoint %s/%s\n", terminal.Text(d.Recipient, 320), d.Alias, d.Tenant, d.Endpoint)
		fmt.Fprintf(&b, "  subject %s\n", terminal.Text(d.Subject, 200))
		fmt.Fprintf(&b, "  state   %s%s%s%s\n", d.State, orEmpty(": "+terminal.Text(d.Reason, 400), d.Reason != ""), orEmpty(", attempt under way", d.InFlight), dueText(d.DueAt))
		// Trace and attempts as they came, each step before what followed from it.
		trace := d.Trace
		for _, a := range d.Tries {
			// Attempts are kept in milliseconds.
			i := slices.IndexFunc(trace, func(s admin.Step) bool { return s.At.Truncate(time.Millisecond).After(a.At) })
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
		fmt.Fprintf(b, "  %s  %s", clock(s.At), s.Name)
		if s.DurationMS > 0 {
			fmt.Fprintf(b, "  %.1f ms", s.DurationMS)
		}
		if s.Fuel > 0 {
			fmt.Fprintf(b, "  fuel %d", s.Fuel)
		}
		fmt.Fprintf(b, "%s%s%s\n", orEmpty("  "+s.Detail, s.Detail != ""), orEmpty("  "+s.Verdict, s.Verdict != ""),
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

func dueText(due *time.Time) string {
	if due == nil {
		return ""
	}
	return ", next attempt at " + clock(*due)
}

func orEmpty(s string, show bool) string {
	if show {
		return s
	}
	return ""
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000") }
