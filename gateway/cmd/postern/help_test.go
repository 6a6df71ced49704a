package main

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// commands are all verbs of a command, and itself.
func commands(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		list = append(list, commands(c)...)
	}
	return list
}

// TestHelp holds that every verb says what it does, and that the command lines of its examples
// are ones that it takes.
func TestHelp(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s]+`)
	end := regexp.MustCompile(`\s(>|\||#|&&)\s.*`)
	examples := 0
	for _, cmd := range commands(newRoot()) {
		if cmd.Short == "" || cmd.HasParent() && !cmd.HasSubCommands() && cmd.Example == "" && cmd.Name() != "version" {
			t.Errorf("%s has no help", cmd.CommandPath())
		}
		for line := range strings.Lines(strings.ReplaceAll(cmd.Example, "\\\n", " ")) {
			text, ok := strings.CutPrefix(strings.TrimSpace(line), "postern ")
			if !ok {
				continue // of another program
			}
			examples++
			args := word.FindAllString(end.ReplaceAllString(text, ""), -1)
			for i := range args {
				args[i] = strings.Trim(args[i], `"'`)
			}
			if err := understood(args); err != nil {
				t.Errorf("%s: %s: %v", cmd.CommandPath(), line, err)
			}
		}
	}
	if examples < 40 {
		t.Errorf("%d examples were found", examples)
	}
}

// understood parses a command line as it would be before it is run.
func understood(args []string) error {
	cmd, rest, err := newRoot().Find(args)
	if err != nil {
		return err
	}
	if !cmd.Runnable() || cmd.HasSubCommands() && len(rest) > 0 {
		return errors.New("names no verb")
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return errors.Join(cmd.ValidateArgs(cmd.Flags().Args()), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups())
}

// TestEveryQuestionHasJSON holds that the verbs that ask a running gateway answer programs, too.
func TestEveryQuestionHasJSON(t *testing.T) {
	t.Parallel()
	octets := []string{"postern message raw", "postern message payload"}
	asking := 0
	for _, cmd := range commands(newRoot()) {
		if cmd.Flags().Lookup("data-dir") == nil || slices.Contains(octets, cmd.CommandPath()) {
			continue
		}
		asking++
		if cmd.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", cmd.CommandPath())
		}
	}
	if asking < 12 {
		t.Errorf("%d verbs ask a gateway", asking)
	}
}

func TestParseMoment(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, zone)
	for in, want := range map[string]string{
		"2026-02-12T10:30:00Z":      "2026-02-12T10:30:00Z",
		"2026-02-12T10:30:00+01:00": "2026-02-12T09:30:00Z",
		"2026-02-12":                "2026-02-11T22:00:00Z",
		"2026-02-12 10:30:05":       "2026-02-12T08:30:05Z",
		"2026-02-12 10:30":          "2026-02-12T08:30:00Z",
		"2026-02-12T10:30":          "2026-02-12T08:30:00Z",
		"24h":                       "2026-03-03T10:00:00Z",
		"7d":                        "2026-02-25T10:00:00Z",
		"1d12h30m":                  "2026-03-02T21:30:00Z",
		"0s":                        "2026-03-04T10:00:00Z",
		"":                          "",
		"yesterday":                 "",
		"-1h":                       "",
		"2026-02-30":                "",
		"7":                         "",
		"99999999d":                 "",
	} {
		got, err := parseMoment(in, now)
		switch {
		case (err != nil) != (want == ""):
			t.Errorf("%q: %s, %v; want %s", in, got, err, want)
		case err == nil && got.UTC().Format(time.RFC3339) != want:
			t.Errorf("%q: %s, want %s", in, got.UTC().Format(time.RFC3339), want)
		}
	}
}
