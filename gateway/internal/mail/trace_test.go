package mail

import (
	"fmt"
	"strings"
	"testing"
)

// TestAppendSteps has a chain fail again and again, with as much to say as it may: the
// trace stays bounded, and what is new in it stays whole.
func TestAppendSteps(t *testing.T) {
	t.Parallel()
	var trace []Step
	for i := range 2000 {
		trace = AppendSteps(trace, []Step{{
			Name: fmt.Sprintf("stage %d", i), Error: strings.Repeat("ä", 4<<10), Log: []string{strings.Repeat("x", 60<<10)},
		}})
	}
	if len(trace) != maxSteps || trace[maxSteps-1].Name != "stage 1999" {
		t.Fatalf("%d steps, the last is %s", len(trace), trace[len(trace)-1].Name)
	}
	size := 0
	for i, s := range trace {
		size += len(s.Error) + len(s.Log[0])
		whole := len(s.Error) == 8<<10 && len(s.Log[0]) == 60<<10
		if i >= maxSteps-7 && !whole || i < maxSteps-8 && (whole || s.Log[0] != leftOut || !strings.HasSuffix(s.Error, "ä…")) {
			t.Errorf("step %d has %d octets of log and %d of error", i, len(s.Log[0]), len(s.Error))
		}
	}
	if size > maxTraceLog+maxSteps*(maxOldError+len(leftOut)+8) {
		t.Errorf("the trace has %d octets", size)
	}
}
