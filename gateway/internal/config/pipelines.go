package config

import (
	"fmt"
	"slices"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// Key names the plugin among all: its name, with that of its tenant and a slash in
// front where it has one.
func (p Plugin) Key() string {
	if p.Tenant == "" {
		return p.Name
	}
	return p.Tenant + "/" + p.Name
}

// AllPlugins lists the plugins that all tenants have, and then those of each tenant,
// without their shadows.
func (c *Config) AllPlugins() []Plugin {
	all := slices.Clone(c.Plugins)
	for _, t := range c.Tenants {
		all = append(all, t.Plugins...)
	}
	return all
}

// stage is what a pipeline says of a plugin, by its name.
type stage struct {
	syntax.Value
	tenant string // whose pipeline it is; empty for a plan
}

// pipelineSetting is the same on plans, tenants and aliases.
func (l *loader) pipelineSetting(target *[]string, tenant string) schema.Setting {
	var said []syntax.Value
	read := schema.Into(target, schema.ListOf(0, maxStages, noting(&said, distinct("plugin", schema.Text))))
	return schema.Setting{Name: "pipeline", Set: func(v syntax.Value) syntax.Problems {
		ps := read(v)
		for _, name := range said {
			l.stages = append(l.stages, stage{name, tenant})
		}
		return ps
	}}
}

// known are the plugins that pipelines may name.
type known struct {
	all     map[string]Plugin // that all tenants have, by name
	names   []string          // of them, in their order
	tenants map[string][]Plugin
}

// resolvePipelines finds names that no plugin has, and gives everybody who says no
// pipeline the nearest that was said. It needs the plans of all tenants.
func (l *loader) resolvePipelines() {
	k := known{all: make(map[string]Plugin), tenants: make(map[string][]Plugin)}
	for _, p := range l.config.Plugins {
		k.all[p.Name], k.names = p, append(k.names, p.Name)
	}
	for _, t := range l.config.Tenants {
		k.tenants[t.Name] = t.Plugins
	}
	l.checkOwnPlugins(k)
	l.checkStages(k)
	for i := range l.config.Plans {
		inherit(&l.config.Plans[i].Pipeline, k.names)
	}
	for i := range l.config.Tenants {
		t := &l.config.Tenants[i]
		inherit(&t.Plan.Pipeline, k.names)
		t.Pipeline = k.resolve(t.Pipeline, t.Plugins)
		inherit(&t.Pipeline, k.withOwn(t.Plan.Pipeline, t.Plugins))
		for j := range t.Aliases {
			a := &t.Aliases[j]
			a.Pipeline = k.resolve(a.Pipeline, t.Plugins)
			inherit(&a.Pipeline, t.Pipeline)
		}
	}
}

func inherit(pipeline *[]string, from []string) {
	if *pipeline == nil {
		*pipeline = append([]string{}, from...)
	}
}

// checkOwnPlugins finds plugins of tenants by whose name everybody has one: a pipeline
// that names it could mean either.
func (l *loader) checkOwnPlugins(k known) {
	for _, t := range l.config.Tenants {
		for _, p := range t.Plugins {
			if other, twice := k.all[p.Name]; twice {
				l.Note(p.At.Problem("give it another name", fmt.Sprintf("plugin %s stands at %s already, for all tenants", syntax.Quote(p.Name), other.At)))
			}
		}
	}
}

// checkStages finds what pipelines name that is not there, or is another tenant's.
func (l *loader) checkStages(k known) {
	if l.Partial() {
		return
	}
	for _, s := range l.stages {
		name, _ := s.Data.(string)
		own := k.tenants[s.tenant]
		if _, ok := k.all[name]; ok || slices.ContainsFunc(own, named(name)) {
			continue
		}
		names := slices.Clone(k.names)
		for _, p := range own {
			names = append(names, p.Name)
		}
		hint := l.DidYouMean(name, names)
		for _, t := range l.config.Tenants {
			if slices.ContainsFunc(t.Plugins, named(name)) {
				hint = fmt.Sprintf("tenant %s has one, for itself alone", syntax.Quote(t.Name))
				break
			}
		}
		l.Note(s.Wrong(hint, "there is no plugin %s", syntax.Quote(name))...)
	}
}

func named(name string) func(Plugin) bool {
	return func(p Plugin) bool { return p.Name == name }
}

// resolve makes the names of a tenant's pipeline keys.
func (k known) resolve(names []string, own []Plugin) []string {
	for i, name := range names {
		if at := slices.IndexFunc(own, named(name)); at >= 0 {
			names[i] = own[at].Key()
		}
	}
	return names
}

// withOwn adds a tenant's own plugins to a pipeline that was not made for it: at its end,
// but before the payload plugins there, which decide what leaves.
func (k known) withOwn(pipeline []string, own []Plugin) []string {
	at := len(pipeline)
	for at > 0 && k.all[pipeline[at-1]].Builtin == payloadPlugin {
		at--
	}
	keys := make([]string, len(own))
	for i, p := range own {
		keys[i] = p.Key()
	}
	return slices.Concat(pipeline[:at], keys, pipeline[at:])
}
