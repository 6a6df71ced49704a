package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// scansPermission is the interface without which scanners' reports are out of reach.
const scansPermission = "scans"

// maxAnswer is how long a scanner's answer can be, in octets.
const maxAnswer = 256 << 10

// oddReports are what a scanner may have said. What a spam scanner tells of a mail quotes
// it, so that much of it is a stranger's.
type oddReports struct {
	name string
	list []mail.Report
}

func rspamdSays(answer string) []mail.Report {
	return []mail.Report{{Engine: mail.Rspamd, Part: mail.WholeMail, Answer: []byte(answer)}}
}

// symbols makes an answer of about that size.
func symbols(octets int) string {
	const one = `"SYMBOL_%06d":{"name":"SYMBOL_%06d","score":0.1,"metric_score":0.1,"options":["x.example","y"]}`
	var b strings.Builder
	b.WriteString(`{"action":"no action","score":1.5,"required_score":15,"messages":{},"symbols":{`)
	for i := range octets / len(one) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, one, i, i)
	}
	return b.String() + "}}"
}

// answered makes an answer of one symbol, or of what stands in its place.
func answered(symbols string) string {
	return `{"action":"no action","score":1.5,"required_score":15,"messages":{},"symbols":` + symbols + `}`
}

// usualReports are those of an ordinary mail.
func usualReports() []mail.Report { return rspamdSays(symbols(2 << 10)) }

func allOddReports() []oddReports {
	list := []oddReports{
		{"no report", nil},
		{"an empty answer", rspamdSays(`{}`)},
		{"an answer of 250 KiB", rspamdSays(symbols(maxAnswer - 6<<10))},
		{"a symbol of hostile text", rspamdSays(answered(`{"A":{"name":"\u0000\u001b[2J","score":1,"options":["\u202e","` + strings.Repeat("x", 100_000) + `","</script>"]}}`))},
		{"a score beyond numbers", rspamdSays(strings.Replace(answered(`{}`), "1.5", "1e400", 1))},
		{"a symbol of other kinds", rspamdSays(answered(`{"A":7,"B":null,"C":[],"D":{"score":"x","options":7},"E":{"options":[{},null,7]}}`))},
		{"nested 5,000 deep", rspamdSays(answered(strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000)))},
		{"an engine that nobody knows", []mail.Report{{Engine: "\u202eenigne", Part: mail.WholeMail, Answer: []byte(`{"verdict":"yes"}`)}}},
		{"reports about parts that are not there", []mail.Report{
			{Engine: mail.ClamAV, Part: 4_000_000, Answer: []byte(`{"status":"infected","signature":"X"}`)}, {Engine: mail.ClamAV, Part: 0, Answer: []byte(`{}`)},
		}},
		{"the same engine twice", append(rspamdSays(answered(`{}`)), rspamdSays(`{"score":"other"}`)...)},
	}
	many := oddReports{name: "1,000 reports"}
	for i := range 1_000 {
		many.list = append(many.list, mail.Report{Engine: mail.ClamAV, Part: i, Answer: []byte(`{"status":"clean"}`)})
	}
	list = append(list, many)
	for _, value := range oddValues() {
		list = append(list,
			oddReports{"the answer " + value, rspamdSays(value)},
			oddReports{"symbols " + value, rspamdSays(answered(value))})
		for _, member := range []string{`"no action"`, "1.5", "15"} {
			list = append(list, oddReports{member + " replaced by " + value, rspamdSays(strings.Replace(answered(`{}`), member, value, 1))})
		}
	}
	return list
}

// tryScans runs the plugin on what a scanner may have said of the ordinary mail.
func (a *attack) tryScans(ctx context.Context) Check {
	switch {
	case !slices.Contains(a.runner.Permissions(), scansPermission):
		return Check{Result: Skip, Found: "it does not ask for scanners' reports"}
	case a.ordinary == nil:
		return Check{Result: Skip, Found: "the ordinary mail was not tried"}
	}
	c := Check{Result: Pass}
	var traps []string
	list := allOddReports()
	tried := 0
	try := func(name string, reports []mail.Report) outcome {
		s := sample{name: name, mail: a.ordinary.mail, document: a.ordinary.document}
		s.mail.Scans = reports
		return a.run(ctx, a.runner, &s)
	}
	for i, odd := range list {
		if a.over(ctx) {
			c.Incomplete = true
			break
		}
		a.Progress("scans", i, len(list))
		tried++
		if o := try(odd.name, odd.list); o.end == stopped {
			traps = append(traps, fmt.Sprintf("%s: %s", odd.name, o.failure))
		}
	}
	c.Found = fmt.Sprintf("%d reports of scanners that are odd: %d runs were stopped", tried, len(traps))
	if len(traps) > 0 {
		c.Result, c.Details = Fail, bounded(traps)
		c.Advice = "check what a report says before it is used: it quotes the mail, and each engine has a form of its own"
		return c
	}
	if a.over(ctx) {
		return c
	}
	base, small, large := try("", nil), try("", rspamdSays(symbols(maxAnswer/8))), try("", rspamdSays(symbols(maxAnswer/2)))
	if small.end == well && large.end == well && large.fuel-base.fuel > noGrowthUnits {
		e := exponent(float64(small.fuel-base.fuel), float64(large.fuel-base.fuel), 4)
		c.Found += fmt.Sprintf("; fuel grows by the size of the report to the power of %.2f", e)
		switch {
		case e > tooFastGrowth:
			c.Result = Fail
		case e > fastGrowth:
			c.Result = Warn
		}
		if c.Result != Pass {
			c.Advice = "look for a loop within a loop over the report: a stranger's mail says how many symbols it has"
		}
	}
	return c
}
