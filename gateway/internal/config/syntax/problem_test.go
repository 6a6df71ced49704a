package syntax

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	t.Parallel()
	given := Problems{
		{File: "flag --set a.b", Message: "6"},
		{File: "b.hcl", Line: 1, Column: 1, Message: "4"},
		{File: "a.hcl", Line: 2, Column: 5, Message: "2"},
		{File: "a.hcl", Line: 2, Column: 5, Message: "3"},
		{File: "environment A", Message: "5"},
		{File: "a.hcl", Line: 1, Column: 9, Message: "1"},
	}
	var got []string
	for _, p := range given.Report([]string{"a.hcl", "b.hcl", "a.hcl"}) {
		got = append(got, p.Message)
	}
	if diff := cmp.Diff(strings.Split("1 2 3 4 5 6", " "), got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if given[0].Message != "6" {
		t.Error("the problems themselves were sorted")
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        `""`,
		"a\x1b[31m\"\xff":         `"a\x1b[31m\"\xff"`,
		strings.Repeat("é", 65):   `"` + strings.Repeat("é", 64) + `…"`,
		"my whsec_aHVudGVyMg== x": "(redacted)",
		"postgres://u:hunter2@db": "(redacted)",
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	names := []string{"hostname", "data_dir", "log_level", "log_format"}
	for given, want := range map[string]string{
		"hostnam":               `did you mean "hostname"?`,
		"Hsotname":              `did you mean "hostname"?`,
		"loglevel":              `did you mean "log_level"?`,
		"datadirs":              `did you mean "data_dir"?`,
		"x":                     "",
		"retention":             "",
		strings.Repeat("a", 65): "",
	} {
		if got := DidYouMean(given, names); got != want {
			t.Errorf("DidYouMean(%s) = %s, want %s", given, got, want)
		}
	}
}
