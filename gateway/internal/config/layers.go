package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

const (
	envPrefix = "POSTERN_"
	// envDelimiter parts block from setting, since setting names hold a _.
	envDelimiter = "__"
	// delimiter parts them in koanf and in flags. Only keys of the schema reach
	// koanf, and no name there holds a dot: nothing can split in a wrong place.
	delimiter = "."
)

// A layering merges the single blocks over all sources; labelled ones do not go
// through koanf, which would replace the list of one file by that of the next.
// koanf holds the values
// together with the places where they were said, so that what wins by
// precedence and what a message points at are one decision.
type layering struct {
	*loader
	k      *koanf.Koanf
	blocks map[string]*block // by type
	opened map[string]place  // where a file has the block
	said   map[string]bool   // by any source but the defaults
}

// layerSingles reads the unlabelled blocks: defaults < files < environment < flags.
func (l *loader) layerSingles(bodies []*hclsyntax.Body, o Options) {
	layers := &layering{
		loader: l,
		k:      koanf.New(delimiter),
		blocks: map[string]*block{},
		opened: map[string]place{},
		said:   map[string]bool{},
	}
	kinds := l.singles()
	defaults := map[string]any{}
	for _, c := range kinds {
		layers.blocks[c.kind] = c.open(header{})
		for _, s := range layers.blocks[c.kind].settings {
			if s.initial != "" {
				defaults[c.kind+delimiter+s.name] = value{Data: s.initial}
			}
		}
	}
	layers.load(confmap.Provider(defaults, delimiter))
	for _, body := range bodies {
		layers.file(body)
	}
	layers.environment(o.Environ)
	layers.flags(o.Flags)

	for _, c := range kinds {
		if c.kind == inspectorKind && !layers.said[c.kind] {
			continue
		}
		layers.fillSingle(c.kind, firstFile(o.Files))
	}
}

// load puts one source over those before.
func (l *layering) load(p koanf.Provider) {
	if err := l.k.Load(p, nil); err != nil {
		l.problem(place{}, "", fmt.Sprintf("merge settings: %s", err))
	}
}

// file layers the single blocks of one file.
func (l *layering) file(body *hclsyntax.Body) {
	layer := map[string]any{}
	seen := map[string]place{}
	for _, hb := range body.Blocks {
		b, single := l.blocks[hb.Type]
		if !single {
			continue
		}
		// A block may stand in each file, but in one file once.
		c := child{kind: hb.Type}
		h, ok := l.header(c, hb)
		if !ok || !l.once(c, h, seen) {
			continue
		}
		l.opened[hb.Type], l.said[hb.Type] = h.at, true
		for name, v := range l.values(b, "in "+hb.Type, hb.Body) {
			layer[hb.Type+delimiter+name] = v
		}
		l.readChildren(b, "in "+hb.Type, hb.Body, map[string]place{})
	}
	l.load(confmap.Provider(layer, delimiter))
}

// environment layers the variables that name a setting. POSTERN_ variables
// without a __ have other uses.
func (l *layering) environment(environ []string) {
	l.load(env.Provider(delimiter, env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, text string) (string, any) {
			rest := strings.TrimPrefix(name, envPrefix)
			if !strings.Contains(rest, envDelimiter) {
				return "", nil
			}
			at := place{File: "environment " + name}
			key := strings.Replace(strings.ToLower(rest), envDelimiter, delimiter, 1)
			// Lower-case spellings would be second names for one setting.
			if rest != strings.ToUpper(rest) || !l.names(key) {
				l.problem(at, l.didYouMean(name, l.envNames()), "there is no such setting")
				return "", nil
			}
			return l.say(key, text, at)
		},
	}))
}

// flags layers the settings given on the command line.
func (l *layering) flags(flags map[string]string) {
	layer := map[string]any{}
	for _, key := range sortedKeys(flags) {
		at := place{File: "flag --set " + key}
		if !l.names(key) {
			l.problem(at, l.didYouMean(key, l.keys()), "there is no such setting")
			continue
		}
		_, layer[key] = l.say(key, flags[key], at)
	}
	l.load(confmap.Provider(layer, delimiter))
}

// say makes text the value of a setting that exists.
func (l *layering) say(key, text string, at place) (string, any) {
	kind, _, _ := strings.Cut(key, delimiter)
	l.said[kind] = true
	return key, value{Data: text, At: at}
}

// names says whether a key names a setting of a single block.
func (l *layering) names(key string) bool {
	kind, name, _ := strings.Cut(key, delimiter)
	b := l.blocks[kind]
	return b != nil && b.setting(name) != nil
}

// keys lists the settings of the single blocks.
func (l *layering) keys() []string {
	var keys []string
	for _, kind := range sortedKeys(l.blocks) {
		for _, name := range l.blocks[kind].settingNames() {
			keys = append(keys, kind+delimiter+name)
		}
	}
	return keys
}

func (l *layering) envNames() []string {
	names := l.keys()
	for i, key := range names {
		names[i] = envPrefix + strings.ToUpper(strings.Replace(key, delimiter, envDelimiter, 1))
	}
	return names
}

// fillSingle hands the merged values to a single block. A setting that is
// missing is reported where the block stands, or else at the first file.
func (l *layering) fillSingle(kind string, elsewhere place) {
	b := l.blocks[kind]
	at, stands := l.opened[kind]
	values := map[string]value{}
	for _, s := range b.settings {
		v, said := l.k.Get(kind + delimiter + s.name).(value)
		switch {
		case said:
			values[s.name] = v
		case s.required && l.partial:
			values[s.name] = value{} // may stand in the file that is not read
		case s.required && !stands:
			l.problem(elsewhere, fmt.Sprintf("write %s { %s = … }", kind, s.name), fmt.Sprintf("%s.%s is missing", kind, s.name))
			values[s.name] = value{}
		}
	}
	l.fill(b, at, values)
	if b.finish != nil {
		b.finish()
	}
}

// readLabelled reads the blocks that carry a name, and notes those that nobody
// knows.
func (l *loader) readLabelled(bodies []*hclsyntax.Body) {
	singles := l.singles()
	root := &block{children: append(l.labelled(), singles...)}
	seen := map[string]place{}
	for _, body := range bodies {
		l.values(root, "outside a block", body)
		// A copy without the single blocks, which are read already.
		rest := *body
		rest.Blocks = slices.DeleteFunc(slices.Clone(body.Blocks), func(hb *hclsyntax.Block) bool {
			return slices.Contains(childNames(singles), hb.Type)
		})
		l.readChildren(root, "", &rest, seen)
	}
}
