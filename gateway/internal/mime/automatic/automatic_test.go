package automatic

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKind(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]Kind{
		"Auto-Submitted: auto-replied":                  Reply,
		"AUTO-SUBMITTED: Auto-Replied; type=vacation":   Reply,
		"Auto-Submitted: auto-generated (by a program)": Generated,
		"Auto-Submitted: auto-notified; owner-email=x":  Generated,
		"Auto-Submitted: something-new":                 Generated,
		"Auto-Submitted: no":                            "",
		"Auto-Submitted: No (a person)":                 "",
		"Auto-Submitted: ":                              "",
		"Precedence: auto_reply":                        Reply,
		"Precedence: BULK":                              Bulk,
		"Precedence: junk":                              Bulk,
		"Precedence: list":                              List,
		"Precedence: first-class":                       "",
		"X-Auto-Response-Suppress: All":                 Generated,
		"X-Auto-Response-Suppress: OOF, AutoReply":      Generated,
		"X-Auto-Response-Suppress: None":                "",
		"X-Autoreply: yes":                              Reply,
		"X-Autorespond: ":                               Reply,
		"X-Autoreply: no":                               "",
		"List-Id: <news.acme.test>":                     List,
		"Content-Type: Multipart/Report; boundary=b":    Generated,
		"Content-Type: multipart/reporting":             "",
		"Subject: Out of office":                        "",
	} {
		var d Detector
		name, value, _ := strings.Cut(field, ": ")
		d.Add(name, value)
		got := d.Mail()
		if want == "" {
			if got != nil {
				t.Errorf("%s: %+v, want nothing", field, got)
			}
			continue
		}
		if diff := cmp.Diff(&Mail{Kind: want, Signs: []string{field}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
}

func TestTheMostTellingFieldCounts(t *testing.T) {
	t.Parallel()
	var d Detector
	for _, f := range []string{"bulk", "list", "bulk", "auto_reply", "first-class", "list"} {
		d.Add("Precedence", f)
	}
	want := &Mail{Kind: Reply, Signs: []string{"Precedence: bulk", "Precedence: list", "Precedence: auto_reply"}}
	if diff := cmp.Diff(want, d.Mail()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSignsAreBounded(t *testing.T) {
	t.Parallel()
	var d Detector
	for i := range 1000 {
		d.Add("List-Id", strconv.Itoa(i)+strings.Repeat("ä", 1000))
	}
	m := d.Mail()
	if len(m.Signs) != maxSigns || len(m.Signs[0]) > len("List-Id: ")+maxValue {
		t.Errorf("%d signs, the first of %d octets", len(m.Signs), len(m.Signs[0]))
	}
}
