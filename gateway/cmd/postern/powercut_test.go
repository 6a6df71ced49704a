package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/store/powercut"
)

const powerCuts = 6 // unless it is torture

// manyRetries has retries soon, and so many that none is the last.
const manyRetries = `schedule = ["0s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s"]`

// TestPowerCut cuts the power of the gateway at random moments, of its first start too.
// Every mail to which its 250 had begun to be written by then is delivered by a gateway
// that starts on what the disk has left. Package store/sqlite cuts more, and deeper.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	recording, accepted := recordGateway(t)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, seed))
	promised := recording.Said(func(b []byte) bool { return len(queuedIn(b)) > 0 })
	if len(promised) == 0 || len(accepted) == 0 {
		t.Fatalf("%d replies were recorded, %d mails accepted", len(promised), len(accepted))
	}
	points := powercut.Points(t, powerCuts)
	looked := 0
	for i := range points {
		point := promised[rng.IntN(len(promised))]
		if i%3 == 2 {
			point = rng.IntN(recording.Events() + 1)
		}
		disk := recording.Disk()
		if err := disk.Play(point); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "left")
		if err := disk.Cut(rng, dir); err != nil {
			t.Fatal(err)
		}
		rcv := newReceiver(t)
		configure(t, dir, rcv.URL, manyRetries)
		load := newLoad()
		for _, said := range disk.Said() {
			for _, id := range queuedIn(said) {
				load.accepted[id] = ""
			}
		}
		g := serveIn(t, dir)
		eventually(t, "the mails of "+strconv.Itoa(point)+" events of "+strconv.Itoa(recording.Events())+", seed "+strconv.FormatUint(seed, 10), func() bool { return load.arrived(rcv) })
		g.stop(t)
		rcv.check(t)
		looked += len(load.accepted)
	}
	t.Logf("%d power cuts: %d mails were promised, 0 lost", points, looked)
}

// queuedIn lists the mails that a reply of the gateway says are queued.
func queuedIn(reply []byte) (ids []string) {
	for _, m := range regexp.MustCompile(`(?m)^250 .* queued as (msg_\w+)\r$`).FindAllSubmatch(reply, -1) {
		ids = append(ids, string(m[1]))
	}
	return ids
}

// recordGateway records a gateway under load from its first start to its end, with a
// receiver that takes nothing.
func recordGateway(t *testing.T) (*powercut.Recording, map[string]string) {
	t.Helper()
	rcv := newReceiver(t)
	rcv.answer = func(int, string) int { return http.StatusServiceUnavailable }
	dir := configuration(t, rcv.URL, manyRetries)
	g := newGateway(dir)
	tracing := powercut.Trace(t, g.cmd, dir, "-shm")
	g.start(t)
	load := newLoad()
	end := load.begin(t, g.smtp(), killers)
	eventually(t, "load", func() bool { return load.count() > 100 })
	end()
	// The process that was started is strace; the gateway has written down its own number.
	lock, err := os.ReadFile(filepath.Join(dir, "data", "lock"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(lock)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-g.ended; err != nil {
		t.Fatalf("the gateway ended with %v\n%s", err, g.stderr.String())
	}
	if strings.Contains(g.stderr.String(), "panic") {
		t.Error(g.stderr.String())
	}
	recording, err := tracing.Recording()
	if err != nil {
		t.Fatal(err)
	}
	return recording, load.accepted
}
