package config

import (
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// shadow is what a plugin block says of the version that runs beside it.
type shadow struct {
	plugin         Plugin       // of which the source is read, as that of any plugin
	at             syntax.Value // of the setting; without a place where it is not said
	pinned, valued syntax.Value // what makes no sense without it
}

// addShadow gives a plugin, which is read, its shadow.
func (l *loader) addShadow(p *Plugin, s *shadow) {
	if s.at.Data == nil {
		for name, v := range map[string]syntax.Value{"shadow_sha256": s.pinned, "shadow_values": s.valued} {
			if v.Data != nil {
				l.Note(v.Wrong(`say which version, as in shadow = "file:plugins/crm-2.wasm"`, "%s goes with shadow only", name)...)
			}
		}
		return
	}
	other := *p
	other.Builtin, other.File, other.SHA256 = s.plugin.Builtin, s.plugin.File, s.plugin.SHA256
	p.Shadow = &other
}
