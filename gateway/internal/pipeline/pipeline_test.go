package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// stage is a plugin of a test's making. It takes a second, and writes its name at
// the end of the list "/ran".
type stage struct {
	name   string
	result plugin.Result
	err    error
}

func (s stage) Run(_ context.Context, _ plugin.Mail, doc *document.Document) (plugin.Result, error) {
	time.Sleep(time.Second)
	if s.err != nil {
		return plugin.Result{Document: doc, Verdict: plugin.Continue, Log: s.result.Log, Duration: time.Second}, s.err
	}
	e := doc.Edit(document.Scope{Write: []document.Pointer{{"ran"}}}, 100)
	if err := e.Set("/ran/-", []byte(`"`+s.name+`"`)); err != nil {
		return plugin.Result{}, err
	}
	res := s.result
	res.Document, res.Duration = e.Document(), time.Second
	if res.Verdict == "" {
		res.Verdict = plugin.Continue
	}
	return res, nil
}

func chain(stages ...pipeline.Stage) []pipeline.Stage { return stages }

func good(name string) pipeline.Stage {
	return pipeline.Stage{Name: name, Plugin: stage{name: name}, OnError: pipeline.Skip}
}

func bad(name string, p pipeline.Policy) pipeline.Stage {
	return pipeline.Stage{Name: name, OnError: p, Plugin: stage{name: name, err: errors.New("it broke"), result: plugin.Result{
		Log: []plugin.Line{{Level: "warn", Message: "careful", Fields: [][2]string{{"n", "1\n2"}}}},
	}}}
}

func says(name string, v plugin.Verdict) pipeline.Stage {
	return pipeline.Stage{Name: name, OnError: pipeline.Skip, Plugin: stage{name: name, result: plugin.Result{Verdict: v, Reason: "because"}}}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stages  []pipeline.Stage
		ran     string
		verdict pipeline.Verdict
		reason  string
		steps   int
	}{
		"none":                   {nil, ``, pipeline.Deliver, "", 0},
		"order":                  {chain(good("b"), good("a"), good("c")), `"b","a","c"`, pipeline.Deliver, "", 3},
		"skip":                   {chain(good("a"), bad("b", pipeline.Skip), good("c")), `"a","c"`, pipeline.Deliver, "", 3},
		"retry":                  {chain(good("a"), bad("b", pipeline.Retry), good("c")), `"a"`, pipeline.TryAgain, "plugin b: it broke", 2},
		"quarantine":             {chain(bad("b", pipeline.Quarantine), good("c")), ``, pipeline.Quarantined, "plugin b: it broke", 1},
		"no policy":              {chain(bad("b", ""), good("c")), `"c"`, pipeline.Deliver, "", 2},
		"drop":                   {chain(says("b", plugin.Drop), good("c")), `"b"`, pipeline.Dropped, "plugin b: because", 1},
		"released":               {pipeline.Released(chain(good("a"), says("b", plugin.Quarantine), bad("c", pipeline.Quarantine), good("d"))), `"a","b","d"`, pipeline.Deliver, "", 4},
		"drop, though released":  {pipeline.Released(chain(says("b", plugin.Drop), good("c"))), `"b"`, pipeline.Dropped, "plugin b: because", 1},
		"retry, though released": {pipeline.Released(chain(bad("b", pipeline.Retry), good("c"))), ``, pipeline.TryAgain, "plugin b: it broke", 1},
		"hold":                   {chain(good("a"), says("b", plugin.Quarantine)), `"a","b"`, pipeline.Quarantined, "plugin b: because", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := &document.Document{Root: document.Object(document.Member{Name: "ran", Value: document.Array()})}
			synctest.Test(t, func(t *testing.T) {
				out := pipeline.Run(t.Context(), tc.stages, plugin.Mail{}, doc)
				var b strings.Builder
				if err := out.Document.Encode(&b, nil); err != nil {
					t.Fatal(err)
				}
				if want := `{"ran":[` + tc.ran + `]}`; b.String() != want || out.Verdict != tc.verdict || out.Reason != tc.reason || len(out.Steps) != tc.steps {
					t.Errorf("outcome = %s, %s, %q, %d steps; want %s, %s, %q, %d", b.String(), out.Verdict, out.Reason, len(out.Steps), want, tc.verdict, tc.reason, tc.steps)
				}
			})
		})
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	doc := &document.Document{Root: document.Object(document.Member{Name: "ran", Value: document.Array()})}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out := pipeline.Run(t.Context(), chain(good("a"), bad("b", pipeline.Skip), says("c", plugin.Drop)), plugin.Mail{}, doc)
		want := []mail.Step{
			{At: began, Name: "stage a", Duration: time.Second},
			{At: began.Add(time.Second), Name: "stage b", Duration: time.Second, Verdict: "skip", Error: "it broke", Log: []string{`warn: careful  n="1\n2"`}},
			{At: began.Add(2 * time.Second), Name: "stage c", Duration: time.Second, Verdict: "drop"},
		}
		if diff := cmp.Diff(want, out.Steps); diff != "" {
			t.Error(diff)
		}
	})
}
