package config

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/document"
)

const (
	maxPointers = 1000 // of one plugin's read or write
	maxStages   = 100  // of one pipeline

	payloadPlugin = "payload" // the builtin that shapes and cuts
)

// Permissions are the interfaces of the plugin contract that need a grant, in the
// order of the contract.
func Permissions() []string {
	return []string{"envelope", "headers", "body", "attachments", "raw", "scans", "payload", "disposition"}
}

// pluginBlock is a plugin that all tenants have.
func (l *loader) pluginBlock(h schema.Header) *schema.Block {
	return l.pluginBlockOf(&l.config.Plugins, "", h)
}

// pluginBlockOf is a plugin of a tenant, or without a name of all.
func (l *loader) pluginBlockOf(list *[]Plugin, tenant string, h schema.Header) *schema.Block {
	l.checkName(h, "plugin")
	p := &Plugin{Name: h.Label, Tenant: tenant, At: h.Name, Options: []byte("{}")}
	shadow := &shadow{}
	var from, pin, signedBy, signature syntax.Value
	return &schema.Block{
		Settings: append([]schema.Setting{
			// The source is set first: the permissions ask what it is.
			{Name: "source", Required: true, Set: schema.Also(&from, schema.Into(&p.Source, source))},
			noted("sha256", &pin, schema.Into(&p.SHA256, digest)),
			p.grantSetting("grant", schema.Into(&p.Grant, schema.ListOf(0, 100, distinct("permission", permission)))),
			p.grantSetting("write", schema.Into(&p.Write, schema.ListOf(0, maxPointers, distinct("pointer", pointer)))),
			p.grantSetting("read", schema.Into(&p.Read, schema.ListOf(0, maxPointers, distinct("pointer", pointer)))),
			{Name: "timeout", Initial: "5s", Set: schema.Into(&p.Timeout, schema.Duration(time.Millisecond, 5*time.Minute))},
			{Name: "memory", Initial: "128MiB", Set: schema.Into(&p.Memory, schema.Size(1<<20, 2<<30))},
			{Name: "fuel", Initial: "10000000000", Set: schema.Into(&p.Fuel, fuel)},
			{Name: "on_error", Set: schema.Into(&p.OnError, schema.OneOf("skip", "retry", "quarantine"))},
			{Name: "shadow", Set: schema.Also(&shadow.at, schema.Into(&shadow.source, source))},
			{Name: "shadow_sha256", Set: schema.Also(&shadow.pinned, schema.Into(&shadow.sha256, digest))},
			{Name: "shadow_values", Set: schema.Also(&shadow.valued, schema.Into(&p.ShadowValues, schema.Boolean))},
		}, l.signedSettings(p, &signedBy, &signature)...),
		Children: []schema.Child{{Kind: "options", Open: func(schema.Header) *schema.Block {
			return &schema.Block{Free: p.setOptions}
		}}},
		Finish: func() {
			if p.OnError == "" {
				p.OnError = defaultPolicy(p.Builtin)
			}
			l.checkTrust(*p, from, pin, signedBy, signature)
			l.addShadow(p, shadow)
			*list = append(*list, *p)
		},
	}
}

// fuel reads a number of units. To start a plugin in Go takes some ten thousand.
func fuel(v syntax.Value) (int64, syntax.Problems) {
	n, ps := schema.Integer(1000, 1_000_000_000_000)(v)
	return int64(n), ps
}

// defaultPolicy is what the failure of a plugin means where nobody says it. What cuts
// a payload must not be skipped: a mail would decide what is given away.
func defaultPolicy(builtin string) string {
	if builtin == payloadPlugin {
		return "retry"
	}
	return "skip"
}

// grantSetting makes a setting that only plugins from elsewhere take.
func (p *Plugin) grantSetting(name string, set func(syntax.Value) syntax.Problems) schema.Setting {
	return schema.Setting{Name: name, Set: func(v syntax.Value) syntax.Problems {
		if p.Builtin != "" {
			return v.Wrong("leave "+name+" out", "a builtin plugin carries its own permissions")
		}
		return set(v)
	}}
}

func (p *Plugin) setOptions(attributes []syntax.Attribute) syntax.Problems {
	options, ps := syntax.JSON(attributes)
	if ps == nil {
		p.Options = options
	}
	return ps
}

// digest reads a SHA-256.
func digest(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	if octets, err := hex.DecodeString(s); err != nil || len(octets) != 32 {
		return "", v.Wrong("sha256sum FILE prints it", "want the 64 hexadecimal digits of a SHA-256")
	}
	return strings.ToLower(s), nil
}

// permission reads what may be granted.
func permission(v syntax.Value) (string, syntax.Problems) {
	if v.Data == "log" {
		return "", v.Wrong("leave it out", "log needs no grant")
	}
	return schema.OneOf(Permissions()...)(v)
}

// pointer reads a JSON Pointer. The empty one means the whole payload.
func pointer(v syntax.Value) (document.Pointer, syntax.Problems) {
	if v.Data == "" {
		return document.Pointer{}, nil
	}
	s, ps := schema.Text(v)
	if ps != nil {
		return nil, ps
	}
	p, err := document.ParsePointer(s)
	if err != nil { // whose text quotes s as it is
		return nil, v.Wrong(`write it as "/crm/id"; ~ in a name is ~0, and / is ~1`, "%s is no JSON Pointer", syntax.Quote(s))
	}
	return p, nil
}

// noting makes a kind that keeps what it reads with its place, for when all
// that it may refer to is known.
func noting(references *[]syntax.Value, read schema.Kind[string]) schema.Kind[string] {
	return func(v syntax.Value) (string, syntax.Problems) {
		name, ps := read(v)
		if ps == nil {
			*references = append(*references, syntax.Value{Data: name, At: v.At})
		}
		return name, ps
	}
}

// distinct makes a kind that refuses text which it has read before. Each list
// needs its own.
func distinct[T any](what string, read schema.Kind[T]) schema.Kind[T] {
	seen := map[string]bool{}
	return func(v syntax.Value) (T, syntax.Problems) {
		x, ps := read(v)
		if s, ok := v.Data.(string); ok && ps == nil {
			if seen[s] {
				ps = v.Wrong("", "%s %s stands twice", what, syntax.Quote(s))
			}
			seen[s] = true
		}
		return x, ps
	}
}
