package gateway_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/postern-mail/postern/"

// layers gives each package of gateway/internal its layer. A package imports
// packages of lower layers only; a new package is to be entered here.
var layers = map[string]int{
	"mail": 0, "document": 0, "secret": 0, "terminal": 0,
	"config": 1, "route": 1, "mime": 1, "spool": 1, "store": 1, "webhook": 1, "sandbox": 1, "scan": 1, "artifact": 1, "outbound": 1, "diskspace": 1,
	"payload": 2, "smarthost": 2, "queue": 2, "maintenance": 2, "plugin": 2, "download": 2,
	"reception": 3, "inspector": 3, "pipeline": 3,
	"account": 3, "events": 3,
	"imap": 4, "smtpd": 4, "dispatch": 4, "shadow": 4, "admin": 4,
}

// homes names the packages, subpackages included, that may import each
// third-party module. Everything of it that others need goes through them. What
// is not named here may be imported by nobody.
var homes = map[string][]string{
	"aead.dev/minisign":              {"artifact"},
	"code.dny.dev/ssrf":              {"webhook"},
	"github.com/emersion/go-message": {"mime"},
	"github.com/emersion/go-imap/v2": {"imap"},
	"github.com/emersion/go-msgauth": {"smarthost"},
	"github.com/emersion/go-sasl":    {"outbound"},
	"github.com/emersion/go-smtp":    {"smtpd", "smarthost"},
	"github.com/foxcpp/go-mockdns":   {"scan"},  // scantest
	"github.com/google/go-cmp":       {"store"}, // storetest
	"github.com/hashicorp/go-hclog":  nil,       // everywhere: loggers are injected
	"github.com/hashicorp/hcl/v2":    {"config"},
	"github.com/jackc/pgx/v5":        {"store"},
	"github.com/knadh/koanf":         {"config"},
	"github.com/minio/minio-go/v7":   {"spool"},
	"github.com/opencontainers":      {"artifact"},
	"github.com/pressly/goose/v3":    {"store"},
	"github.com/santhosh-tekuri":     {"payload"}, // schematest
	"github.com/sony/gobreaker/v2":   {"scan"},
	"github.com/spf13/cobra":         {"cmd"},
	"github.com/standard-webhooks":   {"inspector"},
	"github.com/zclconf/go-cty":      {"config"},
	"github.com/tetratelabs/wazero":  {"sandbox"},
	"golang.org/x/oauth2":            {"outbound"},
	"golang.org/x/net/publicsuffix":  {"mime"},
	"golang.org/x/net/html":          {"mime"},
	"golang.org/x/net/idna":          {"route", "config", "scan", "mime"},
	"golang.org/x/net/netutil":       {"cmd"},
	"golang.org/x/sync":              {"dispatch", "spool"},
	"golang.org/x/sys":               {"sandbox", "spool"},
	"golang.org/x/text":              {"mime", "store"},
	"modernc.org/sqlite":             {"store"},
	"oras.land/oras-go/v2":           {"artifact"},

	"github.com/google/go-containerregistry": {"artifact"}, // artifacttest
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// noun splits the path of a package of ours into its top and whether it is a
// subpackage: "store", true for gateway/internal/store/sqlite.
func noun(importPath string) (top string, sub bool) {
	rel := strings.TrimPrefix(importPath, module+"gateway/")
	if rest, ok := strings.CutPrefix(rel, "internal/"); ok {
		top, _, sub = strings.Cut(rest, "/")
		return top, sub
	}
	top, _, sub = strings.Cut(rel, "/")
	return top, sub
}

// TestLayers holds the rules of gateway/README.md on who imports whom.
func TestLayers(t *testing.T) {
	t.Parallel()
	list := packages(t)
	if len(list) < len(layers) {
		t.Fatalf("go list found %d packages", len(list))
	}
	parentsOf := subpackageDirections(list)
	for _, p := range list {
		top, _ := noun(p.ImportPath)
		own, known := layers[top]
		if !known && top != "cmd" && p.ImportPath != module+"gateway" {
			t.Errorf("%s has no layer: enter it in the table", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) || top == "cmd" {
				continue
			}
			other, _ := noun(imported)
			if other == top {
				continue
			}
			if layers[other] >= own {
				t.Errorf("%s (layer %d) imports %s (layer %d)", p.ImportPath, own, imported, layers[other])
			}
		}
	}
	for top, directions := range parentsOf {
		if len(directions) > 1 {
			t.Errorf("%s both imports subpackages and is imported by some", top)
		}
	}
}

// subpackageDirections says for each package with subpackages whether it imports
// them ("down") or they import it ("up"): one of both, so that it is plain which
// is the foundation.
func subpackageDirections(list []pkg) map[string]map[string]bool {
	out := make(map[string]map[string]bool)
	for _, p := range list {
		top, sub := noun(p.ImportPath)
		for _, imported := range p.Imports {
			other, otherSub := noun(imported)
			if !strings.HasPrefix(imported, module) || other != top || sub == otherSub {
				continue
			}
			if out[top] == nil {
				out[top] = make(map[string]bool)
			}
			out[top][map[bool]string{true: "up", false: "down"}[sub]] = true
		}
	}
	return out
}

// TestHomes holds that each third-party package is imported at its home only.
// Tests may use what they like: go list gives their imports apart.
func TestHomes(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		top, _ := noun(p.ImportPath)
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(imported, module) {
				continue
			}
			allowed, known := home(imported)
			switch {
			case !known:
				t.Errorf("%s imports %s, which has no home: enter it in the table", p.ImportPath, imported)
			case allowed != nil && !slices.Contains(allowed, top):
				t.Errorf("%s imports %s, whose home is %v", p.ImportPath, imported, allowed)
			}
		}
	}
}

func home(imported string) (allowed []string, known bool) {
	for library, allowed := range homes {
		if imported == library || strings.HasPrefix(imported, library+"/") {
			return allowed, true
		}
	}
	return nil, false
}

// TestVocabularyIsPlain holds that mail imports the standard library alone.
func TestVocabularyIsPlain(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.ImportPath != module+"gateway/internal/mail" {
			continue
		}
		for _, imported := range p.Imports {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("mail imports %s", imported)
			}
		}
		return
	}
	t.Error("package mail was not found")
}

// TestGoModHasNoReplace keeps "go install" of the program working.
func TestGoModHasNoReplace(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Replace []any
		Tool    []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace)+len(mod.Tool) > 0 {
		t.Errorf("go.mod has %d replace and %d tool lines", len(mod.Replace), len(mod.Tool))
	}
}
