package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// listFlags are of the verbs that list deliveries.
type listFlags struct {
	gateway gatewayFlags
	filter  filterFlags
	limit   int
	cursor  string
	all     bool
	asJSON  bool
}

func (f *listFlags) register(cmd *cobra.Command, withState bool) {
	f.gateway.register(cmd)
	f.filter.register(cmd, withState)
	cmd.Flags().IntVar(&f.limit, "limit", 50, "at most this many, up to "+strconv.Itoa(admin.MaxLimit))
	cmd.Flags().StringVar(&f.cursor, "cursor", "", "those after this `CURSOR`, which the page before gave as its next")
	cmd.Flags().BoolVar(&f.all, "all", false, "all there are, page after page")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("all", "limit")
}

func newMessageList() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List deliveries, the newest first",
		Long: `List prints a line for each delivery: one message for one recipient and one
endpoint. States: ` + states() + `.

` + filterHelp + `

It prints one page, and how to get the next; --all prints all. With --json, "next" is the cursor
of the next page, and not there in the last.

By tenant, by state of one, and by words of the subject it is quick however long the log is. By anything else
the log is searched, from the newest on: a search that is stopped says how far it has come, and how to go on.`,
		Example: `  postern message list --data-dir /var/lib/postern
  postern message list -c postern.hcl --tenant acme --state failed,expired --since 7d --json
  postern message list -c postern.hcl --sender @shop.example --subject "invoice 2026" --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter.read()
			if err != nil {
				return err
			}
			return f.list(cmd, filter, messageColumns())
		},
	}
	f.register(cmd, true)
	return cmd
}

// columns are a table's: its head, and what of a delivery stands below.
type columns struct {
	head string
	row  func(d admin.Delivery) string
}

func messageColumns() columns {
	return columns{"ID\tRECEIVED\tSTATE\tATTEMPTS\tCODE\tENDPOINT\tRECIPIENT\tSUBJECT", func(d admin.Delivery) string {
		code := ""
		if d.LastCode != 0 {
			code = strconv.Itoa(d.LastCode)
		}
		return fmt.Sprintf("%s\t%s\t%s\t%d\t%s\t%s/%s\t%s\t%s", d.ID, d.ReceivedAt.Local().Format(time.DateTime), d.State, d.AttemptCount, code,
			d.Tenant, d.Endpoint, terminal.Text(d.Recipient, 40), terminal.Text(d.Subject, 60))
	}}
}

// list prints a page of what a filter selects, or all.
func (f *listFlags) list(cmd *cobra.Command, filter admin.Filter, table columns) error {
	if f.limit < 1 || f.limit > admin.MaxLimit {
		return fmt.Errorf("--limit %d: want 1 to %d", f.limit, admin.MaxLimit)
	}
	client, err := f.gateway.client()
	if err != nil {
		return err
	}
	o := admin.ListOptions{Filter: filter, Limit: f.limit, Cursor: f.cursor}
	if f.all {
		o.Limit = admin.MaxLimit
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	show := printPage(out, table)
	if f.asJSON {
		show = printJSONPage(out)
	}
	shown := newProgress(cmd.ErrOrStderr())
	defer shown.clear()
	var searchedTo time.Time
	for {
		page, err := client.List(cmd.Context(), o)
		shown.clear()
		if err != nil {
			return failure{errors.Join(searchStopped(err, searchedTo, o.Cursor), out.Flush())}
		}
		// A page that is not full goes on, as far as the search has to.
		o.Limit -= len(page.Deliveries)
		last := page.Next == "" || !f.all && (page.SearchedTo.IsZero() || o.Limit == 0)
		if f.all {
			o.Limit = admin.MaxLimit
		}
		if err := show(page, last); err != nil || last {
			return wrapFailure(errors.Join(err, out.Flush()))
		}
		if isTerminal(cmd.OutOrStdout()) {
			err = out.Flush() // somebody reads along
		}
		if err != nil {
			return failure{err}
		}
		if o.Cursor = page.Next; !page.SearchedTo.IsZero() {
			searchedTo = page.SearchedTo.Time
			shown.say("searched back to " + searchedTo.Local().Format(time.DateTime))
		}
	}
}

// searchStopped says how far a search had come, and how to go on.
func searchStopped(err error, to time.Time, cursor string) error {
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped")
	}
	if to.IsZero() {
		return err
	}
	return fmt.Errorf("%w; the log is searched back to %s: the same command goes on with --cursor %s", err, to.Local().Format(time.DateTime), cursor)
}

// printPage prints pages as tables, the first of them with a head.
func printPage(w io.Writer, table columns) func(page admin.DeliveryList, last bool) error {
	first := true
	return func(page admin.DeliveryList, last bool) error {
		if len(page.Deliveries) == 0 {
			if first && last {
				fmt.Fprintln(w, "No deliveries.")
			}
			return nil
		}
		aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if first {
			fmt.Fprintln(aligned, table.head)
		}
		first = false
		for _, d := range page.Deliveries {
			fmt.Fprintln(aligned, table.row(d))
		}
		if last && page.Next != "" {
			fmt.Fprintf(aligned, "More with --cursor %s\n", page.Next)
		}
		return aligned.Flush()
	}
}

// printJSONPage prints pages as one JSON text.
func printJSONPage(w io.Writer) func(page admin.DeliveryList, last bool) error {
	before := `{"deliveries":[`
	return func(page admin.DeliveryList, last bool) error {
		for _, d := range page.Deliveries {
			text, err := json.Marshal(d)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s%s", before, text)
			before = ","
		}
		if !last {
			return nil
		}
		if before != "," {
			fmt.Fprint(w, before)
		}
		next := ""
		if page.Next != "" {
			next = fmt.Sprintf(`,"next":%q`, page.Next)
		}
		_, err := fmt.Fprintf(w, "]%s}\n", next)
		return err
	}
}

func newMessageCount() *cobra.Command {
	var gateway gatewayFlags
	var flags filterFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "count",
		Short: "Count deliveries by the hour and their state",
		Long: `Count prints how many deliveries of each hour, by when they were received, are in
each state now.

` + filterHelp,
		Example: `  postern message count --data-dir /var/lib/postern --since 24h
  postern message count -c postern.hcl --tenant acme --since 2026-02-01 --until 2026-03-01 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.read()
			if err != nil {
				return err
			}
			return answer(cmd, &gateway, asJSON, func(ctx context.Context, client *admin.Client) (admin.CountList, error) {
				return client.Count(ctx, filter)
			}, printCounts)
		},
	}
	gateway.register(cmd)
	flags.register(cmd, true)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printCounts prints a line for each hour, with a column for each state that there is.
func printCounts(w io.Writer, list admin.CountList) error {
	if list.Total == 0 {
		_, err := fmt.Fprintln(w, "No deliveries.")
		return err
	}
	sums := sumByState(list)
	var shown []mail.State
	for _, s := range mail.States() {
		if sums[s] > 0 {
			shown = append(shown, s)
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, of map[mail.State]int) {
		fmt.Fprintf(table, "%s\t", name)
		sum := 0
		for _, s := range shown {
			fmt.Fprintf(table, "%d\t", of[s])
			sum += of[s]
		}
		fmt.Fprintf(table, "%d\t\n", sum)
	}
	fmt.Fprint(table, "HOUR\t")
	for _, s := range shown {
		fmt.Fprintf(table, "%s\t", s)
	}
	fmt.Fprintln(table, "in all\t")
	for rest := list.Counts; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(c admin.Count) bool { return !c.Hour.Equal(rest[0].Hour.Time) })
		if n < 0 {
			n = len(rest)
		}
		line(rest[0].Hour.Local().Format("2006-01-02 15:04"), sumByState(admin.CountList{Counts: rest[:n]}))
		rest = rest[n:]
	}
	line("in all", sums)
	return table.Flush()
}

func sumByState(list admin.CountList) map[mail.State]int {
	sums := make(map[mail.State]int)
	for _, c := range list.Counts {
		sums[c.State] += c.Deliveries
	}
	return sums
}
