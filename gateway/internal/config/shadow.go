package config

import (
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// shadow is what a plugin block says of the version that runs beside it.
type shadow struct {
	source         Source
	sha256         string
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
	if s.source.URL != "" && s.pinned.Data == nil {
		l.Note(s.at.Wrong(`write shadow_sha256 = "…"; sha256sum FILE prints it`, "a module from a URL needs shadow_sha256, since the server could send any other")...)
	}
	other := *p
	other.Source, other.SHA256 = s.source, s.sha256
	other.Signature = Source{} // its own is at its own place
	p.Shadow = &other
}
