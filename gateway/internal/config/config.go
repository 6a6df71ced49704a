// Package config turns HCL files, the environment and flags into one typed and
// checked [Config]. What the gateway can be told stands in blocks.go, store.go, plans.go,
// plugins.go, sources.go, signers.go and scanners.go; config/schema reads by such a description, config/syntax reads what files say,
// and config/credential fetches what they must not say.
//
// Invariants:
//
//   - A Config that [Load] returns is whole: every default is filled in, every
//     reference between blocks resolves, every secret has been fetched and is a
//     usable signing key, and whoever asks for scanning has the scanner for it.
//     Whoever gets one need not check it again.
//   - Nothing is accepted silently. An unknown block, setting or environment
//     variable is an error, and all mistakes are reported in one go.
//   - Precedence is defaults < files in order < environment < flags. Over several
//     files an unlabelled block merges by setting; a labelled one stands once.
//   - Files are hostile until shown otherwise: they are bounded before anything
//     recursive sees them, and no expression is evaluated.
//   - The value of a secret stands in no error and in no printed form of a Config.
//
// The package reads files and keeps nothing: no state, no watching, no writing.
package config

import (
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/credential"
	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

// Config is the whole configuration of a gateway. Labelled blocks stand in the
// order of the files.
type Config struct {
	Server    Server
	Store     Store
	Bodies    Bodies
	Listeners []Listener // at least one, unless there are accounts
	Delivery  Delivery
	Inspector *Inspector // nil unless configured
	Public    *Public    // nil unless configured
	Scanners  Scanners
	Signers   []Signer `json:",omitempty"`
	Plugins   []Plugin // that all tenants have; see AllPlugins
	Plans     []Plan
	Tenants   []Tenant
	Accounts  []Account `json:",omitempty"`
	Events    Events    `json:",omitzero"`
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

// TLS is the certificate of a listener, as it was when the configuration was
// loaded.
type TLS struct {
	Certificate tls.Certificate `json:"-"`
	Required    bool            // refuse MAIL before STARTTLS (RFC 3207)
}

// Delivery bounds what the webhook client does.
type Delivery struct {
	AllowHTTP     bool            // endpoints may use plain http
	AllowNetworks []netip.Prefix  // networks that are otherwise refused, such as loopback; any port
	AllowPorts    []uint16        // ports that endpoints may use elsewhere
	Timeout       time.Duration   // of one attempt, from dialling to the last octet
	Concurrency   int             // attempts in flight over all endpoints
	MaxBacklog    int             // deliveries of this gateway that wait, above which mail is taken in more slowly
	Schedule      []time.Duration // delay before each attempt; its length is the number of attempts
}

// Inspector is the development endpoint inside the binary.
type Inspector struct {
	Address string // loopback only, since it shows mail to whoever asks
}

// Public is where receivers fetch the attachments that payloads give by URL.
type Public struct {
	Address      string     // as that of a Listener
	BaseURL      string     // how receivers reach it, without a slash at the end
	Secret       secret.Key // signs the URLs
	FormerSecret secret.Key // what it has signed is served too; zero for none

	MaxConnections      int
	MaxConnectionsPerIP int

	TLS *TLS // nil: plain HTTP, for a proxy in front
}

// Scanners are the programs beside the gateway that look at mail as it comes in.
// What is not configured is nil, and is not asked.
type Scanners struct {
	Rspamd *Rspamd
	ClamAV *ClamAV
}

// Rspamd is a scanner for spam, which also checks SPF, DKIM and DMARC.
type Rspamd struct {
	URL     string        // scheme, host and perhaps port, without a slash at the end
	OnError string        // accept or defer: what a mail gets that it could not scan
	Timeout time.Duration // of one mail
	MaxSize int64         // in octets; a larger mail is not scanned
}

// ClamAV is a scanner for viruses: a clamd.
type ClamAV struct {
	Network string // tcp or unix
	Address string // host:port, or the absolute path of a socket

	// These are as those of Rspamd.
	OnError string
	Timeout time.Duration
	MaxSize int64
}

// Signer is somebody whose signature a plugin may need. Exactly one of PublicKey and
// PublicKeyFile is set; what they say is not looked at here.
type Signer struct {
	Name          string
	At            Place  // of the key, for what is found wrong with it
	PublicKey     string // as minisign prints it
	PublicKeyFile string // path of a file that minisign has made
}

// Plugin is a WebAssembly module and what it may do. Whether there is such a
// module is not known here.
type Plugin struct {
	Name   string
	Tenant string   // whose alone it is; empty for one that all tenants have
	At     Place    // of the name, for what is found wrong later
	Source          // one of its fields is set
	SHA256 string   // of the module, in lower case hex; empty where any will do, which it is not with a URL
	Grant  []string // interfaces that it may import, out of [Permissions]; a builtin carries its own

	// SignedBy is the name of the signer whose signature the module needs; empty for
	// none. Signature says where that is, a File or a URL; without one it is at the
	// module's own place.
	SignedBy  string `json:",omitempty"`
	Signature Source `json:",omitzero"`

	// Write and Read are the parts of the payload that it may change and read. Where
	// Read is nil, it is as Write; where it is empty, nothing.
	Write, Read []document.Pointer

	Timeout time.Duration   // of one run
	Memory  int64           // most linear memory, in octets
	Fuel    int64           // most work of one run, in units
	OnError string          // skip, retry or quarantine
	Options json.RawMessage // one JSON object, its members in the order of the file

	// Shadow is the version that runs beside this one and delivers nothing; nil for
	// none. It is another module by the same name, with all else that this one has but
	// its own Shadow. Where ShadowValues is true, what is kept of its runs holds values
	// of the payload.
	Shadow       *Plugin
	ShadowValues bool
}

// Plan is what a tenant is entitled to.
type Plan struct {
	Name     string   // empty for the plan of tenants that name none
	Pipeline []string // keys of plugins in the order in which they run, for tenants that say none

	// Retention is how long the raw mail is kept, and how long its deliveries are tried.
	// PayloadRetention is at most that. LogRetention, of the log's row, is at least that
	// and QuarantineRetention, which is how long a delivery is held with its mail.
	Retention, PayloadRetention, LogRetention, QuarantineRetention time.Duration

	// Rate is how often attempts of a tenant begin, and MaxPerMinute how many do so in any
	// minute; 0 for any number. Both make deliveries wait, and refuse none.
	Rate         Rate `json:",omitzero"`
	MaxPerMinute int  `json:",omitempty"`

	// These are for tenants that say nothing of their own.
	Spam        SpamPolicy
	VirusScan   bool
	VirusAction string
}

// Rate bounds how often something happens, on an average of any length: Limit times in
// each Per, of which Burst may come at once. The zero Rate bounds nothing.
type Rate struct {
	Limit int // at least 1 unless all is zero
	Per   time.Duration
	Burst int // at least 1
}

// SpamPolicy holds the scores of rspamd, from -1000 to 1000, from which something
// is done: score ≥ threshold. What is nil is never done. Of what a score reaches
// the severest is meant: reject before defer, quarantine and tag.
type SpamPolicy struct {
	Tag, Quarantine, Defer, Reject *float64
}

// Tenant is one customer: domains, the endpoints that get their mail, and the
// aliases that say which endpoint gets which.
type Tenant struct {
	Name      string
	Plan      Plan
	Domains   []string // lower case, ASCII (IDNA A-labels), each in one tenant only
	Endpoints []Endpoint
	Aliases   []Alias
	Plugins   []Plugin // that it alone has, in the order of the file
	Pipeline  []string // as that of Plan, for aliases that say none

	// These are its own, or else those of its plan: who asks the tenant need not ask
	// the plan too.
	Spam        SpamPolicy // has a threshold only where there is an Rspamd
	VirusScan   bool       // true only where there is a ClamAV
	VirusAction string     // exclude (the attachments that are infected), reject (the mail) or quarantine (the delivery)
}

// Endpoint is a receiver of a tenant: a webhook, or a mail server.
type Endpoint struct {
	Name string
	Type string `json:"-"` // webhook or smtp
	// URL and Secret are of a webhook, and SMTP, which is nil otherwise, of a mail server.
	URL            string
	Secret         secret.Key
	SMTP           *Smarthost `json:",omitempty"`
	MaxConcurrency int        // attempts in flight to this endpoint
	Rate           Rate       `json:",omitzero"` // as that of a Plan, of attempts at this endpoint

	// Attachments says where their content goes: inline, url or omit. That of one above
	// MaxInlineSize, and the largest where the payload is above MaxPayloadSize, both in
	// octets and 0 for any, goes to Overflow: url or omit, or empty where it has no place
	// to go. Where any of these is url, there is a Public.
	Attachments                   string
	MaxInlineSize, MaxPayloadSize int64
	Overflow                      string

	// Events are the names of those that it gets, or "*"; none for no events.
	Events []string `json:",omitempty"`

	eventsWrong bool // something is said of them, which is noted already
}

// Alias sends the mail of one local part to endpoints of its tenant.
type Alias struct {
	Name      string   // local part as written, unique under ASCII case folding; "*" catches all
	Endpoints []string // names, at least one
	Pipeline  []string // keys of plugins in the order in which they run; not nil
}

// Place is where something was said. A mistake that is found after Load is
// reported by its method Problem.
type Place = syntax.Place

// Problem is one mistake in a configuration, with its place.
type Problem = syntax.Problem

// Problems is every mistake of a configuration, in order; see [Load].
type Problems = syntax.Problems

// Options says where a configuration comes from. The zero value of a field means
// that there is none of it.
type Options struct {
	Files   []string          // HCL files, a later one over an earlier one
	Environ []string          // "NAME=value" as from os.Environ; settings and the secrets of secret_env
	Flags   map[string]string // values by setting, such as "server.data_dir"

	// WithoutCredentials leaves secrets and certificates unread, for who wants to
	// know where a gateway's data is and may not know its secrets.
	WithoutCredentials bool
}

// Load reads and checks a configuration. Its error is [Problems], which holds
// every mistake that was found.
//
// Relative paths in a file are relative to that file; those in the environment
// and in flags are relative to the working directory.
func Load(o Options) (*Config, error) {
	l := newLoader(o)
	// Single blocks are read first: what delivery allows decides about endpoints.
	l.Read(l.singles(), l.labelled())
	for _, check := range l.later {
		check()
	}
	l.resolvePipelines()
	if len(l.config.Accounts) == 0 {
		l.Want(listenerKind, `write listener "mx" { address = ":25" }`, "no listener block")
	}
	if ps := l.Problems(); len(ps) > 0 {
		return nil, ps
	}
	return &l.config, nil
}

// A loader fills the configuration while the reader goes through the blocks. It
// knows what one block may not say because of another.
type loader struct {
	*schema.Reader
	config      Config
	credentials credential.Reader

	later     []func()                // checks that need every block of every file
	plans     map[string]Plan         // by name
	domains   map[string]syntax.Place // of all tenants, to find the one that stands twice
	addresses map[string]syntax.Place // of all listeners
	stages    []stage                 // references of all pipelines to plugins
}

func newLoader(o Options) *loader {
	l := &loader{
		Reader: schema.NewReader(schema.Sources{Files: o.Files, Environ: o.Environ, Flags: o.Flags}),

		credentials: credential.Reader{Environ: make(map[string]string, len(o.Environ)), Unread: o.WithoutCredentials},

		plans:     map[string]Plan{},
		domains:   map[string]syntax.Place{},
		addresses: map[string]syntax.Place{},
	}
	for _, pair := range o.Environ {
		if name, v, ok := strings.Cut(pair, "="); ok {
			l.credentials.Environ[name] = v
		}
	}
	return l
}
