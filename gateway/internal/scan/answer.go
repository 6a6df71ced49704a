package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// maxAnswer is how long an answer may be when it is passed on.
	maxAnswer = 256 << 10
	// maxRawAnswer is how much of one is read. rspamd names up to 10,240 hosts and as
	// many addresses of a mail, 5 MiB if they are as long as can be: that must not
	// be a way past it.
	maxRawAnswer = 8 << 20
	// maxReading is how many answers are taken apart at the same time.
	maxReading = 4
	// maxDepth is how deep an answer may be nested; rspamd's are 4 deep.
	maxDepth = 32

	gatewayPrefix   = "gateway_" // of the members that the gateway adds
	truncatedMember = gatewayPrefix + "truncated"
)

// Action is what rspamd asks to be done with a mail, in its own word.
type Action string

// The actions of rspamd.
const (
	NoAction       Action = "no action"
	Greylist       Action = "greylist"
	AddHeader      Action = "add header"
	RewriteSubject Action = "rewrite subject"
	SoftReject     Action = "soft reject"
	Quarantine     Action = "quarantine"
	Discard        Action = "discard"
	Reject         Action = "reject"
)

func (a Action) known() bool {
	switch a {
	case NoAction, Greylist, AddHeader, RewriteSubject, SoftReject, Quarantine, Discard, Reject:
		return true
	}
	return false
}

// verdict is what is read of an answer. Pointers tell what is missing from what
// is 0.
type verdict struct {
	score, required *float64
	action          *Action
	symbols         map[string]symbol
}

type symbol struct {
	Score   *float64 `json:"score"`
	Options []string `json:"options"`
}

// members are those of a JSON object.
type members map[string]json.RawMessage

// readAnswer reads rspamd's answer to a scan into the report. It does not trust
// rspamd to write JSON of UTF-8: what it quotes of a mail may be anything.
// Errors hold nothing of the answer but the action.
func readAnswer(raw []byte, report *SpamReport) error {
	raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	if nesting(raw) > maxDepth {
		return fmt.Errorf("the answer is nested deeper than %d", maxDepth)
	}
	var m members
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return errors.New("the answer is no JSON object; is this rspamd's normal worker?")
	}
	v, err := m.verdict()
	if err != nil {
		return err
	}
	for name := range m {
		if strings.HasPrefix(name, gatewayPrefix) {
			delete(m, name) // it is not rspamd that speaks for the gateway
		}
	}
	text, err := m.fit()
	if err != nil {
		return err
	}
	report.Score, report.RequiredScore, report.Action, report.Answer = *v.score, *v.required, *v.action, text
	return nil
}

// verdict checks that the answer is one, and reads what the gateway needs.
func (m members) verdict() (verdict, error) {
	var v verdict
	for _, field := range []struct {
		name string
		into any
	}{
		{"score", &v.score},
		{"required_score", &v.required},
		{"action", &v.action},
		{"symbols", &v.symbols},
	} {
		// A missing member is empty, and one that is null leaves a nil.
		if raw := m[field.name]; len(raw) > 0 && json.Unmarshal(raw, field.into) != nil {
			return v, fmt.Errorf("%s of the answer has a wrong type", field.name)
		}
	}
	switch {
	case v.score == nil:
		return v, errors.New("the answer has no score")
	case v.required == nil:
		return v, errors.New("the answer has no required_score")
	case v.action == nil:
		return v, errors.New("the answer has no action")
	case !v.action.known():
		return v, fmt.Errorf("the action %q is none of rspamd's own; take it out of its configuration", printable(string(*v.action), 60))
	case v.symbols == nil:
		return v, errors.New("the answer has no symbols")
	}
	for _, s := range v.symbols {
		if s.Score == nil {
			return v, errors.New("a symbol of the answer has no score")
		}
	}
	return v, nil
}

// fit writes the answer within maxAnswer. Where there is too much, it leaves out
// first what others made long: the hosts and addresses of the mail, then
// everything but the verdict, then the symbols' options.
func (m members) fit() (json.RawMessage, error) {
	for _, shorten := range []func() error{
		func() error { return nil },
		func() error { m.drop("urls", "emails"); return nil },
		func() error { m.keep("is_skipped", "score", "required_score", "action", "symbols"); return nil },
		m.dropOptions,
	} {
		if err := shorten(); err != nil {
			return nil, err
		}
		if m.size() > maxAnswer { // before it is taken apart, which costs a multiple of it
			continue
		}
		if text, err := m.encode(); err != nil || len(text) <= maxAnswer {
			return text, err
		}
	}
	return nil, fmt.Errorf("the symbols of the answer take more than %d octets", maxAnswer)
}

// drop leaves members out, and marks that it did.
func (m members) drop(names ...string) {
	for _, name := range names {
		if _, ok := m[name]; ok {
			delete(m, name)
			m[truncatedMember] = json.RawMessage("true")
		}
	}
}

// keep leaves out all other members.
func (m members) keep(names ...string) {
	for name := range m {
		if name != truncatedMember && !slices.Contains(names, name) {
			m.drop(name)
		}
	}
}

// dropOptions leaves the symbols without what rspamd quotes of the mail.
func (m members) dropOptions() error {
	var symbols map[string]members
	if err := json.Unmarshal(m["symbols"], &symbols); err != nil {
		return fmt.Errorf("read the symbols: %w", err)
	}
	for _, s := range symbols {
		delete(s, "options")
	}
	text, err := json.Marshal(symbols)
	m["symbols"], m[truncatedMember] = text, json.RawMessage("true")
	return err
}

func (m members) size() int {
	size := 0
	for name, raw := range m {
		size += len(name) + len(raw)
	}
	return size
}

// encode writes the members anew, so that every reader reads the same: what
// stood twice stands once, and no number is too large for a float64.
func (m members) encode() (json.RawMessage, error) {
	values := make(map[string]any, len(m))
	for name, raw := range m {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber() // 1.50 stays 1.50
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		if !finite(value) {
			return nil, errors.New("a number of the answer is out of range")
		}
		values[name] = value
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(values); err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// finite reports whether all numbers within a value are.
func finite(value any) bool {
	switch value := value.(type) {
	case json.Number:
		f, err := value.Float64()
		return err == nil && !math.IsInf(f, 0)
	case []any:
		return !slices.ContainsFunc(value, func(item any) bool { return !finite(item) })
	case map[string]any:
		for _, item := range value {
			if !finite(item) {
				return false
			}
		}
	}
	return true
}

// nesting is how deep arrays and objects stand in each other. Of what is no JSON
// it gives some number.
func nesting(raw []byte) int {
	depth, deepest := 0, 0
	inString, escaped := false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped = c == '\\'
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
