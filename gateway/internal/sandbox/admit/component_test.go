package admit_test

import (
	"bytes"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

const (
	emptyModule    = "\x00asm\x01\x00\x00\x00"
	emptyComponent = "\x00asm\x0d\x00\x01\x00"
)

func TestUnwrap(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ component, want, err string }{
		"a module":            {emptyModule, "", "it is no component"},
		"nothing":             {"", "", "it is no component"},
		"an empty one":        {emptyComponent, "", "component: there is no core module in it"},
		"one module":          {emptyComponent + "\x01\x08" + emptyModule, emptyModule, ""},
		"behind other things": {emptyComponent + "\x00\x02\x01x\x07\x01\x00\x01\x09" + emptyModule + "x\x01\x08" + emptyModule, emptyModule + "x", ""},
		"cut":                 {emptyComponent + "\x01\x09" + emptyModule, "", "component: section 1: it ends too early"},
		"of no length":        {emptyComponent + "\x01", "", "component: section 1: it ends too early"},
		"a long length":       {emptyComponent + "\x01\xff\xff\xff\xff\xff\x01", "", "component: section 1: it ends too early"},
		"an unknown section":  {emptyComponent + "\x0d\x00", "", "component: section 13 is unknown"},
		"one in another":      {emptyComponent + "\x01\x08" + emptyComponent, "", "component: its first core module is none"},
		"no module":           {emptyComponent + "\x01\x01x", "", "component: its first core module is none"},
	} {
		got, err := admit.Unwrap([]byte(tc.component))
		if string(got) != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: %q, %v; want %q, %s", name, got, err, tc.want, tc.err)
		}
	}
}

// FuzzUnwrap holds that nothing makes it panic, and that what it gives is a piece of what
// it was given.
func FuzzUnwrap(f *testing.F) {
	f.Add([]byte(emptyComponent + "\x00\x02\x01x\x01\x08" + emptyModule))
	f.Add([]byte(emptyComponent + "\x04\x08" + emptyComponent))
	f.Fuzz(func(t *testing.T, component []byte) {
		if module, err := admit.Unwrap(component); err == nil && (!bytes.Contains(component, module) || admit.IsComponent(module)) {
			t.Errorf("%q of %q", module, component)
		}
	})
}
