package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// kinds are the five types, in the order of the tables.
var kinds = []string{"normal", "transactional", "marketing", "notification", "automated"}

// half is how the classifier does on a half of the labelled mails.
type half struct {
	confusion map[string]map[string]int // by label, then by what the classifier says
	mistakes  []string
}

// precision is the share of the mails called kind that are of it.
func (h half) precision(kind string) float64 {
	called := 0
	for _, label := range kinds {
		called += h.confusion[label][kind]
	}
	return share(h.confusion[kind][kind], called)
}

// recall is the share of the mails of a kind that are called so.
func (h half) recall(kind string) float64 {
	return share(h.confusion[kind][kind], h.count(kind))
}

func (h half) count(label string) int {
	n := 0
	for _, kind := range kinds {
		n += h.confusion[label][kind]
	}
	return n
}

func (h half) accuracy() float64 {
	right, all := 0, 0
	for _, kind := range kinds {
		right += h.confusion[kind][kind]
		all += h.count(kind)
	}
	return share(right, all)
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func (h half) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s", "label")
	for _, kind := range kinds {
		fmt.Fprintf(&b, " %13s", kind)
	}
	fmt.Fprintf(&b, " %9s %6s\n", "precision", "recall")
	for _, label := range kinds {
		fmt.Fprintf(&b, "%-14s", label)
		for _, kind := range kinds {
			fmt.Fprintf(&b, " %13d", h.confusion[label][kind])
		}
		fmt.Fprintf(&b, " %9.3f %6.3f\n", h.precision(label), h.recall(label))
	}
	fmt.Fprintf(&b, "accuracy %.3f", h.accuracy())
	return b.String()
}

// classifyHalf classifies the mails of a folder, whose names begin with their
// labels.
func classifyHalf(t *testing.T, folder string) half {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no mails in %s: %v", folder, err)
	}
	h := half{confusion: map[string]map[string]int{}}
	for _, kind := range kinds {
		h.confusion[kind] = map[string]int{}
	}
	for _, file := range files {
		name := filepath.Base(file)
		label, _, _ := strings.Cut(name, "-")
		if h.confusion[label] == nil {
			t.Fatalf("%s: no such type", file)
		}
		c := Classify(readEML(t, file))
		h.confusion[label][c.Type]++
		if c.Type != label {
			h.mistakes = append(h.mistakes, fmt.Sprintf("%s: %s, %s, by %s", name, c.Type, c.Confidence, strings.Join(c.Signals, " ")))
		}
	}
	return h
}

// floor is what precision and recall of a type may not fall below.
type floor struct{ precision, recall float64 }

// TestLabelled holds how well the classifier does on the labelled mails. Of the
// half that is held back only the sums may be read, so only tune lists mistakes.
func TestLabelled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder   string
		mistakes bool
		floors   map[string]floor
	}{
		{"tune", true, map[string]floor{
			"normal": {0.95, 0.95}, "transactional": {0.95, 0.95}, "marketing": {0.95, 0.95}, "notification": {0.95, 0.95}, "automated": {0.95, 0.95},
		}},
		{"held", false, map[string]floor{
			"normal": {0.82, 0.95}, "transactional": {0.76, 0.82}, "marketing": {0.85, 0.73}, "notification": {0.90, 0.82}, "automated": {0.95, 0.91},
		}},
	} {
		t.Run(c.folder, func(t *testing.T) {
			t.Parallel()
			h := classifyHalf(t, filepath.Join("testdata", "labelled", c.folder))
			t.Logf("%s\n%s", c.folder, h)
			if c.mistakes {
				t.Logf("mistakes:\n%s", strings.Join(h.mistakes, "\n"))
			}
			if len(c.floors) != len(kinds) {
				t.Errorf("%d types have floors", len(c.floors))
			}
			for _, kind := range kinds {
				if p := h.precision(kind); p < c.floors[kind].precision {
					t.Errorf("precision of %s is %.3f, below %.3f", kind, p, c.floors[kind].precision)
				}
				if r := h.recall(kind); r < c.floors[kind].recall {
					t.Errorf("recall of %s is %.3f, below %.3f", kind, r, c.floors[kind].recall)
				}
			}
		})
	}
}
