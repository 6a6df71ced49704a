package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// payloadPermission is the interface without which a payload is out of reach.
const payloadPermission = "payload"

// oddValues are put where a plugin may count on another.
func oddValues() []string {
	return []string{
		`null`, `7`, `-1e300`, `""`, `"odd"`, `true`, `[]`, `{}`, `[[[[1]]]]`, `[null,7,"x",{}]`, `{"email":7,"name":[],"url":{},"text":null,"score":"x"}`,
	}
}

// oddPayload is a payload as a stage before may have left it.
type oddPayload struct {
	name     string
	document *document.Document
}

// oddPayloads makes variants of a document: each of its members gone, and each one of
// another kind. An earlier stage can fail and leave nothing, and one that may do so can
// leave anything.
func (a *attack) oddPayloads(doc *document.Document) []oddPayload {
	everywhere := document.Scope{Read: []document.Pointer{{}}, Write: []document.Pointer{{}}}
	places := members(doc)
	for _, p := range a.Config.Write {
		if s := p.String(); s != "" && !slices.Contains(places, s) {
			places = append(places, s)
		}
	}
	var list []oddPayload
	edit := func(name string, change func(*document.Editor) error) {
		e := doc.Edit(everywhere, maxOddEdit)
		if change(e) == nil { // not every place is to be had: some are the host's
			list = append(list, oddPayload{name, e.Document()})
		}
	}
	for _, at := range places {
		edit("without "+at, func(e *document.Editor) error { return e.Remove(at) })
		for _, value := range oddValues() {
			edit(at+" = "+value, func(e *document.Editor) error { return e.Set(at, []byte(value)) })
		}
	}
	edit("without all that can be taken away", func(e *document.Editor) error {
		for _, at := range places {
			_ = e.Remove(at) // it may be gone with another
		}
		return nil
	})
	return list
}

// maxOddEdit bounds one edit of a payload, in octets.
const maxOddEdit = 1 << 20

// members lists the JSON Pointers of a document's members down to the third level.
func members(doc *document.Document) []string {
	text, _, err := doc.Edit(document.Scope{Read: []document.Pointer{{}}}, 0).Get("")
	var root map[string]any
	if err != nil || json.Unmarshal([]byte(text), &root) != nil {
		return nil
	}
	var list []string
	var walk func(at string, v any, depth int)
	walk = func(at string, v any, depth int) {
		object, ok := v.(map[string]any)
		if !ok || depth == 0 {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			below := at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
			list = append(list, below)
			walk(below, object[name], depth-1)
		}
	}
	walk("", root, 3)
	return list
}

// tryPayloads runs the plugin on payloads of another shape than it may count on.
func (a *attack) tryPayloads(ctx context.Context) Check {
	if !slices.Contains(a.runner.Permissions(), payloadPermission) {
		return Check{Result: Skip, Found: "it does not ask for the payload"}
	}
	if a.ordinary == nil {
		return Check{Result: Skip, Found: "the ordinary mail was not tried"}
	}
	var traps []string
	list := a.oddPayloads(a.ordinary.document)
	tried, incomplete := 0, false
	for i, odd := range list {
		if a.over(ctx) {
			incomplete = true
			break
		}
		a.Progress("payloads", i, len(list))
		tried++
		s := sample{name: odd.name, mail: a.ordinary.mail, document: odd.document}
		if o := a.run(ctx, a.runner, &s); o.end == stopped {
			traps = append(traps, fmt.Sprintf("%s: %s", odd.name, o.failure))
		}
	}
	c := Check{
		Result: Pass, Incomplete: incomplete, Details: bounded(traps),
		Found: fmt.Sprintf("%d payloads that lack a member, or have one of another kind: %d runs were stopped", tried, len(traps)),
	}
	if len(traps) > 0 {
		c.Result = Fail
		c.Advice = "check what is found in the payload before it is used: a stage before may have failed, or have changed it"
	}
	return c
}

// tryGrants runs the plugin where it may read nothing of the payload, and where it may
// write elsewhere only.
func (a *attack) tryGrants(ctx context.Context) Check {
	if !slices.Contains(a.runner.Permissions(), payloadPermission) {
		return Check{Result: Skip, Found: "it does not ask for the payload"}
	}
	if len(a.samples) == 0 {
		return Check{Result: Skip, Found: "no mail was tried"}
	}
	elsewhere := []document.Pointer{{"postern-attack"}}
	variants := []struct {
		name    string
		change  func(*plugin.Config)
		silence bool // whether to end well is to hide that an edit was refused
	}{
		{"without a grant to read", func(cfg *plugin.Config) { cfg.Read = []document.Pointer{} }, false},
		{"without a grant to write where it does", func(cfg *plugin.Config) {
			if cfg.Read == nil {
				cfg.Read = cfg.Write
			}
			cfg.Write = elsewhere
		}, true},
	}
	c := Check{Result: Pass}
	runs, edits, incomplete := 0, 0, false
	var traps, silent []string
	for _, v := range variants {
		cfg := a.Config
		v.change(&cfg)
		r, err := a.Load(ctx, cfg)
		if err != nil {
			traps = append(traps, fmt.Sprintf("%s it does not load: %v", v.name, err))
			continue
		}
		for i := range a.samples {
			s := &a.samples[i]
			if a.over(ctx) {
				incomplete = true
				break
			}
			if s.end == stopped {
				continue
			}
			a.Progress("grants", i, len(a.samples))
			runs++
			if v.silence && s.end == well && s.edited {
				edits++
			}
			switch o := run(ctx, r, s.mail, s.document); {
			case o.late: // which it can be with its grants too
			case o.end == stopped:
				traps = append(traps, fmt.Sprintf("%s, %s: %s", v.name, s.name, o.failure))
			case o.end == well && v.silence && s.end == well && s.edited && !o.edited:
				silent = append(silent, fmt.Sprintf("%s, %s: it ended well and had set nothing", v.name, s.name))
			}
		}
		a.close(ctx, r)
	}
	c.Incomplete = incomplete
	c.Found = fmt.Sprintf("%d runs without grants that it counts on: %d were stopped, %d hid that an edit was refused", runs, len(traps), len(silent))
	if edits == 0 {
		c.Found += "; it changed no payload, so that no edit was refused"
	}
	switch {
	case len(traps) > 0:
		c.Result, c.Details = Fail, bounded(traps)
		c.Advice = "return the error of a call that is refused: its text tells the operator what to grant"
	case len(silent) > 0:
		c.Result, c.Details = Warn, bounded(silent)
		c.Advice = "return the error of Set and Remove: who forgets a grant sees nothing of it otherwise"
	}
	return c
}
