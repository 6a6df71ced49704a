package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
)

func read(t *testing.T, dir string) ([]journal.Entry, int) {
	t.Helper()
	var list []journal.Entry
	damaged, err := journal.Read(dir, func(e journal.Entry) { list = append(list, e) })
	if err != nil {
		t.Fatal(err)
	}
	return list, damaged
}

func entry(plugin string, n int) journal.Entry {
	return journal.Entry{
		At: time.UnixMilli(int64(n)).UTC(), Plugin: plugin, Old: "aa", New: "bb", Outcome: journal.Differs, Delivery: mail.DeliveryID(fmt.Sprint("msg_", n)), Tenant: "acme",
		Changes: []journal.Change{{At: "/crm", Old: &journal.Value{Kind: "string", Length: 3, JSON: `"ä\n<"`}}}, More: 1,
		OldRun: &journal.Run{Verdict: "continue", Duration: time.Second, Fuel: 1, Memory: 2}, NewRun: &journal.Run{Failure: "error", Error: "no luck"},
	}
}

// TestAppendAndRead holds that what is read is what was written, each plugin's by itself.
func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shadow")
	if got, damaged := read(t, dir); got != nil || damaged != 0 {
		t.Errorf("of nothing: %v, %d", got, damaged)
	}
	j := journal.New(dir)
	for _, e := range []journal.Entry{entry("crm", 1), entry("acme/crm", 2), entry("crm", 3)} {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	got, damaged := read(t, dir)
	if diff := cmp.Diff([]journal.Entry{entry("acme/crm", 2), entry("crm", 1), entry("crm", 3)}, got); diff != "" || damaged != 0 {
		t.Errorf("%d damaged: %s", damaged, diff)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "crm.jsonl": 0o600, "acme.crm.jsonl": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestRotation writes many times what a file may have: the folder stays within its bound,
// and the newest entries are all there.
func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal.New(dir)
	e := entry("crm", 0)
	e.NewRun.Error = strings.Repeat("x", 32<<10)
	const written = 500 // 16 MiB
	for n := range written {
		e.Delivery = mail.DeliveryID(fmt.Sprint("msg_", n))
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	var octets int64
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > journal.MaxFile {
			t.Errorf("%s has %d octets", f.Name(), info.Size())
		}
		octets += info.Size()
	}
	if len(files) != 2 || octets < journal.MaxFile {
		t.Errorf("%d files of %d octets", len(files), octets)
	}
	got, damaged := read(t, dir)
	for i, e := range got {
		if want := mail.DeliveryID(fmt.Sprint("msg_", written-len(got)+i)); e.Delivery != want {
			t.Fatalf("entry %d is of %s, want %s", i, e.Delivery, want)
		}
	}
	if damaged != 0 {
		t.Errorf("%d lines are damaged", damaged)
	}
}

// TestDamaged has a journal that a crash and somebody's editor were at.
func TestDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal.New(dir)
	if err := j.Append(entry("crm", 1)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "crm.jsonl")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := "\x00\x00\x00\n{}\n[1]\n" + string(good) + "\n" + string(good[:30])
	for name, content := range map[string]string{"crm.jsonl": text, "notes.txt": "of somebody", "other.jsonl": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, damaged := read(t, dir); len(got) != 1 || damaged != 4 {
		t.Errorf("%d entries, %d damaged", len(got), damaged)
	}
	// What is written next is not lost to the line that was cut.
	if err := j.Append(entry("crm", 2)); err != nil {
		t.Fatal(err)
	}
	if got, damaged := read(t, dir); len(got) != 2 || damaged != 5 {
		t.Errorf("%d entries, %d damaged", len(got), damaged)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Read(dir, func(journal.Entry) {}); err == nil || !strings.Contains(err.Error(), "read shadow journal: ") {
		t.Errorf("error %v", err)
	}
	if err := journal.New(filepath.Join(file, "no folder")).Append(entry("crm", 1)); err == nil || !strings.Contains(err.Error(), "write shadow journal: ") {
		t.Errorf("error %v", err)
	}
}

// TestReadWhileWritten reads while somebody writes: no line is seen in halves.
func TestReadWhileWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal.New(dir)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range 200 {
				if err := j.Append(entry("crm", n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		if _, damaged := read(t, dir); damaged != 0 {
			t.Errorf("%d lines are damaged", damaged)
		}
	}
	wg.Wait()
	if got, _ := read(t, dir); len(got) != 800 {
		t.Errorf("%d entries", len(got))
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 11, 24, 12, minute, 0, 0, time.UTC) }
	id := func(n int) mail.DeliveryID { return mail.DeliveryID(fmt.Sprint("msg_", n)) }
	well := func(fuel int64, took time.Duration) *journal.Run {
		return &journal.Run{Verdict: "continue", Fuel: fuel, Duration: took}
	}
	var s journal.Summarizer
	add := func(minute int, o journal.Outcome, old, other *journal.Run, places ...string) {
		e := journal.Entry{At: at(minute), Plugin: "crm", Old: "aa", New: "bb", Outcome: o, Delivery: id(minute), OldRun: old, NewRun: other}
		for _, p := range places {
			e.Changes = append(e.Changes, journal.Change{At: p})
		}
		s.Add(e)
	}
	add(1, journal.Same, well(100, 10), well(50, 30))
	add(2, journal.Differs, well(100, 10), well(200, 10), "/crm/a", "/crm/b")
	add(3, journal.Differs, well(100, 10), well(300, 20), "/crm/b")
	add(4, journal.Differs, well(100, 10), &journal.Run{Verdict: "drop", Fuel: 400, Duration: 40})
	add(5, journal.NewFailed, well(1, 1), &journal.Run{Failure: "timeout"})
	add(6, journal.OldFailed, &journal.Run{Failure: "error"}, well(1, 1))
	add(7, journal.BothFailed, &journal.Run{Failure: "error"}, &journal.Run{Failure: "error"})
	s.Add(journal.Entry{At: at(8), Plugin: "crm", Old: "aa", New: "bb", Outcome: journal.Skipped, Count: 40})
	s.Add(journal.Entry{At: at(9), Plugin: "crm", Old: "aa", New: "cc", Outcome: journal.Same})
	s.Add(journal.Entry{At: at(0), Plugin: "acme/crm", Old: "aa", New: "bb", Outcome: journal.Same})

	nothing := []journal.Place{}
	want := []journal.Summary{
		{Plugin: "acme/crm", Old: "aa", New: "bb", First: at(0), Last: at(0), Runs: 1, Same: 1, Places: nothing, Verdicts: nothing, Failures: nothing, Examples: []mail.DeliveryID{}},
		{Plugin: "crm", Old: "aa", New: "cc", First: at(9), Last: at(9), Runs: 1, Same: 1, Places: nothing, Verdicts: nothing, Failures: nothing, Examples: []mail.DeliveryID{}},
		{
			Plugin: "crm", Old: "aa", New: "bb", First: at(1), Last: at(8),
			Runs: 7, Same: 1, Differs: 3, OldFailed: 1, NewFailed: 1, BothFailed: 1, Skipped: 40,
			Places:   []journal.Place{{At: "/crm/b", Count: 2, Delivery: id(3)}, {At: "/crm/a", Count: 1, Delivery: id(2)}},
			Verdicts: []journal.Place{{At: "continue → drop", Count: 1, Delivery: id(4)}},
			Failures: []journal.Place{{At: "timeout", Count: 1, Delivery: id(5)}},
			// Of 0.5, 2, 3 and 4; of 3, 1, 2 and 4.
			FuelRatio: 2.5, TimeRatio: 2.5,
			Examples: []mail.DeliveryID{id(5), id(4), id(3)},
		},
	}
	if diff := cmp.Diff(want, s.Summaries()); diff != "" {
		t.Error(diff)
	}
}

// TestSummaryIsShort has more places than are told.
func TestSummaryIsShort(t *testing.T) {
	t.Parallel()
	var s journal.Summarizer
	for n := range 100 {
		s.Add(journal.Entry{Plugin: "crm", Outcome: journal.Differs, Delivery: mail.DeliveryID(fmt.Sprint("msg_", n)), Changes: []journal.Change{{At: fmt.Sprint("/", n)}}})
	}
	if got := s.Summaries(); len(got) != 1 || len(got[0].Places) != 10 || len(got[0].Examples) != 3 || got[0].Examples[0] != "msg_99" {
		t.Errorf("%+v", got)
	}
}
