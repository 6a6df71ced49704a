package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
)

var update = flag.Bool("update", false, "write the golden file of what --json prints anew")

// listed is what the verbs "list" print as JSON, page after page.
type listed struct {
	Deliveries []admin.Delivery `json:"deliveries"`
	Next       string           `json:"next,omitempty"`
}

// printed is by verb what --json prints. Those of live ask a running gateway, and keep the rules of
// its answers.
func printed() (live, others map[string]any) {
	live = map[string]any{"message list": listed{}, "quarantine list": listed{}, "message count": admin.CountList{}, "queue stats": admin.QueueStats{}}
	live["events list"], live["account list"], live["account show"], live["account test"] = listed{}, admin.AccountList{}, admin.Account{}, admin.AccountTest{}
	for _, verb := range []string{"account add", "account update", "account remove", "account disable", "account enable"} {
		live[verb] = admin.AccountAnswer{}
	}
	for _, verb := range []string{"message show", "quarantine show", "events show"} {
		live[verb] = shownMessage{}
	}
	for _, verb := range []string{"message resend", "message reprocess", "message delete", "events resend", "queue retry", "queue drop", "quarantine release", "quarantine delete"} {
		live[verb] = actReport{}
	}
	for _, verb := range []string{"queue pause", "queue resume"} {
		live[verb] = admin.Paused{}
	}
	others = map[string]any{
		"verify": maintenance.Report{}, "restore": maintenance.Report{}, "backup": maintenance.Manifest{}, // and the folder
		"store copy": maintenance.Copied{}, "migrate": migrated{},
		"check": checkResult{}, "send": sendResult{}, "version": versionInfo{},
		"plugin inspect": inspected{}, "plugin attack": attacked{}, "plugin bench": benched{}, "plugin build": built{}, "plugin compile": compiled{}, "plugin diff": pluginDiff{},
		"plugin new": begun{}, "plugin run": ran{}, "plugin test": tested{}, "plugin shadow-report": shadowReport{},
	}
	return live, others
}

// shape lists the members of a type's JSON, a line for each with its path. One with a
// question mark is left out where it has no value.
func shape(t reflect.Type, path string, lines *[]string) {
	if t == reflect.TypeFor[admin.Time]() || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[json.RawMessage]() {
		*lines = append(*lines, path+" "+t.String())
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		shape(t.Elem(), path+" *", lines)
	case reflect.Slice:
		shape(t.Elem(), path+"[]", lines)
	case reflect.Map:
		shape(t.Elem(), path+"{}", lines)
	case reflect.Struct:
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "-" || f.PkgPath != "" && !f.Anonymous:
			case f.Anonymous && name == "":
				shape(f.Type, path, lines)
			default:
				if options != "" {
					name += "?"
				}
				shape(f.Type, strings.TrimPrefix(path+"."+name, "."), lines)
			}
		}
	default:
		*lines = append(*lines, path+" "+t.Kind().String())
	}
}

// TestJSONShapes pins what programs read of every verb.
func TestJSONShapes(t *testing.T) {
	t.Parallel()
	live, others := printed()
	var b strings.Builder
	all := maps.Clone(live)
	maps.Copy(all, others)
	for _, verb := range slices.Sorted(maps.Keys(all)) {
		var lines []string
		shape(reflect.TypeOf(all[verb]), "", &lines)
		fmt.Fprintf(&b, "%s\n\t%s\n", verb, strings.Join(lines, "\n\t"))
	}
	golden := filepath.Join("testdata", "json.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("what --json prints has changed (-want +got); go test -run TestJSONShapes -update where it is meant to:\n%s", diff)
	}
	for _, cmd := range commands(newRoot()) {
		verb := strings.TrimPrefix(cmd.CommandPath(), "postern ")
		if _, known := all[verb]; known != (cmd.Flags().Lookup("json") != nil) {
			t.Errorf("%s: --json and this test do not agree whether there is one", verb)
		}
	}
}

// TestJSONRules holds that what a running gateway says has one form for times and for what is not
// there, and that no name is a list's here and a number's there.
func TestJSONRules(t *testing.T) {
	t.Parallel()
	live, _ := printed()
	lists := make(map[string]string)
	line := regexp.MustCompile(`^[a-z][a-z0-9_]*(\?|\[\]|\{\})*(\.[a-z][a-z0-9_]*(\?|\[\]|\{\})*)* [^ ]+$`)
	for verb, v := range live {
		var lines []string
		shape(reflect.TypeOf(v), "", &lines)
		for _, l := range lines {
			path, kind, _ := strings.Cut(l, " ")
			switch {
			case !line.MatchString(l): // as by a pointer, which null stands for
				t.Errorf("%s: %s is not in snake_case, or may be null", verb, l)
			case kind == "time.Time":
				t.Errorf("%s: %s has another form than admin.Time", verb, l)
			}
			for part := range strings.SplitSeq(path, ".") {
				name := strings.TrimRight(part, "?[]{}")
				list := strings.TrimPrefix(strings.TrimPrefix(part, name), "?")
				if other, seen := lists[name]; seen && other != list {
					t.Errorf("%s: %s stands for a list in one place, and for something else in another", verb, l)
				}
				lists[name] = list
			}
		}
	}
	moment := time.Date(2026, 2, 12, 11, 30, 2, 999_999, time.FixedZone("", 3600))
	text, err := json.Marshal(admin.Attempt{Number: 1, At: admin.Time{Time: moment}})
	if want := `{"number":1,"at":"2026-02-12T10:30:02.000Z","duration_ms":0}`; string(text) != want || err != nil {
		t.Errorf("an attempt is %s, %v; want %s", text, err, want)
	}
}

// TestJSONPages holds that pages are printed as the one text that they stand for.
func TestJSONPages(t *testing.T) {
	t.Parallel()
	a, b := admin.Delivery{ID: "msg_1_1", State: mail.Queued}, admin.Delivery{ID: "msg_2_1", State: mail.Failed}
	for _, pages := range [][]admin.DeliveryList{
		{{}},
		{{Deliveries: []admin.Delivery{a, b}}},
		{{}, {Deliveries: []admin.Delivery{a}, Next: "not the last"}, {Deliveries: []admin.Delivery{b}, Next: "next"}},
	} {
		want := listed{Deliveries: []admin.Delivery{}}
		var out strings.Builder
		show := printJSONPage(&out)
		for i, page := range pages {
			want.Deliveries, want.Next = append(want.Deliveries, page.Deliveries...), page.Next
			if err := show(page, i == len(pages)-1); err != nil {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(want)
		if got := strings.TrimSuffix(out.String(), "\n"); err != nil || got != string(text) {
			t.Errorf("printed %s, %v; want %s", got, err, text)
		}
	}
}
