package journal

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// How much of the entries a summary repeats.
const (
	maxPlaces   = 10
	maxExamples = 3
)

// Summary is what the shadow runs of one module beside another have come to.
type Summary struct {
	Plugin string    `json:"plugin"`
	Old    string    `json:"old"` // SHA-256 of the stage's module
	New    string    `json:"new"` // and of the shadow's
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`

	// Runs counts what was compared, and the others its outcomes; Skipped is beside it.
	Runs       int `json:"runs"`
	Same       int `json:"same"`
	Differs    int `json:"differs"`
	OldFailed  int `json:"old_failed"`
	NewFailed  int `json:"new_failed"`
	BothFailed int `json:"both_failed"`
	Skipped    int `json:"skipped"`

	// Places are those that were different most often, and Verdicts the pairs of them.
	Places   []Place `json:"places"`
	Verdicts []Place `json:"verdicts"`
	// Failures are the kinds of failure of the new module alone.
	Failures []Place `json:"failures"`

	// FuelRatio and TimeRatio are medians of new ÷ old over the runs in which both ended
	// well; 0 where there are none.
	FuelRatio float64 `json:"fuel_ratio"`
	TimeRatio float64 `json:"time_ratio"`

	// Examples are the newest deliveries that are worth a look: different ones and ones
	// at which the new module alone failed.
	Examples []mail.DeliveryID `json:"examples"`
}

// Place is something that was seen a number of times, and last at a delivery.
type Place struct {
	At       string          `json:"at"`
	Count    int             `json:"count"`
	Delivery mail.DeliveryID `json:"delivery"`
	// Last says what it was then, where that is kept: the values, or the text of the error.
	Last string `json:"last,omitempty"`
}

// Summarizer takes entries, and sums them up by plugin and modules.
type Summarizer struct{ sums map[[3]string]*sum }

// sum is a Summary in the making.
type sum struct {
	Summary
	places, verdicts, failures map[string]Place
	fuel, time                 []float64
}

// Add takes an entry.
func (s *Summarizer) Add(e Entry) {
	if s.sums == nil {
		s.sums = make(map[[3]string]*sum)
	}
	key := [3]string{e.Plugin, e.Old, e.New}
	one := s.sums[key]
	if one == nil {
		one = &sum{
			Summary: Summary{Plugin: e.Plugin, Old: e.Old, New: e.New, First: e.At},
			places:  make(map[string]Place), verdicts: make(map[string]Place), failures: make(map[string]Place),
		}
		s.sums[key] = one
	}
	one.add(e)
}

func (s *sum) add(e Entry) {
	s.Last = e.At
	if e.Outcome == Skipped {
		s.Skipped += e.Count
		return
	}
	s.Runs++
	switch e.Outcome {
	case Same:
		s.Same++
	case Differs:
		s.Differs++
		s.Examples = append(s.Examples, e.Delivery)
	case OldFailed:
		s.OldFailed++
	case NewFailed:
		s.NewFailed++
		s.Examples = append(s.Examples, e.Delivery)
	default:
		s.BothFailed++
	}
	s.Examples = s.Examples[max(0, len(s.Examples)-maxExamples):]
	for _, c := range e.Changes {
		count(s.places, c.At, e.Delivery, c.text())
	}
	if e.OldRun == nil || e.NewRun == nil {
		return
	}
	if e.Outcome == NewFailed {
		count(s.failures, e.NewRun.Failure, e.Delivery, e.NewRun.Error)
	}
	if e.OldRun.Failure != "" || e.NewRun.Failure != "" {
		return
	}
	if e.OldRun.Verdict != e.NewRun.Verdict {
		count(s.verdicts, e.OldRun.Verdict+" → "+e.NewRun.Verdict, e.Delivery, "")
	}
	if e.OldRun.Fuel > 0 && e.OldRun.Duration > 0 {
		s.fuel = append(s.fuel, float64(e.NewRun.Fuel)/float64(e.OldRun.Fuel))
		s.time = append(s.time, float64(e.NewRun.Duration)/float64(e.OldRun.Duration))
	}
}

func count(seen map[string]Place, at string, delivery mail.DeliveryID, last string) {
	seen[at] = Place{At: at, Count: seen[at].Count + 1, Delivery: delivery, Last: last}
}

// text writes both values, where they are kept.
func (c Change) text() string {
	before, after := c.Old.text(), c.New.text()
	if before == "" && after == "" {
		return ""
	}
	return cmp.Or(before, "nothing") + " → " + cmp.Or(after, "nothing")
}

func (v *Value) text() string {
	if v == nil {
		return ""
	}
	return v.JSON
}

// Summaries gives what was summed up: plugins by their names, and of each the newest pair
// of modules first.
func (s *Summarizer) Summaries() []Summary {
	list := []Summary{} // never null in JSON
	for _, one := range s.sums {
		one.Places, one.Verdicts, one.Failures = most(one.places), most(one.verdicts), most(one.failures)
		one.FuelRatio, one.TimeRatio = median(one.fuel), median(one.time)
		one.Examples = append([]mail.DeliveryID{}, one.Examples...)
		slices.Reverse(one.Examples)
		list = append(list, one.Summary)
	}
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), b.Last.Compare(a.Last), cmp.Compare(a.New, b.New), cmp.Compare(a.Old, b.Old))
	})
	return list
}

// most gives those that were seen most often.
func most(seen map[string]Place) []Place {
	list := slices.SortedFunc(maps.Values(seen), func(a, b Place) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.At, b.At))
	})
	return append([]Place{}, list[:min(len(list), maxPlaces)]...)
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	middle := len(list) / 2
	if len(list)%2 == 1 {
		return list[middle]
	}
	return (list[middle-1] + list[middle]) / 2
}
