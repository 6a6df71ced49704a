package plugin

import (
	"context"
	"errors"
	"testing"
)

// TestLanesAreTaken holds that a lane is taken until it is left, and no longer.
func TestLanesAreTaken(t *testing.T) {
	t.Parallel()
	lanes := NewLanes(2)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	first, err := lanes.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := lanes.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lanes.enter(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a third guest in two lanes: %v", err)
	}
	first()
	third, err := lanes.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second()
	third()
	if len(lanes) != 0 {
		t.Errorf("%d lanes are taken by nobody", len(lanes))
	}
}
