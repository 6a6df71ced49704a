package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// actVerb is a verb that does something to deliveries, or to messages: to those that are
// named, or to all that flags select.
type actVerb struct {
	act admin.Act
	// name is the verb's, and done is its participle.
	name, done string
	// one and many are what it is done to.
	one, many string
	events    bool           // it is for events, and not for mails
	cmd       *cobra.Command // with its texts
}

// selectionHelp explains what such a verb takes.
const selectionHelp = `ID is that of a delivery (msg_…_1), or that of a message (msg_…), which stands for
those of its deliveries that the verb is for. Or flags select deliveries, all together: the verb says
how many there are, and asks before it begins; --yes answers for you, and must be there where nobody sits at a
terminal.

` + filterHelp + `

The exit code is 1 where an ID is among what is not done; of a selection the sum says what was not.`

// actFlags are the flags of such a verb.
type actFlags struct {
	gateway gatewayFlags
	filter  filterFlags
	all     bool
	yes     bool
	asJSON  bool
	note    string
	reason  string
}

// newAct makes the command of a verb.
func newAct(v actVerb) *cobra.Command {
	var f actFlags
	f.filter.events = v.events
	cmd := v.cmd
	cmd.Use = v.name + " {ID… | FLAGS}"
	cmd.Long += "\n\n" + selectionHelp
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := admin.ActRequest{Note: f.note, Reason: f.reason, Events: v.events}
		if err := errors.Join(admin.CheckNote("note", f.note), admin.CheckNote("reason", f.reason)); err != nil {
			return err
		}
		filter, err := f.filter.read()
		if err != nil {
			return err
		}
		switch selects := f.all || !filter.Empty(); {
		case len(args) > 0 && selects:
			return errors.New("name IDs, or select deliveries by flags: not both")
		case len(args) == 0 && !selects:
			return fmt.Errorf("say what to %s: IDs, or flags such as --tenant and --since, or --all", v.name)
		}
		for _, id := range args {
			if err := v.check(id); err != nil {
				return err
			}
		}
		client, err := f.gateway.client()
		if err != nil {
			return err
		}
		run := actRun{verb: v, client: client, request: req, cmd: cmd}
		run.report.Act, run.report.NotDoneFor = v.name, make(map[string]int)
		if len(args) > 0 {
			err = run.named(args)
		} else {
			err = run.selected(filter, f.yes)
		}
		if err != nil {
			return err
		}
		return wrapFailure(run.print(f.asJSON))
	}
	f.gateway.register(cmd)
	f.filter.register(cmd, len(v.act.From()) > 1)
	cmd.Flags().BoolVar(&f.all, "all", false, "all "+v.many+" that it is for")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	if v.act != admin.Delete { // of what is deleted, no trace is left
		cmd.Flags().StringVar(&f.note, "note", "", fmt.Sprintf("a `TEXT` for the trace, up to %d characters", admin.MaxNote))
	}
	if v.act == admin.Drop {
		cmd.Flags().StringVar(&f.reason, "reason", "", fmt.Sprintf("the `TEXT` that the log shows as the reason, up to %d characters", admin.MaxNote))
	}
	return cmd
}

func (v actVerb) check(id string) error {
	message, delivery, err := mail.ParseID(id)
	if err == nil && v.act == admin.Delete && delivery != "" {
		return fmt.Errorf("%s is one delivery, and a message is deleted whole: give %s", delivery, message)
	}
	return err
}

// actReport is what such a verb prints as JSON.
type actReport struct {
	Act  string `json:"act"`
	Done int    `json:"done"`
	// Erased is how many messages went whole.
	Erased  int `json:"erased"`
	NotDone int `json:"not_done"`
	// NotDoneFor counts the reasons.
	NotDoneFor map[string]int `json:"not_done_for"`
	// Results are by IDs; absent for a selection.
	Results []admin.ActResult `json:"results,omitempty"`
}

// actRun is one run of such a verb.
type actRun struct {
	verb    actVerb
	client  *admin.Client
	request admin.ActRequest
	cmd     *cobra.Command
	report  actReport
}

// named does it to what IDs name.
func (r *actRun) named(ids []string) error {
	for part := range slices.Chunk(ids, admin.MaxIDs) {
		r.request.IDs = part
		answer, err := r.client.Act(r.cmd.Context(), r.verb.act, r.request)
		if err != nil {
			return failure{r.after(err)}
		}
		r.count(answer)
		r.report.Results = append(r.report.Results, answer.Results...)
	}
	return nil
}

// selected does it to what a filter selects, batch after batch.
func (r *actRun) selected(filter admin.Filter, yes bool) error {
	filter, err := r.verb.act.Select(filter)
	if err != nil {
		return err
	}
	total := 0 // not known where nobody is asked: to count takes as long as all of them take
	if !yes {
		counts, err := r.client.Count(r.cmd.Context(), filter)
		if err != nil {
			return failure{err}
		}
		if total = counts.Total; total == 0 {
			return nil
		}
		if err := r.confirm(counts); err != nil {
			return err
		}
	}
	r.request.Select = &filter
	shown := newProgress(r.cmd.ErrOrStderr())
	defer shown.clear()
	for {
		answer, err := r.client.Act(r.cmd.Context(), r.verb.act, r.request)
		if err != nil {
			shown.clear()
			return failure{r.after(err)}
		}
		r.count(answer)
		if answer.Next == "" {
			return nil
		}
		r.request.Cursor = answer.Next
		shown.show(r.verb.done, r.report.Done, total)
	}
}

// after says what was done before an error.
func (r *actRun) after(err error) error {
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped")
	}
	if r.report.Done == 0 {
		return err
	}
	return fmt.Errorf("%w; %s before that, and the same command goes on with the others", err, r.sum())
}

func (r *actRun) count(answer admin.ActAnswer) {
	for _, result := range answer.Results {
		if result.Erased {
			r.report.Erased++
		}
		if result.Done {
			r.report.Done++
			continue
		}
		r.report.NotDone++
		r.report.NotDoneFor[result.Reason]++
	}
}

// confirm asks whoever sits at the terminal. Where nobody does, the flag is wanted.
func (r *actRun) confirm(counts admin.CountList) error {
	sums := sumByState(counts)
	var parts []string
	for _, s := range mail.States() {
		if sums[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", sums[s], s))
		}
	}
	what := fmt.Sprintf("%s (%s)", counted(counts.Total, "delivery", "deliveries"), strings.Join(parts, ", "))
	if r.verb.act == admin.Delete {
		what = "the messages of " + what
	}
	if !isTerminal(r.cmd.InOrStdin()) {
		return fmt.Errorf("this would %s %s: say --yes to have it done", r.verb.name, what)
	}
	fmt.Fprintf(r.cmd.ErrOrStderr(), "This will %s %s. Go on? [y/N] ", r.verb.name, what)
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r.cmd.InOrStdin()).ReadString('\n') // what cannot be read is no yes
		answers <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answers:
		if answer == "y" || answer == "yes" {
			return nil
		}
	case <-r.cmd.Context().Done():
	}
	return failure{errors.New("nothing was done")}
}

// sum says what was done.
func (r *actRun) sum() string {
	return fmt.Sprintf("%s %s", counted(r.report.Done, r.verb.one, r.verb.many), r.verb.done)
}

// print prints the report; what was named and not done is an error, too.
func (r *actRun) print(asJSON bool) error {
	out, failed := r.cmd.OutOrStdout(), r.report.NotDone > 0 && len(r.report.Results) > 0
	if asJSON {
		if err := json.NewEncoder(out).Encode(r.report); err != nil {
			return err
		}
		return reportedIf(failed)
	}
	for _, result := range r.report.Results {
		if !result.Done {
			fmt.Fprintf(r.cmd.ErrOrStderr(), "%s: not %s: %s\n", result.ID, r.verb.done, terminal.Text(result.Reason, maxError))
		}
	}
	var b strings.Builder
	if r.report.Done+r.report.NotDone == 0 {
		b.WriteString("Nothing is selected: ")
	}
	fmt.Fprintf(&b, "%s.\n", r.sum())
	if r.report.Done+r.report.NotDone == 0 && !r.cmd.Flags().Changed("state") && (r.verb.act == admin.Resend || r.verb.act == admin.Reprocess) {
		b.WriteString("What was delivered is selected only where --state delivered, or an ID, says so.\n")
	}
	if r.report.Erased > 0 && r.verb.act != admin.Delete {
		fmt.Fprintf(&b, "With them %s as a whole.\n", counted(r.report.Erased, "message went", "messages went"))
	}
	if r.report.NotDone > 0 && len(r.report.Results) == 0 {
		fmt.Fprintf(&b, "Not %s:\n", r.verb.done)
		for _, reason := range slices.Sorted(maps.Keys(r.report.NotDoneFor)) {
			fmt.Fprintf(&b, "  %d: %s\n", r.report.NotDoneFor[reason], terminal.Text(reason, maxError))
		}
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	return reportedIf(failed)
}

func reportedIf(failed bool) error {
	if failed {
		return errReported
	}
	return nil
}
