package sandbox_test

import (
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// TestStackIsBounded holds what a guest that calls itself without end takes for its stack,
// which is the runtime's to bound: it doubles it until it is longer than 50 million octets,
// and has the last one and the one before at the same time.
func TestStackIsBounded(t *testing.T) { //nolint:paralleltest // it measures what the process allocates
	m := compile(t, assemble(t, "guest"), sandbox.Config{Memory: mebibyte, Functions: []sandbox.Function{notes(&[]string{})}})
	before := allocated()
	_, err := call(t.Context(), m, "deep")
	if err == nil || !strings.Contains(err.Error(), "stack overflow") {
		t.Fatalf("error = %v, want a stack overflow", err)
	}
	took := allocated() - before
	t.Logf("%d MiB", took>>20)
	// All of its stacks together; at a time there are three quarters of them.
	if took > 192<<20 {
		t.Errorf("its stacks took %d MiB", took>>20)
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
