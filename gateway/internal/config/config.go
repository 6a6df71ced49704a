// Package config turns HCL files, the environment and flags into one typed and
// checked [Config]. Nothing outside this package knows HCL or koanf.
//
// Invariants:
//
//   - A Config that [Load] returns is whole: every default is filled in, every
//     reference between blocks resolves, every secret has been fetched and is a
//     usable signing key. Whoever gets one need not check it again.
//   - Nothing is accepted silently. An unknown block, setting or environment
//     variable is an error, and all mistakes are reported in one go.
//   - Precedence is defaults < files in order < environment < flags. Over several
//     files an unlabelled block merges by setting; a labelled one stands once.
//   - Files are hostile until shown otherwise: they are bounded in size, depth and
//     number before anything recursive sees them, and no expression is evaluated.
//   - The value of a secret stands in no error and in no printed form of a Config.
//
// The package reads files and keeps nothing: no state, no watching, no writing.
package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Config is the whole configuration of a gateway. Labelled blocks stand in the
// order of the files.
type Config struct {
	Server    Server
	Listeners []Listener // at least one
	Delivery  Delivery
	Inspector *Inspector // nil unless configured
	Plans     []Plan
	Tenants   []Tenant
}

// Server is what the process as a whole needs.
type Server struct {
	Hostname  string // name in the SMTP greeting and in Received fields (RFC 5321 section 4.1.1.1)
	DataDir   string // where everything durable lives
	LogLevel  string // trace, debug, info, warn or error
	LogFormat string // text or json
}

// Listener is one address on which mail is taken in.
type Listener struct {
	Name                string
	Address             string // host:port; an empty host means every interface, port 0 any free port
	MaxMessageSize      int64  // octets, announced as SIZE (RFC 1870)
	MaxRecipients       int    // per transaction
	MaxConnections      int
	MaxConnectionsPerIP int
	IdleTimeout         time.Duration // longest wait for the client's next octet
	AllowBareNewlines   bool          // take LF without CR instead of refusing the message
	TLS                 *TLS          // nil: STARTTLS is not offered
}

// TLS names the certificate of a listener. The files are opened by the server,
// which reloads them; here they need not exist yet.
type TLS struct {
	CertFile string
	KeyFile  string
	Required bool // refuse MAIL before STARTTLS (RFC 3207)
}

// Delivery bounds what the webhook client does.
type Delivery struct {
	AllowHTTP     bool            // endpoints may use plain http
	AllowNetworks []netip.Prefix  // networks that are otherwise refused, such as loopback; any port
	AllowPorts    []uint16        // ports that endpoints may use elsewhere
	Timeout       time.Duration   // of one attempt, from dialling to the last octet
	Concurrency   int             // attempts in flight over all endpoints
	Schedule      []time.Duration // delay before each attempt; its length is the number of attempts
}

// Inspector is the development endpoint inside the binary.
type Inspector struct {
	Address string // loopback only, since it shows mail to whoever asks
}

// Plan is what a tenant is entitled to.
type Plan struct {
	Name      string // empty for the plan of tenants that name none
	Retention time.Duration
}

// Tenant is one customer: domains, the endpoints that get their mail, and the
// aliases that say which endpoint gets which.
type Tenant struct {
	Name      string
	Plan      Plan
	Domains   []string // lower case, ASCII (IDNA A-labels), each in one tenant only
	Endpoints []Endpoint
	Aliases   []Alias
}

// Endpoint is a webhook receiver of a tenant.
type Endpoint struct {
	Name           string
	URL            string
	Secret         Secret
	MaxConcurrency int // attempts in flight to this endpoint
}

// Alias sends the mail of one local part to endpoints of its tenant.
type Alias struct {
	Name      string   // local part as written, unique under ASCII case folding; "*" catches all
	Endpoints []string // names, at least one
}

// Options says where a configuration comes from. The zero value of a field means
// that there is none of it.
type Options struct {
	Files   []string          // HCL files, a later one over an earlier one
	Environ []string          // "NAME=value" as from os.Environ; settings and the secrets of secret_env
	Flags   map[string]string // values by setting, such as "server.data_dir"
}

// Load reads and checks a configuration. Its error is [Problems], which holds
// every mistake that was found.
//
// Relative paths in a file are relative to that file; those in the environment
// and in flags are relative to the working directory.
func Load(o Options) (*Config, error) {
	l := newLoader(o.Environ)
	bodies := l.readFiles(o.Files)
	l.partial = len(l.problems) > 0

	// Single blocks come first: what delivery allows decides about endpoints.
	l.layerSingles(bodies, o)
	l.readLabelled(bodies)
	for _, check := range l.later {
		check()
	}
	if !l.partial && !slices.ContainsFunc(bodies, hasListener) {
		l.problem(firstFile(o.Files), `write listener "mx" { address = ":25" }`, "no listener block")
	}
	if len(l.problems) > 0 {
		return nil, l.problems.report(o.Files)
	}
	return &l.config, nil
}

func hasListener(body *hclsyntax.Body) bool {
	return slices.ContainsFunc(body.Blocks, func(hb *hclsyntax.Block) bool { return hb.Type == listenerKind })
}

// firstFile is where a problem is reported that has no place of its own.
func firstFile(files []string) place {
	if len(files) == 0 {
		return place{}
	}
	return place{File: files[0]}
}

// A loader collects the configuration and its problems while blocks are read.
type loader struct {
	config   Config
	problems Problems
	environ  map[string]string

	// partial is set where a file could not be parsed. What seems to be missing
	// may stand in it, so absence is then no problem of its own.
	partial bool
	later   []func() // checks that need every block of every file

	blocks    int              // read so far
	plans     map[string]Plan  // by name
	domains   map[string]place // of all tenants, to find the one that stands twice
	addresses map[string]place // of all listeners
}

func newLoader(environ []string) *loader {
	l := &loader{
		environ:   make(map[string]string, len(environ)),
		plans:     map[string]Plan{},
		domains:   map[string]place{},
		addresses: map[string]place{},
	}
	for _, pair := range environ {
		if name, v, ok := strings.Cut(pair, "="); ok {
			l.environ[name] = v
		}
	}
	return l
}

// problem notes one mistake.
func (l *loader) problem(at place, hint, message string) {
	l.problems = append(l.problems, at.problem(hint, message))
}

// didYouMean makes a hint out of the name that comes nearest to given. It stops
// working when more problems stand than are ever shown, which bounds its cost.
func (l *loader) didYouMean(given string, names []string) string {
	if len(l.problems) > maxProblems {
		return ""
	}
	return didYouMean(given, names)
}

// sortedKeys makes the order of messages independent of that of a map.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
