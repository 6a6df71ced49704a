package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const minimal = `{"score":1.50,"required_score":15.0,"action":"no action","symbols":{}`

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, answer string }{
		"minimal":           {minimal + `}`, `{"action":"no action","required_score":15.0,"score":1.50,"symbols":{}}`},
		"spaces":            {" {\"score\" : 1.50,\n\"required_score\":15.0,\"action\":\"no action\",\"symbols\":{ }\t}\n", `{"action":"no action","required_score":15.0,"score":1.50,"symbols":{}}`},
		"twice, the second": {minimal + `,"is_skipped":true,"is_skipped":false,"symbols":{"A":{"score":1,"score":2}}}`, `{"action":"no action","is_skipped":false,"required_score":15.0,"score":1.50,"symbols":{"A":{"score":2}}}`},
		"not UTF-8":         {minimal + ",\"message-id\":\"a\xff\xfe<b>\xe2\x80\xa8\"}", `{"action":"no action","message-id":"a�<b>\u2028","required_score":15.0,"score":1.50,"symbols":{}}`},
		"lone surrogate":    {minimal + `,"message-id":"\ud800x"}`, `{"action":"no action","message-id":"�x","required_score":15.0,"score":1.50,"symbols":{}}`},
		"the gateway's own": {minimal + `,"gateway_action":"default","gateway_truncated":true}`, `{"action":"no action","required_score":15.0,"score":1.50,"symbols":{}}`},
		"brackets in text":  {minimal + `,"x":"` + strings.Repeat(`[{\"`, 100) + `"}`, `{"action":"no action","required_score":15.0,"score":1.50,"symbols":{},"x":"` + strings.Repeat(`[{\"`, 100) + `"}`},
	} {
		var report SpamReport
		if err := readAnswer([]byte(tc.in), &report); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tc.answer, string(report.Answer)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if report.Score != 1.5 || report.RequiredScore != 15 || report.Action != NoAction {
			t.Errorf("%s: report = %+v", name, report)
		}
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	for _, action := range []Action{NoAction, Greylist, AddHeader, RewriteSubject, SoftReject, Quarantine, Discard, Reject} {
		var report SpamReport
		text := fmt.Sprintf(`{"score":1,"required_score":15,"action":%q,"symbols":{}}`, action)
		if err := readAnswer([]byte(text), &report); err != nil || report.Action != action {
			t.Errorf("%s: %v, %v", text, report, err)
		}
	}
}

func TestReadAnswerRefuses(t *testing.T) {
	t.Parallel()
	const noObject = "no JSON object"
	for in, want := range map[string]string{
		"":                noObject,
		"null":            noObject,
		"[]":              noObject,
		"pong":            noObject,
		"<html></html>":   noObject,
		minimal:           noObject, // cut off
		minimal + "}{}":   noObject,
		minimal + "}\x00": noObject,
		`{}`:              "no score",
		`{"score":null,"required_score":15,"action":"reject","symbols":{}}`:                                     "no score",
		`{"Score":1,"required_score":15,"action":"reject","symbols":{}}`:                                        "no score",
		`{"score":"1","required_score":15,"action":"reject","symbols":{}}`:                                      "score of the answer has a wrong type",
		`{"score":nan,"required_score":15,"action":"reject","symbols":{}}`:                                      noObject,
		`{"score":1e400,"required_score":15,"action":"reject","symbols":{}}`:                                    "score of the answer has a wrong type",
		`{"score":1,"action":"reject","symbols":{}}`:                                                            "no required_score",
		`{"score":1,"required_score":15,"symbols":{}}`:                                                          "no action",
		`{"score":1,"required_score":15,"action":["reject"],"symbols":{}}`:                                      "action of the answer has a wrong type",
		`{"score":1,"required_score":15,"action":"","symbols":{}}`:                                              `action ""`,
		`{"score":1,"required_score":15,"action":"REJECT","symbols":{}}`:                                        `action "REJECT"`,
		`{"score":1,"required_score":15,"action":"\u001b[31m\n` + strings.Repeat("x", 1000) + `","symbols":{}}`: `action "?[31m?xxx`,
		`{"score":1,"required_score":15,"action":"reject"}`:                                                     "no symbols",
		`{"score":1,"required_score":15,"action":"reject","symbols":null}`:                                      "no symbols",
		`{"score":1,"required_score":15,"action":"reject","symbols":[]}`:                                        "symbols of the answer has a wrong type",
		`{"score":1,"required_score":15,"action":"reject","symbols":{"A":null}}`:                                "symbol of the answer has no score",
		`{"score":1,"required_score":15,"action":"reject","symbols":{"A":{}}}`:                                  "symbol of the answer has no score",
		`{"score":1,"required_score":15,"action":"reject","symbols":{"A":[]}}`:                                  "symbols of the answer has a wrong type",
		`{"score":1,"required_score":15,"action":"reject","symbols":{"A":{"score":1,"options":[1]}}}`:           "symbols of the answer has a wrong type",
		minimal + `,"time_real":1e999}`:                                                                         "out of range",
		minimal + `,"x":[{"y":-1e999}]}`:                                                                        "out of range",
		minimal + `,"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`:                             "deeper than 32",
		strings.Repeat("[", 1<<20):                                                                              "deeper than 32",
		strings.Repeat(`{"a":`, 1<<20):                                                                          "deeper than 32",
	} {
		var report SpamReport
		err := readAnswer([]byte(in), &report)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: error = %v, want one with %q", in, err, want)
			continue
		}
		if report.Answer != nil || report.Action != "" || len(err.Error()) > 200 {
			t.Errorf("%.100s: report = %+v, error = %v", in, report, err)
		}
	}
}

// TestLongAnswers holds that a mail cannot make an answer too long to be taken:
// what can be spared of it goes, the verdict stays.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	list := `["` + strings.Repeat(strings.Repeat("x", 200)+`","`, 10240) + `"]` // 2 MiB
	symbols := func(options string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `,"S%d":{"name":"S%d","score":0.5,"description":"d"%s}`, i, i, options)
		}
		return `"symbols":{` + b.String()[1:] + `}`
	}
	const head = `{"is_skipped":false,"score":1.50,"required_score":15.0,"action":"reject",`
	longOptions := `,"options":["` + strings.Repeat("x", 4000) + `"]` // 400 KB in all
	for name, tc := range map[string]struct {
		in   string
		want string // members
		size int    // of the symbols at least
	}{
		"as it is":         {head + symbols("") + `,"urls":["a"],"emails":["b"]}`, "action emails is_skipped required_score score symbols urls", 5000},
		"hosts":            {head + symbols("") + `,"urls":` + list + `,"emails":["b"],"message-id":"x"}`, "action gateway_truncated is_skipped message-id required_score score symbols", 5000},
		"addresses":        {head + symbols("") + `,"emails":` + list + `}`, "action gateway_truncated is_skipped required_score score symbols", 5000},
		"message id":       {head + symbols("") + `,"message-id":"` + strings.Repeat("x", 300<<10) + `","milter":{}}`, "action gateway_truncated is_skipped required_score score symbols", 5000},
		"grows by escapes": {head + symbols("") + `,"message-id":"` + strings.Repeat("\u2028", 80<<10) + `"}`, "action gateway_truncated is_skipped required_score score symbols", 5000},
		"options":          {head + symbols(longOptions) + `,"urls":[]}`, "action gateway_truncated is_skipped required_score score symbols", 5000},
		"all of it":        {head + symbols(longOptions) + `,"urls":` + list + `,"emails":` + list + `,"message-id":"` + strings.Repeat("x", 1<<20) + `"}`, "action gateway_truncated is_skipped required_score score symbols", 5000},
	} {
		var report SpamReport
		if err := readAnswer([]byte(tc.in), &report); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(report.Answer, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var names []string
		for name := range got {
			names = append(names, name)
		}
		if diff := cmp.Diff(tc.want, sortedWords(names)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		var kept map[string]symbol
		if err := json.Unmarshal(got["symbols"], &kept); err != nil || len(kept) != 100 || len(got["symbols"]) < tc.size {
			t.Errorf("%s: %v, %d symbols of %d octets", name, err, len(kept), len(got["symbols"]))
		}
		if len(report.Answer) > maxAnswer || report.Action != Reject || report.Score != 1.5 {
			t.Errorf("%s: report of %d octets: %s, %v", name, len(report.Answer), report.Action, report.Score)
		}
	}
	// What only rspamd itself can make long.
	in := head + symbols(`,"metric_score":`+strings.Repeat("1", 4000)) + `}`
	if err := readAnswer([]byte(in), &SpamReport{}); err == nil || !strings.Contains(err.Error(), "symbols of the answer take more than 262144 octets") {
		t.Errorf("error = %v", err)
	}
}

func sortedWords(words []string) string {
	m := make(map[string]bool)
	for _, w := range words {
		m[w] = true
	}
	text, _ := json.Marshal(m) // sorts
	return strings.NewReplacer(`{"`, "", `":true,"`, " ", `":true}`, "").Replace(string(text))
}

// savedAnswers are of a real rspamd; they are not everywhere.
func savedAnswers(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../../../shared/servers/rspamd/*.json")
	if err != nil {
		t.Fatal(err)
	}
	saved := make(map[string][]byte)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		saved[strings.TrimSuffix(filepath.Base(file), ".json")] = text
	}
	return saved
}

func TestSavedAnswers(t *testing.T) {
	t.Parallel()
	saved := savedAnswers(t)
	if len(saved) == 0 {
		t.Skip("missing: saved answers of rspamd")
	}
	want := map[string]Action{
		"normal": NoAction, "signed": NoAction, "tampered": AddHeader, "dupfrom": AddHeader,
		"gtube": Reject, "gtube-add": AddHeader, "gtube-rewrite": RewriteSubject, "gtube-noaction": NoAction,
	}
	got := make(map[string]Action)
	for name, text := range saved {
		var report SpamReport
		if err := readAnswer(text, &report); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got[name] = report.Action
		var before, after any
		if json.Unmarshal(text, &before) != nil || json.Unmarshal(report.Answer, &after) != nil {
			t.Fatalf("%s is no JSON", name)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: -saved +passed on\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// FuzzReadAnswer holds that what is passed on is JSON within bounds, and reads the
// same again.
func FuzzReadAnswer(f *testing.F) {
	for _, text := range savedAnswers(f) {
		f.Add(text)
	}
	f.Add([]byte(minimal + `,"urls":["a"],"x":[1e5,"\ud800",{"y":null}],"gateway_action":"tag"}`))
	f.Add([]byte(minimal + ",\"message-id\":\"\xff\\\"[[{\"}"))
	f.Add([]byte(`{"score":-0,"required_score":1E-7,"action":"reject","symbols":{"A":{"score":1,"options":["<a>"],"score":2}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var report, again SpamReport
		if readAnswer(raw, &report) != nil {
			return
		}
		if !json.Valid(report.Answer) || !utf8.Valid(report.Answer) || len(report.Answer) > maxAnswer || !report.Action.known() {
			t.Fatalf("report = %+v", report)
		}
		if err := readAnswer(report.Answer, &again); err != nil {
			t.Fatalf("read again: %v\n%s", err, report.Answer)
		}
		// The mark that something was left out is the gateway's, and not read.
		same := bytes.Equal(again.Answer, report.Answer) || bytes.Contains(report.Answer, []byte(truncatedMember))
		if !same || again.Score != report.Score || again.RequiredScore != report.RequiredScore || again.Action != report.Action {
			t.Fatalf("read again: %+v, before: %+v", again, report)
		}
		given, ok := TellSpam(report.Answer, "tag")
		if !ok || !json.Valid(given.Answer) {
			t.Fatalf("report for plugins: %s", given.Answer)
		}
	})
}
