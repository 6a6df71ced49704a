package spool_test

import (
	"errors"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/spool"
)

// TestBind opens bodies for the database that they are of, and for another.
func TestBind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tc := range []struct {
		identity string
		want     error
	}{{"one", nil}, {"one", nil}, {"other", spool.ErrOther}, {"", spool.ErrOther}, {"one", nil}} {
		local, err := spool.OpenLocal(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := local.Bind(tc.identity); !errors.Is(err, tc.want) {
			t.Errorf("Bind to %q: %v, want %v", tc.identity, err, tc.want)
		}
		if err := local.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
