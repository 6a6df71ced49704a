package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

const engine = "rspamd"

// Section is the section spam of the payload.
type Section struct {
	Score float64 `json:"score"`
	// Action is what the gateway did with the mail, EngineAction what rspamd asked
	// for: a mail that rspamd would reject may have been tagged by policy.
	Action         string         `json:"action"`
	EngineAction   string         `json:"engineAction"`
	Engine         string         `json:"engine"`
	IsSpam         bool           `json:"isSpam"`
	Symbols        []Symbol       `json:"symbols"`
	Threshold      float64        `json:"threshold"`
	Authentication Authentication `json:"authentication"`
}

// Symbol is a rule of rspamd that matched.
type Symbol struct {
	Name        string  `json:"name"`
	Weight      float64 `json:"weight"`
	Description string  `json:"description"`
}

// Authentication has the results of the three methods in the words of RFC 8601.
type Authentication struct {
	SPF   Result `json:"spf"`
	DKIM  Result `json:"dkim"`
	DMARC Result `json:"dmarc"`
}

// Result is the result of one method.
type Result struct {
	Result string `json:"result"`
}

// answer is what is read of rspamd's answer to /checkv2. Pointers tell what is
// missing from what is 0.
type answer struct {
	Score         *float64          `json:"score"`
	Action        *string           `json:"action"`
	Symbols       map[string]symbol `json:"symbols"`
	Error         string            `json:"error"`
	GatewayAction *string           `json:"gateway_action"` // the gateway's addition
}

type symbol struct {
	// Score is what the symbol came to in this mail; rspamd's metric_score is what
	// it is worth in general, which a group's limit may have cut.
	Score   *float64 `json:"score"`
	Options []string `json:"options"`
}

// mapAnswer maps rspamd's answer to the section.
func mapAnswer(text []byte, threshold float64) (Section, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return Section{}, fmt.Errorf("rspamd's answer: %w", err)
	}
	if err := a.check(); err != nil {
		return Section{}, fmt.Errorf("rspamd's answer: %w", err)
	}
	s := Section{
		Score: *a.Score, Action: "default", EngineAction: *a.Action, Engine: engine,
		IsSpam: isSpam(*a.Score, *a.Action, threshold), Symbols: a.symbols(), Threshold: threshold,
		Authentication: a.authentication(),
	}
	if a.GatewayAction != nil {
		s.Action = *a.GatewayAction
	}
	return s, nil
}

// check names the first thing that is wrong with an answer.
func (a answer) check() error {
	switch {
	case a.Error != "":
		return fmt.Errorf("error: %q", a.Error)
	case a.Score == nil:
		return errors.New("score is missing")
	case a.Action == nil:
		return errors.New("action is missing")
	case a.Symbols == nil:
		return errors.New("symbols are missing")
	case a.GatewayAction != nil && !gatewayAction(*a.GatewayAction):
		return fmt.Errorf("gateway_action: %q is none of default, tag, quarantine, defer, reject", *a.GatewayAction)
	}
	// In the order of names, so that the same answer gives the same error.
	for _, name := range slices.Sorted(maps.Keys(a.Symbols)) {
		if a.Symbols[name].Score == nil {
			return fmt.Errorf("symbol %q: score is missing", name)
		}
	}
	return nil
}

func gatewayAction(action string) bool {
	switch action {
	case "default", "tag", "quarantine", "defer", "reject":
		return true
	}
	return false
}

// isSpam decides by the score where there is a threshold, else by what rspamd
// asked for. Greylisting and soft reject ask the sender to come back, and say
// nothing yet.
func isSpam(score float64, action string, threshold float64) bool {
	if threshold > 0 {
		return score >= threshold
	}
	switch action {
	case "add header", "rewrite subject", "quarantine", "discard", "reject":
		return true
	}
	return false
}

// symbols lists the symbols, those that decided first. The ones that weigh
// nothing are kept: some, like GTUBE, are the whole reason of an action.
func (a answer) symbols() []Symbol {
	list := make([]Symbol, 0, len(a.Symbols)) // never null in JSON
	for name, s := range a.Symbols {
		list = append(list, Symbol{Name: name, Weight: *s.Score, Description: strings.Join(s.Options, ",")})
	}
	slices.SortFunc(list, func(x, y Symbol) int {
		return cmp.Or(cmp.Compare(math.Abs(y.Weight), math.Abs(x.Weight)), cmp.Compare(x.Name, y.Name))
	})
	return list
}

// meaning is what a symbol says of an authentication method.
type meaning struct{ symbol, result string }

// authentication reads the results from the symbols that rspamd sets. In each
// list the worst stands first, and the first that is there is taken.
func (a answer) authentication() Authentication {
	return Authentication{
		SPF: a.result([]meaning{
			{"R_SPF_FAIL", "fail"},
			{"R_SPF_SOFTFAIL", "softfail"},
			{"R_SPF_PERMFAIL", "permerror"},
			{"R_SPF_DNSFAIL", "temperror"},
			{"R_SPF_NEUTRAL", "neutral"},
			{"R_SPF_NA", "none"},
			{"R_SPF_PLUSALL", "pass"},
			{"R_SPF_ALLOW", "pass"},
		}),
		DKIM: a.result([]meaning{
			{"R_DKIM_REJECT", "fail"},
			{"R_DKIM_PERMFAIL", "permerror"},
			{"R_DKIM_TEMPFAIL", "temperror"},
			{"R_DKIM_NA", "none"},
			{"R_DKIM_ALLOW", "pass"},
		}),
		DMARC: a.result([]meaning{
			{"DMARC_POLICY_REJECT", "fail"},
			{"DMARC_POLICY_QUARANTINE", "fail"},
			{"DMARC_POLICY_SOFTFAIL", "fail"}, // failed, under a policy of p=none
			{"DMARC_BAD_POLICY", "permerror"},
			{"DMARC_DNSFAIL", "temperror"},
			{"DMARC_NA", "none"},
			{"DMARC_POLICY_ALLOW_WITH_FAILURES", "pass"},
			{"DMARC_POLICY_ALLOW", "pass"},
		}),
	}
}

// result is none where rspamd says nothing, as it does where it skips the checks:
// the section's shape is always the same.
func (a answer) result(meanings []meaning) Result {
	for _, m := range meanings {
		if _, ok := a.Symbols[m.symbol]; ok {
			return Result{m.result}
		}
	}
	return Result{"none"}
}
