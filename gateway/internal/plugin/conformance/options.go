package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// unknownOption is a name that no plugin has an option of.
const unknownOption = "postern_attack"

// maxOptionsTried bounds how many members of the options are put to the test: the plugin
// is loaded for each of their values.
const maxOptionsTried = 8

// oddOptions makes variants of a plugin's options.
func oddOptions(options []byte) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(options, &object) != nil || object == nil {
		object = map[string]json.RawMessage{}
	}
	with := func(name, value string) string {
		changed := maps.Clone(object)
		changed[name] = json.RawMessage(value)
		text, err := json.Marshal(changed)
		if err != nil {
			return `{}` // it is tried anyway
		}
		return string(text)
	}
	list := []string{`{}`, with(unknownOption, `1`), with(unknownOption, strings.Repeat("[", 500)+strings.Repeat("]", 500))}
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i == maxOptionsTried {
			break
		}
		for _, value := range []string{`null`, `-1e300`, `[{}]`, `{"":{}}`, `"` + strings.Repeat("x", 100_000) + `"`} {
			list = append(list, with(name, value))
		}
	}
	return slices.Compact(list)
}

// tryOptions configures the plugin with options that are wrong. It may take or refuse
// them, and is to do so by itself.
func (a *attack) tryOptions(ctx context.Context) Check {
	var traps []string
	refused, tried, silent := 0, 0, false
	c := Check{Result: Pass}
	list := oddOptions(a.Config.Options)
	for i, options := range list {
		if a.over(ctx) {
			c.Incomplete = true
			break
		}
		a.Progress("options", i, len(list))
		cfg := a.Config
		cfg.Options = []byte(options)
		tried++
		r, err := a.Load(ctx, cfg)
		if err == nil {
			a.close(ctx, r)
			silent = silent || i == 1
			continue
		}
		if _, ok := errors.AsType[*plugin.GuestError](err); ok {
			refused++
			continue
		}
		traps = append(traps, fmt.Sprintf("%.80s: %v", options, err))
	}
	c.Found = fmt.Sprintf("%d sets of odd options: %d were taken, %d refused, %d ended in a trap", tried, tried-refused-len(traps), refused, len(traps))
	switch {
	case len(traps) > 0:
		c.Result, c.Details = Fail, bounded(traps)
		c.Advice = "return an error that says which option is wrong, and how it is to be: the operator reads it when the gateway starts"
	case silent:
		c.Result = Warn
		c.Details = []string{"an option that nobody knows was taken without a word"}
		c.Advice = "refuse options that you do not know: who mistypes one is not told otherwise"
	}
	return c
}
