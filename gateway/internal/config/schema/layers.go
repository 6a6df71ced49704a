package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
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
// koanf holds the values together with the places where they were said, so that
// what wins by precedence and what a message points at are one decision.
type layering struct {
	*Reader
	k      *koanf.Koanf
	blocks map[string]*Block       // by type
	opened map[string]syntax.Place // where a file has the block
	said   map[string]bool         // by any source but the defaults
}

// readSingles reads the unlabelled blocks: defaults < files < environment < flags.
func (r *Reader) readSingles(singles []Child) {
	l := &layering{
		Reader: r,
		k:      koanf.New(delimiter),
		blocks: map[string]*Block{},
		opened: map[string]syntax.Place{},
		said:   map[string]bool{},
	}
	defaults := map[string]any{}
	for _, c := range singles {
		b := c.Open(Header{})
		l.blocks[c.Kind] = b
		for _, s := range b.Settings {
			if s.Initial != "" {
				defaults[c.Kind+delimiter+s.Name] = syntax.Value{Data: s.Initial}
			}
		}
	}
	l.load(confmap.Provider(defaults, delimiter))
	for _, body := range r.bodies {
		l.file(body)
	}
	l.environment(r.sources.Environ)
	l.flags(r.sources.Flags)

	for _, c := range singles {
		if !c.Optional || l.said[c.Kind] {
			l.fillSingle(c.Kind)
		}
	}
}

// load puts one source over those before.
func (l *layering) load(p koanf.Provider) {
	if err := l.k.Load(p, nil); err != nil {
		l.Note(syntax.Place{}.Problem("", fmt.Sprintf("merge settings: %s", err)))
	}
}

// file layers the single blocks of one file.
func (l *layering) file(body syntax.Body) {
	layer := map[string]any{}
	seen := map[string]syntax.Place{}
	for _, found := range body.Blocks {
		b, single := l.blocks[found.Type]
		if !single {
			continue
		}
		// A block may stand in each file, but in one file once.
		c := Child{Kind: found.Type}
		h, ok := l.header(c, found)
		if !ok || !l.once(c, h, seen) {
			continue
		}
		l.opened[found.Type], l.said[found.Type] = h.At, true
		for name, v := range l.values(b, "in "+found.Type, found.Body) {
			layer[found.Type+delimiter+name] = v
		}
		l.readChildren(b, "in "+found.Type, found.Body.Blocks, map[string]syntax.Place{})
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
			at := syntax.Place{File: "environment " + name}
			if !strings.Contains(rest, envDelimiter) {
				if meant, ok := l.underscored(name); ok {
					l.Note(at.Problem(fmt.Sprintf("did you mean %q?", meant), "block and setting are parted by two underscores"))
				}
				return "", nil
			}
			key := strings.Replace(strings.ToLower(rest), envDelimiter, delimiter, 1)
			// Lower-case spellings would be second names for one setting.
			if rest != strings.ToUpper(rest) || !l.names(key) {
				l.Note(at.Problem(l.DidYouMean(name, l.envNames()), "there is no such setting"))
				return "", nil
			}
			return l.say(key, text, at)
		},
	}))
}

// underscored finds the setting that a variable would name if it had another
// underscore.
func (l *layering) underscored(name string) (meant string, found bool) {
	for _, known := range l.envNames() {
		if strings.ReplaceAll(known, envDelimiter, "_") == name {
			return known, true
		}
	}
	return "", false
}

// flags layers the settings given on the command line.
func (l *layering) flags(flags map[string]string) {
	layer := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		at := syntax.Place{File: "flag --set " + key}
		if !l.names(key) {
			l.Note(at.Problem(l.DidYouMean(key, l.keys()), "there is no such setting"))
			continue
		}
		_, layer[key] = l.say(key, flags[key], at)
	}
	l.load(confmap.Provider(layer, delimiter))
}

// say makes text the value of a setting that exists.
func (l *layering) say(key, text string, at syntax.Place) (string, any) {
	kind, _, _ := strings.Cut(key, delimiter)
	l.said[kind] = true
	return key, syntax.Value{Data: text, At: at}
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
	for _, kind := range slices.Sorted(maps.Keys(l.blocks)) {
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
func (l *layering) fillSingle(kind string) {
	b := l.blocks[kind]
	at, stands := l.opened[kind]
	values := map[string]syntax.Value{}
	for _, s := range b.Settings {
		v, said := l.k.Get(kind + delimiter + s.Name).(syntax.Value)
		switch {
		case said:
			values[s.Name] = v
		case s.Required && l.partial:
			values[s.Name] = syntax.Value{} // may stand in the file that is not read
		case s.Required && !stands:
			l.Note(l.elsewhere().Problem(fmt.Sprintf("write %s { %s = … }", kind, s.Name), fmt.Sprintf("%s.%s is missing", kind, s.Name)))
			values[s.Name] = syntax.Value{}
		}
	}
	l.fill(b, at, values)
	if b.Finish != nil {
		b.Finish()
	}
}
