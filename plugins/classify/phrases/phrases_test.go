package phrases_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/plugins/classify/phrases"
	"github.com/postern-mail/postern/plugins/classify/phrases/lists"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "",
		" Your  ORDER,\u00a0l'été\n50%off": "your order l ete # % off ",
		"\xff\xfe ok":                      "ok ",
		"Straße, œuvre, Zażółć gęślą jaźń":              "strasse oeuvre zazolc gesla jazn ",
		"re\u0301c\u00ade\u200dption":                   "reception ",
		"1.234,50 EUR am 3.12. um 10:40":                "# eur am # um # ",
		"k9 und H2O, 2nd":                               "k9 und h2o # nd ",
		"E-Mail, e-mails, me-mail, e-shop, e- mail, E-": "email emails me mail e shop e mail e ",
		"№ 5582: nº 3":                                  "# n # ",
		"Заказ your":                                    "????? your ",
		"10 % - 20 %%":                                  "# % # % ",
		"×÷":                                            "",
	} {
		if got := phrases.Fold(text, 1000); got != want {
			t.Errorf("Fold(%q) = %q, want %q", text, got, want)
		}
	}
	if got := phrases.Fold(strings.Repeat("word ", 100), 12); got != "word word wo " {
		t.Errorf("it is cut to %q", got)
	}
}

// TestTable holds that the table is that of package lists.
func TestTable(t *testing.T) {
	t.Parallel()
	table, signals, err := phrases.Encode(lists.All())
	if err != nil {
		t.Fatal(err)
	}
	if table != phrases.Table {
		t.Error("table.go is not of these phrases: run go generate ./classify/phrases")
	}
	for i, s := range signals {
		if got := phrases.Signal(byte(i)); got != s {
			t.Errorf("signal %d is %s, want %s: run go generate ./classify/phrases", i, got, s)
		}
	}
}

// TestEveryPhrase finds each phrase by itself and among others.
func TestEveryPhrase(t *testing.T) {
	t.Parallel()
	count := 0
	for _, topic := range lists.All() {
		for _, p := range topic.Phrases {
			count++
			var alone, whole phrases.Hits
			alone.Find(topic.Scope, p)
			whole.Whole(topic.Scope, p)
			if alone.Count(topic.Signal) != 1 || whole.Count(topic.Signal) != 1 || !phrases.Contains(topic.Scope, "xyzzy "+p) {
				t.Errorf("%q does not give %s", p, topic.Signal)
			}
		}
	}
	if count < 1000 {
		t.Errorf("%d phrases", count)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"your order":                 1,
		"YOUR ORDER. Your order":     1, // the same phrase
		"your order, order number 7": 2,
		"your orders":                0, // whole words
		"flavour order":              0,
		"your":                       0,
		"":                           0,
		"thank you for your order":   1, // the longest, once
		"your order number":          1, // no two of the same words
	} {
		var h phrases.Hits
		h.Find(phrases.Anywhere, phrases.Fold(text, 1000))
		if got := h.Count("order_words"); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]int{"Re": 1, "AW": 1, "Re your order": 0, "": 0, "Red": 0} {
		var h phrases.Hits
		h.Whole(phrases.Label, phrases.Fold(label, 1000))
		if got := h.Count("reply_subject"); got != want {
			t.Errorf("%q: %d, want %d", label, got, want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		phrase, want string
	}{
		{"your order ", "is a phrase of a and of b"},
		{"Your Bill ", "never matches"},
		{"two  words ", "never matches"},
		{"", "never matches"},
	} {
		_, _, err := phrases.Encode([]phrases.Topic{
			{Scope: phrases.Anywhere, Signal: "a", Phrases: []string{"your order "}},
			{Scope: phrases.Anywhere, Signal: "b", Phrases: []string{c.phrase}},
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.phrase, err, c.want)
		}
	}
}

// FuzzFind compares the table with a plain search of the lists.
func FuzzFind(f *testing.F) {
	type place struct {
		topic  int
		phrase string
	}
	all := map[string]place{}
	longest := 0
	topics := lists.All()
	for i, topic := range topics {
		if topic.Scope == phrases.Anywhere {
			for _, p := range topic.Phrases {
				all[p] = place{i, p}
				longest = max(longest, len(p))
			}
			f.Add(strings.Join(topic.Phrases, ""))
		}
	}
	f.Add("Your e-mail 7 \xff Zażółć % e- k9 \u0301")
	f.Fuzz(func(t *testing.T, text string) {
		const limit = 1 << 14
		folded := phrases.Fold(text, limit)
		if strings.Trim(folded, "abcdefghijklmnopqrstuvwxyz0123456789#%? ") != "" || strings.Contains(folded, "  ") ||
			folded != "" && !strings.HasSuffix(folded, " ") || len(folded) > limit+2 {
			t.Fatalf("Fold(%q) = %q", text, folded)
		}
		want := map[string]int{}
		seen := map[string]bool{}
		for rest := folded; rest != ""; {
			size := 0
			for n := min(longest, len(rest)); n > 0 && size == 0; n-- {
				if p, ok := all[rest[:n]]; ok {
					size = n - 1
					if !seen[p.phrase] {
						want[topics[p.topic].Signal]++
					}
					seen[p.phrase] = true
				}
			}
			_, tail, _ := strings.Cut(rest[size:], " ")
			rest = tail
		}
		var got phrases.Hits
		got.Find(phrases.Anywhere, folded)
		for _, topic := range topics {
			if topic.Scope == phrases.Anywhere && got.Count(topic.Signal) != want[topic.Signal] {
				t.Errorf("%q: %s is found %d times, want %d", folded, topic.Signal, got.Count(topic.Signal), want[topic.Signal])
			}
		}
	})
}
