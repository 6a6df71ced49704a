// Package artifact gets the octets of a plugin's module from where its block says:
// from a file, by https, or out of an OCI registry; and holds that they are those that
// the operator means, by their hash and by a minisign signature. It knows octets, and
// nothing of WebAssembly.
//
// Invariants:
//
//   - The octets that [Opener.Open] returns are those that were hashed and whose
//     signature was verified. Whoever compiles them compiles nothing else.
//   - What comes from the network is pinned by content, and kept by content: a module
//     that is kept is opened without the network.
//   - What is kept is believed no more than what is fetched: it is hashed each time, and
//     removed and fetched again where it is not what its name says.
//   - A server decides neither about memory nor about time: sizes are bounded before
//     anything is read, and all that is fetched for one module has to come in one bound
//     of time. Modules come by https, over redirects too; by plain http only from a
//     registry on this machine.
//
// There is no filter of addresses, as there is for webhooks: those are chosen by
// tenants, but a module's place by the operator, who may well have it in a private
// network.
package artifact

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/postern-mail/postern/gateway/internal/artifact/fetch"
)

const (
	// MaxModule bounds a module, in octets.
	MaxModule = 32 << 20

	// maxText bounds a signature, and the file of a public key, in octets. Both have
	// some hundred, and comments.
	maxText = 4 << 10

	defaultTimeout = time.Minute
)

// Config says how modules are got. The zero Config keeps nothing, and trusts whom the
// system trusts.
type Config struct {
	// CacheDir is the folder in which what was fetched is kept, in a folder of its own;
	// empty for none.
	CacheDir string
	// Timeout bounds all that is fetched for one module. 0 means a minute.
	Timeout time.Duration
	// RootCAs verify the certificates of servers. nil means the system's.
	RootCAs *x509.CertPool
	// DockerConfig is the file in which docker keeps the logins of registries. Empty
	// means where docker has it: $DOCKER_CONFIG/config.json, or ~/.docker/config.json.
	DockerConfig string
	// UserAgent is the User-Agent field of requests. Empty means "Postern".
	UserAgent string
}

// Opener gets modules. It is safe for concurrent use.
type Opener struct {
	timeout time.Duration
	client  *fetch.Client
	cache   *cache
}

// New makes an Opener. It opens nothing.
func New(cfg Config) *Opener {
	client := fetch.New(fetch.Config{
		RootCAs: cfg.RootCAs, DockerConfig: cfg.DockerConfig, UserAgent: cmp.Or(cfg.UserAgent, "Postern"),
	})
	return &Opener{timeout: cmp.Or(cfg.Timeout, defaultTimeout), client: client, cache: newCache(cfg.CacheDir)}
}

// Source is where something is: one of its fields is set.
type Source struct {
	File string // path
	URL  string // by https
	OCI  string // artifact in a registry, as REGISTRY/REPOSITORY@sha256:DIGEST
}

// Request says which module is meant.
type Request struct {
	Source
	// SHA256 is that of the module, in lower case hex; empty where any will do, which it
	// does not with a URL.
	SHA256 string
	// Signer has to have signed the module; nil where nobody has to.
	Signer *Signer
	// Signature says where the signature is, by File or URL. The zero Source means
	// beside the module: by the same name with ".minisig" behind it, or as a layer of
	// the artifact.
	Signature Source
}

// Open gets the octets of a module. Its error says what is wrong with them or with
// getting them, and what to do.
func (o *Opener) Open(ctx context.Context, r Request) ([]byte, error) {
	if _, ok := sha256Digest("sha256:" + r.SHA256); r.SHA256 != "" && !ok {
		return nil, fmt.Errorf("%q is no SHA-256; want its 64 hexadecimal digits in lower case", r.SHA256)
	}
	late := fmt.Errorf("it did not come within %s; look whether the server is well, and try again", o.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, late)
	defer cancel()
	defer o.client.CloseIdle()
	module, beside, err := o.module(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := CheckPin(r.String(), module, r.SHA256); r.SHA256 != "" && err != nil {
		return nil, err
	}
	if r.Signer == nil {
		return module, nil
	}
	if r.Signature != (Source{}) {
		beside = r.Signature
	}
	if err := o.verify(ctx, r, module, beside); err != nil {
		return nil, err
	}
	return module, nil
}

// module gets the octets of a module, and says where a signature beside it would be.
func (o *Opener) module(ctx context.Context, r Request) (module []byte, beside Source, err error) {
	switch {
	case r.URL != "" && r.SHA256 == "":
		return nil, Source{}, fmt.Errorf("%s: a module from a URL needs its SHA-256 beside it, since the server could send any other", r.Source)
	case r.URL != "":
		module, err = o.kept(r.SHA256, MaxModule, func() ([]byte, error) { return o.client.Get(ctx, r.URL, MaxModule) })
		if other := (mismatch{}); errors.As(err, &other) {
			err = pinError(r.String(), other.got)
		}
		return module, Source{URL: besideURL(r.URL)}, err
	case r.OCI != "":
		module, err = o.pull(ctx, r.OCI)
		return module, Source{OCI: r.OCI}, err
	default:
		module, err = readFile(r.File, MaxModule)
		return module, Source{File: r.File + SignatureSuffix}, err
	}
}

// CheckPin holds that a module has the SHA-256 that it is pinned to, in lower case hex.
func CheckPin(name string, module []byte, pin string) error {
	if got := sum(module); got != pin {
		return pinError(name, got)
	}
	return nil
}

func pinError(name, got string) error {
	return fmt.Errorf("%s is not the module that sha256 pins: its SHA-256 is %s; look at what has changed before you pin that", name, got)
}

// mismatch is the error of octets whose hash is another one.
type mismatch struct{ want, got string }

func (m mismatch) Error() string {
	return fmt.Sprintf("the SHA-256 of what came is %s, and is to be %s", m.got, m.want)
}

// kept gets octets by their SHA-256: out of the cache, or else by fetching them.
func (o *Opener) kept(want string, most int, fetch func() ([]byte, error)) ([]byte, error) {
	octets, err := o.cache.get(want, most, func(octets []byte) bool { return sum(octets) == want })
	if err != nil || octets != nil {
		return octets, err
	}
	if octets, err = fetch(); err != nil {
		return nil, err
	}
	if got := sum(octets); got != want {
		return nil, mismatch{want: want, got: got}
	}
	return octets, o.cache.put(want, octets)
}

// Prune removes from the cache what this Opener was not asked for.
func (o *Opener) Prune() error { return o.cache.prune() }

// String gives the place for a message. The query of a URL, which may hold a token,
// is not shown.
func (s Source) String() string {
	switch {
	case s.URL != "":
		return fetch.ShownURL(s.URL)
	case s.OCI != "":
		return "oci://" + s.OCI
	default:
		return s.File
	}
}

func sum(octets []byte) string {
	s := sha256.Sum256(octets)
	return hex.EncodeToString(s[:])
}

// readFile reads a regular file of bounded size: to open a pipe waits for who writes
// it.
func readFile(file string, most int) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	octets, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(octets) > most {
		err = fmt.Errorf("%s has more than the %d octets that it may have", file, most)
	}
	return octets, err
}
