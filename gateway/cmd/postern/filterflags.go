package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/mail"
)

// filterHelp explains the flags of a filter, in the text of a verb that has them.
const filterHelp = `TIME is a time as in 2026-02-12T10:30:00Z, a day or a time of this machine's clock as
in 2026-02-12 or "2026-02-12 10:30:00", or how long ago, as in 90m, 24h or 7d. An ADDRESS may be
a domain, as in @example.com.`

// filterFlags select deliveries.
type filterFlags struct {
	filter       admin.Filter
	states       []string
	since, until string
	events       bool // and no mails
	cmd          *cobra.Command
}

// register adds the flags; withState is false for a verb that has states of its own.
func (f *filterFlags) register(cmd *cobra.Command, withState bool) {
	f.cmd = cmd
	cmd.Flags().StringVar(&f.filter.Tenant, "tenant", "", "of this `TENANT` only")
	cmd.Flags().StringVar(&f.filter.Endpoint, "endpoint", "", "for this `ENDPOINT` only; of one tenant as TENANT/ENDPOINT")
	if withState {
		cmd.Flags().StringSliceVar(&f.states, "state", nil, "in this `STATE` only; several by commas, or by several flags")
	}
	cmd.Flags().StringVar(&f.since, "since", "", "received at this `TIME` or later")
	cmd.Flags().StringVar(&f.until, "until", "", "received before this `TIME`")
	if f.events {
		cmd.Flags().StringVar(&f.filter.Event, "event", "", "of this `NAME`, as in connectError")
		cmd.Flags().StringVar(&f.filter.Account, "account", "", "about this mail `ACCOUNT`")
		cmd.Flags().StringVar(&f.filter.Subject, "words", "", "with all of these `WORDS` in what they say")
		return
	}
	cmd.Flags().StringVar(&f.filter.Account, "account", "", "fetched from this mail `ACCOUNT`")
	cmd.Flags().StringVar(&f.filter.Sender, "sender", "", "with this `ADDRESS` as reverse-path")
	cmd.Flags().StringVar(&f.filter.Recipient, "recipient", "", "for this recipient's `ADDRESS`")
	cmd.Flags().StringVar(&f.filter.Subject, "subject", "", "with all of these `WORDS` in the subject")
}

// read returns the filter that the flags say.
func (f *filterFlags) read() (admin.Filter, error) {
	filter := f.filter
	filter.Events = f.events
	// A flag without a value, as a variable of the shell makes that is not set, would select all.
	for _, name := range []string{"tenant", "endpoint", "state", "since", "until", "sender", "recipient", "subject", "event", "account", "words"} {
		if flag := f.cmd.Flags().Lookup(name); flag != nil && flag.Changed && (flag.Value.String() == "" || flag.Value.String() == "[]") {
			return filter, fmt.Errorf("--%s is empty: give it a value, or leave it out to select any", name)
		}
	}
	if tenant, endpoint, both := strings.Cut(filter.Endpoint, "/"); both { // as lists write it
		switch {
		case tenant == "" || endpoint == "":
			return filter, fmt.Errorf("--endpoint %q: want ENDPOINT, or TENANT/ENDPOINT", filter.Endpoint)
		case filter.Tenant != "" && filter.Tenant != tenant:
			return filter, fmt.Errorf("--endpoint %s is not of --tenant %s: nothing is of both", filter.Endpoint, filter.Tenant)
		}
		filter.Tenant, filter.Endpoint = tenant, endpoint
	}
	for _, s := range f.states {
		state := mail.State(strings.TrimSpace(s))
		if !slices.Contains(mail.States(), state) {
			return filter, fmt.Errorf("--state %q: want one of %s", s, states())
		}
		filter.States = append(filter.States, state)
	}
	if filter.Event != "" && !slices.Contains(mail.Events(), filter.Event) {
		return filter, fmt.Errorf("--event %q: want one of %s", filter.Event, strings.Join(mail.Events(), ", "))
	}
	now := time.Now()
	for name, at := range map[string]struct {
		text string
		into *time.Time
	}{"since": {f.since, &filter.Since}, "until": {f.until, &filter.Until}} {
		if at.text == "" {
			continue
		}
		t, err := parseMoment(at.text, now)
		if err != nil {
			return filter, fmt.Errorf("--%s %q: %w", name, at.text, err)
		}
		*at.into = t
	}
	for name, address := range map[string]string{"sender": filter.Sender, "recipient": filter.Recipient} {
		if address != "" && !strings.Contains(address, "@") {
			return filter, fmt.Errorf("--%s %q: want an address, or a domain as in @example.com", name, address)
		}
	}
	if !filter.Since.IsZero() && !filter.Until.IsZero() && !filter.Since.Before(filter.Until) {
		return filter, fmt.Errorf("--since %s is not before --until %s: nothing lies between", f.since, f.until)
	}
	return filter, nil
}

// parseMoment reads a time, or how long ago it was.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	ago, err := schema.ParseDuration(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("want a time as in %s, a day as in 2026-02-12, or how long ago, as in 24h or 7d", "2026-02-12T10:30:00Z")
	}
	return now.Add(-ago), nil
}

func states() string { return joined(mail.States()) }

func joined(states []mail.State) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
