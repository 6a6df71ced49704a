package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// caseResult is what expected.json holds: what comes of a case.
type caseResult struct {
	Verdict plugin.Verdict `json:"verdict,omitempty"`
	Reason  *string        `json:"reason,omitempty"`
	Error   string         `json:"error,omitempty"`
	// Payload is what of the payload the plugin may change, after it has run.
	Payload json.RawMessage `json:"payload,omitempty"`
}

func readExpected(file string) (*caseResult, error) {
	text, err := readSmall(file, maxExpected)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is expected yet, which is not an error of reading
	}
	r := &caseResult{}
	if err == nil {
		err = decodeStrict(text, r)
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// check refuses what would be true of any run.
func (r *caseResult) check() error {
	switch {
	case r.Error != "" && (r.Verdict != "" || r.Reason != nil || r.Payload != nil):
		return errors.New("error stands alone: of a run that failed neither verdict nor payload stays")
	case r.Error != "":
	case r.Verdict == "" || r.Verdict == plugin.Continue:
		r.Verdict = plugin.Continue
		if r.Payload == nil {
			return errors.New(`it expects nothing: write "payload", "error", or another "verdict"`)
		}
	case r.Verdict != plugin.Drop && r.Verdict != plugin.Quarantine:
		return fmt.Errorf("there is no verdict %q; there are continue, drop, quarantine", r.Verdict)
	}
	return nil
}

// comparable leaves out of a result what is not expected of it: what a mail that is
// dropped or held looks like may be left open.
func (r caseResult) comparable(expected caseResult) caseResult {
	if expected.Verdict != plugin.Continue && r.Verdict == expected.Verdict {
		if expected.Payload == nil {
			r.Payload = nil
		}
		if expected.Reason == nil {
			r.Reason = nil
		}
	}
	return r
}

// encoded writes the result as it stands in its file.
func (r caseResult) encoded() (json.RawMessage, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return json.RawMessage(b.String()), err
}

// write puts the result into its file, whole or not at all.
func (r caseResult) write(file string) error {
	text, err := r.encoded()
	if err != nil {
		return err
	}
	return writeWhole(file, 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// cutTo leaves of a payload what is at or below these pointers. A list is left whole
// where one leads into it.
func cutTo(payload json.RawMessage, places []document.Pointer) json.RawMessage {
	whole := decoded(payload)
	var left any = map[string]any{}
	// What is above comes last, and replaces what is below.
	for _, p := range slices.SortedFunc(slices.Values(places), func(a, b document.Pointer) int { return len(b) - len(a) }) {
		left = graft(left, whole, p)
	}
	return json.RawMessage(encodedJSON(left))
}

// graft takes over into left what whole has at a pointer.
func graft(left, whole any, at document.Pointer) any {
	from, isObject := whole.(map[string]any)
	if len(at) == 0 || !isObject {
		return whole
	}
	value, found := from[at[0]]
	if !found {
		return left
	}
	to, ok := left.(map[string]any)
	if !ok {
		return left // it is there whole
	}
	below, ok := to[at[0]]
	if !ok {
		below = map[string]any{}
	}
	if len(at) > 1 {
		value = graft(below, value, at[1:])
	}
	to[at[0]] = value
	return to
}

// same reports whether a result is what is expected.
func (r caseResult) same(got caseResult) bool {
	want, errWant := r.encoded()
	have, errGot := got.comparable(r).encoded()
	return errWant == nil && errGot == nil && sameJSON(want, have)
}
