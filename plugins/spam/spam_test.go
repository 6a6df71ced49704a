package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

var update = flag.Bool("update", false, "write the golden files")

// run calls the plugin on a mail with one report.
func run(t *testing.T, report plugin.Report, o Options) plugintest.Result {
	t.Helper()
	return plugintest.Run(t, func(m *plugin.Mail) error { return transform(m, o) }, plugintest.Mail{
		Scans: []plugin.Report{{Engine: "clamav", Part: 0, Answer: []byte(`{"status":"clean"}`)}, report},
		Write: []string{"/spam"},
	})
}

// TestGolden maps the answers of testdata/rspamd, which are a real one's, and some that
// it does not give when asked for.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	answers, answersErr := filepath.Glob("testdata/rspamd/*.json")
	if err != nil || answersErr != nil || len(files) == 0 || len(answers) < 5 {
		t.Fatalf("testdata: %v, %v", files, answers)
	}
	for _, file := range append(files, answers...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			section, err := mapAnswer(text, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(section, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

func TestTransform(t *testing.T) {
	t.Parallel()
	const scanned = `{"score":1,"action":"no action","symbols":{}}`
	r := run(t, plugin.Report{Engine: "rspamd", Part: -1, Answer: []byte(scanned)}, Options{Threshold: 0.5})
	const want = `{"action":"default","authentication":{"dkim":{"result":"none"},"dmarc":{"result":"none"},"spf":{"result":"none"}},` +
		`"engine":"rspamd","engineAction":"no action","isSpam":true,"score":1,"symbols":[],"threshold":0.5}`
	if got := string(r.Get("/spam")); r.Err != nil || got != want {
		t.Errorf("%v\ngot  %s\nwant %s", r.Err, got, want)
	}
	for name, report := range map[string]plugin.Report{
		"of another engine": {Engine: "other", Part: -1, Answer: []byte(scanned)},
		"of an attachment":  {Engine: "rspamd", Part: 0, Answer: []byte(scanned)},
	} {
		if r := run(t, report, Options{}); r.Err != nil || string(r.Payload) != "{}" {
			t.Errorf("report %s: %v, %s", name, r.Err, r.Payload)
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                      "unexpected end of JSON input",
		`[]`:                                    "cannot unmarshal array",
		`{"error":"no such user"}`:              `error: "no such user"`,
		`{"action":"reject","symbols":{}}`:      "score is missing",
		`{"score":"high"}`:                      "score",
		`{"score":1,"symbols":{}}`:              "action is missing",
		`{"score":1,"action":"reject"}`:         "symbols are missing",
		`{"score":1,"action":"a","symbols":[]}`: "symbols",
		`{"score":1,"action":"a","symbols":{"C":{"score":1},"B":{},"A":null}}`:     `symbol "A": score is missing`,
		`{"score":1,"action":"a","symbols":{"B":{"score":1,"options":[1]}}}`:       "options",
		`{"score":1,"action":"reject","symbols":{},"gateway_action":"add header"}`: "gateway_action",
	} {
		r := run(t, plugin.Report{Engine: "rspamd", Part: -1, Answer: []byte(text)}, Options{})
		if r.Err == nil || !strings.HasPrefix(r.Err.Error(), "rspamd's answer: ") || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, r.Err, want)
		}
	}
}

func TestIsSpam(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		score     float64
		action    string
		threshold float64
		want      bool
	}{
		{20, "no action", 0, false},
		{20, "greylist", 0, false},
		{20, "soft reject", 0, false},
		{1, "add header", 0, true},
		{1, "rewrite subject", 0, true},
		{1, "quarantine", 0, true},
		{1, "discard", 0, true},
		{1, "reject", 0, true},
		{4.99, "reject", 5, false},
		{5, "no action", 5, true},
	} {
		if got := isSpam(c.score, c.action, c.threshold); got != c.want {
			t.Errorf("isSpam(%v, %q, %v) = %v", c.score, c.action, c.threshold, got)
		}
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]string{
		"R_SPF_ALLOW":                      {"pass", "none", "none"},
		"R_SPF_PLUSALL":                    {"pass", "none", "none"},
		"R_SPF_FAIL":                       {"fail", "none", "none"},
		"R_SPF_SOFTFAIL":                   {"softfail", "none", "none"},
		"R_SPF_NEUTRAL":                    {"neutral", "none", "none"},
		"R_SPF_NA":                         {"none", "none", "none"},
		"R_SPF_DNSFAIL":                    {"temperror", "none", "none"},
		"R_SPF_PERMFAIL":                   {"permerror", "none", "none"},
		"R_DKIM_ALLOW":                     {"none", "pass", "none"},
		"R_DKIM_REJECT":                    {"none", "fail", "none"},
		"R_DKIM_TEMPFAIL":                  {"none", "temperror", "none"},
		"R_DKIM_PERMFAIL":                  {"none", "permerror", "none"},
		"R_DKIM_NA":                        {"none", "none", "none"},
		"DMARC_POLICY_ALLOW":               {"none", "none", "pass"},
		"DMARC_POLICY_ALLOW_WITH_FAILURES": {"none", "none", "pass"},
		"DMARC_POLICY_REJECT":              {"none", "none", "fail"},
		"DMARC_POLICY_QUARANTINE":          {"none", "none", "fail"},
		"DMARC_POLICY_SOFTFAIL":            {"none", "none", "fail"},
		"DMARC_NA":                         {"none", "none", "none"},
		"DMARC_DNSFAIL":                    {"none", "none", "temperror"},
		"DMARC_BAD_POLICY":                 {"none", "none", "permerror"},
	} {
		a := answer{Symbols: map[string]symbol{name: {}}}.authentication()
		if got := [3]string{a.SPF.Result, a.DKIM.Result, a.DMARC.Result}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestOptions has the one call of Configure: what is registered is the program's.
func TestOptions(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`{}`:                "",
		`{"threshold":6.5}`: "",
		`{"threshold":-1}`:  "threshold: must be 0",
		`{"threshold":"6"}`: "threshold",
		`{"treshold":6}`:    "treshold",
	} {
		_, err := plugintest.Configure(t, options)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
	}
}

// TestRealAnswers reads the answers that a real rspamd gave.
func TestRealAnswers(t *testing.T) {
	t.Parallel()
	const folder = "../../../shared/servers/rspamd"
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("%s is missing", folder)
	}
	for name, want := range map[string]struct {
		spam             bool
		spf, dkim, dmarc string
		first            string
	}{
		"normal":         {false, "temperror", "none", "temperror", "HFILTER_FROMHOST_NORES_A_OR_MX"},
		"signed":         {false, "pass", "pass", "pass", "DMARC_POLICY_ALLOW"},
		"tampered":       {true, "fail", "fail", "fail", "VIOLATED_DIRECT_SPF"},
		"dupfrom":        {true, "fail", "fail", "none", "MULTIPLE_UNIQUE_HEADERS"},
		"gtube":          {true, "none", "none", "none", "GTUBE"},
		"gtube-add":      {true, "none", "none", "none", "GTUBE"},
		"gtube-rewrite":  {true, "none", "none", "none", "GTUBE"},
		"gtube-noaction": {false, "none", "none", "none", ""},
	} {
		text, err := os.ReadFile(filepath.Join(folder, name+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		s, err := mapAnswer(text, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		first := ""
		if len(s.Symbols) > 0 {
			first = s.Symbols[0].Name
		}
		a := s.Authentication
		if s.IsSpam != want.spam || a.SPF.Result != want.spf || a.DKIM.Result != want.dkim || a.DMARC.Result != want.dmarc || first != want.first {
			t.Errorf("%s: %+v, want %+v", name, s, want)
		}
	}
}

func FuzzMapAnswer(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, 0.0)
	}
	f.Add([]byte(`{"score":1,"action":"","symbols":{"A":null}}`), 1.5)
	f.Fuzz(func(t *testing.T, text []byte, threshold float64) {
		s, err := mapAnswer(text, threshold)
		if err != nil {
			return
		}
		again, _ := mapAnswer(text, threshold)
		x, err := json.Marshal(s)
		if threshold-threshold != 0 { // not a number, which JSON and so the options do not have
			return
		}
		y, _ := json.Marshal(again)
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%v: %s and %s", err, x, y)
		}
	})
}
