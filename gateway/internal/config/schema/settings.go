package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// ReadSettings fills one block by settings that stand in no file: names as "host", and as "imap.host" for what is in
// a block in it. The text of each is as flags have it. what names the block in messages.
func (r *Reader) ReadSettings(what string, b *Block, settings map[string]string) {
	r.settings(what, "", b, settings)
}

func (r *Reader) settings(what, prefix string, b *Block, settings map[string]string) {
	at := func(name string) syntax.Place { return syntax.Place{File: what + ", " + prefix + name} }
	values := make(map[string]syntax.Value)
	nested := make(map[string]map[string]string)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		block, name, inside := strings.Cut(key, delimiter)
		switch {
		case inside && slices.Contains(kinds(b.Children), block):
			if nested[block] == nil {
				nested[block] = make(map[string]string)
			}
			nested[block][name] = settings[key]
		case !inside && b.setting(key) != nil:
			values[key] = syntax.Value{Data: settings[key], At: at(key)}
		default:
			var names []string
			for _, name := range b.settingNames() {
				names = append(names, prefix+name)
			}
			r.Note(at(key).Problem(r.DidYouMean(prefix+key, names), fmt.Sprintf("there is no setting %s", syntax.Quote(prefix+key))))
		}
	}
	place := syntax.Place{File: strings.TrimSuffix(what+", "+strings.TrimSuffix(prefix, delimiter), ", ")}
	r.fill(b, place, values)
	for _, c := range b.Children {
		if nested[c.Kind] != nil {
			r.settings(what, prefix+c.Kind+delimiter, c.Open(Header{At: place}), nested[c.Kind])
		}
	}
	if b.Finish != nil {
		b.Finish()
	}
}
