package plugin_test

import (
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// TestSpinnerHoldsNobodyUp has a tenant whose plugin works until its time is over, in the
// only lane that there is: another tenant's runs end while it spins, and none of them is
// counted as its time.
func TestSpinnerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	lanes := plugin.NewLanes(1)
	spinning, tame := config(t, "spin"), config(t, "set")
	spinning.Lanes, tame.Lanes = lanes, lanes
	spinning.Timeout = 5 * time.Second
	spinner, quick := load(t, spinning), load(t, tame)
	mine, others := parsed(t), parsed(t)
	mine.Tenant, others.Tenant = "spinner", "other"
	ended := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := spinner.Run(t.Context(), mine, start())
		ended <- err
	}()
	runs := 0
	for ; runs < 20; runs++ {
		if _, err := quick.Run(t.Context(), others, start()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("the spinner had ended after %s, when the other had run %d times: %v", time.Since(began), runs, err)
	default:
	}
	if err := <-ended; err == nil {
		t.Error("the spinner ended well")
	}
}
