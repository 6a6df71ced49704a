package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

const (
	sourceHint = `write "builtin:NAME", "file:PATH", "https://…" or "oci://REGISTRY/REPOSITORY@sha256:…"`
	ociHint    = `write "oci://REGISTRY/REPOSITORY@sha256:…", where the digest is that of the manifest`
)

// Source is where a plugin's module is: at most one of its fields is set.
type Source struct {
	Builtin string // name of a plugin in the binary
	File    string // path of a module
	URL     string `json:",omitempty"` // of a module, by https
	OCI     string `json:",omitempty"` // artifact in a registry, as REGISTRY/REPOSITORY@sha256:DIGEST
}

// ParseSource reads a source as a plugin block does. A relative path stays relative
// to the working directory.
func ParseSource(text string) (Source, error) {
	s, ps := source(syntax.Value{Data: text})
	if ps != nil {
		return Source{}, errors.New(ps.Error())
	}
	return s, nil
}

// source reads where a module is. It does not look there.
func source(v syntax.Value) (Source, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return Source{}, ps
	}
	scheme, rest, _ := strings.Cut(s, ":")
	switch {
	case scheme == "builtin" && nameForm.MatchString(rest):
		return Source{Builtin: rest}, nil
	case scheme == "builtin":
		return Source{}, v.Wrong(`write a name, as in "builtin:classify"`, "%s is no name of a builtin plugin", syntax.Quote(rest))
	case scheme == "file" && rest == "":
		return Source{}, v.Wrong(`write a path, as in "file:plugins/crm.wasm"`, "source names no file")
	case scheme == "file" && strings.HasPrefix(rest, "//"):
		return Source{}, v.Wrong(`write "file:PATH", without slashes in front`, "source is a path and no URL")
	case scheme == "file":
		file, ps := schema.FilePath(syntax.Value{Data: rest, At: v.At})
		return Source{File: file}, ps
	case scheme == "http":
		return Source{}, v.Wrong(`write "https://…"`, "a module does not come by plain http")
	case scheme == "https":
		return moduleURL(v)
	case scheme == "oci":
		return artifact(v, rest)
	default:
		return Source{}, v.Wrong(sourceHint, "%s is no source of a plugin", syntax.Quote(s))
	}
}

// moduleURL reads a URL to fetch from. Its query may hold a token, so that no
// message quotes it.
func moduleURL(v syntax.Value) (Source, syntax.Problems) {
	u, _, ps := webURL(v, "write it without; an oci:// source takes the login that docker has kept")
	switch {
	case ps != nil:
		return Source{}, ps
	case !isHost(u.Hostname()):
		return Source{}, v.Wrong("", "the host of the url is neither an IP address nor a name")
	case u.Path == "" || strings.HasSuffix(u.Path, "/"):
		return Source{}, v.Wrong(`write it like "https://host/crm-1.2.0.wasm"`, "url names no file")
	}
	return Source{URL: u.String()}, nil
}

var (
	// repositoryForm is that of the distribution specification of OCI.
	repositoryForm = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	digestForm     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// artifact reads //REGISTRY/REPOSITORY@DIGEST.
func artifact(v syntax.Value, rest string) (Source, syntax.Problems) {
	reference, slashes := strings.CutPrefix(rest, "//")
	name, digest, pinned := strings.Cut(reference, "@")
	host, repository, _ := strings.Cut(name, "/")
	repository, _, tagged := strings.Cut(repository, ":")
	u, err := url.Parse("https://" + host)
	switch {
	case !slashes || err != nil || u.Host != host || !isHost(u.Hostname()):
		return Source{}, v.Wrong(ociHint, "the source names no registry")
	case !repositoryForm.MatchString(repository):
		return Source{}, v.Wrong(ociHint, "%s is no name of a repository", syntax.Quote(repository))
	case tagged && !pinned:
		return Source{}, v.Wrong(ociHint, "the source names a tag, which whoever has the registry can move to another module")
	case !pinned:
		return Source{}, v.Wrong(ociHint, "the source names no digest, so that it could be any module of the repository")
	case tagged:
		return Source{}, v.Wrong("leave the tag out", "the source names a tag and a digest, of which the digest alone counts")
	case !digestForm.MatchString(digest):
		return Source{}, v.Wrong(`write "sha256:" and 64 hexadecimal digits in lower case`, "%s is no digest", syntax.Quote(digest))
	}
	return Source{OCI: reference}, nil
}
