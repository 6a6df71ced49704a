package config

import (
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// maxKeyText bounds a public key, in octets; it has 56.
const maxKeyText = 200

// signerBlock reads who may sign plugins. Whether a key is one is not known here.
func (l *loader) signerBlock(h schema.Header) *schema.Block {
	l.checkName(h, "signer")
	s := Signer{Name: h.Label}
	var key, file syntax.Value
	const want = `write exactly one of public_key and public_key_file; minisign -G makes a pair of keys`
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "public_key", Raw: true, Set: schema.Into(&key, schema.Any)},
			{Name: "public_key_file", Raw: true, Set: schema.Into(&file, schema.Any)},
		},
		Finish: func() {
			var ps syntax.Problems
			switch nowhere := (syntax.Place{}); {
			case key.At == nowhere && file.At == nowhere:
				ps = syntax.Problems{h.At.Problem(want, "the public key is missing")}
			case key.At != nowhere && file.At != nowhere:
				ps = file.Wrong(want, "the public key is given twice")
			case key.Data != nil:
				s.At = key.At
				s.PublicKey, ps = publicKey(key)
			case file.Data != nil:
				s.At = file.At
				s.PublicKeyFile, ps = schema.FilePath(file)
			}
			l.Note(ps...)
			l.config.Signers = append(l.config.Signers, s)
		},
	}
}

// publicKey reads the text of a key. No problem repeats it: it may be the secret one.
func publicKey(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps == nil && len(s) > maxKeyText {
		return "", v.Wrong("write the second line of the file that minisign -G calls public", "the value is longer than a public key; is it the secret one?")
	}
	return s, ps
}

// signedSettings are those of a plugin that only loads with a signature.
func (l *loader) signedSettings(p *Plugin, signedBy, signature *syntax.Value) []schema.Setting {
	return []schema.Setting{
		noted("signed_by", signedBy, foreign(p, "signed_by", schema.Into(&p.SignedBy, schema.Text))),
		noted("signature", signature, foreign(p, "signature", schema.Into(&p.Signature, signatureSource))),
	}
}

// noted makes a setting of which is kept that it was said, be it no literal, so that
// it is not also missing.
func noted(name string, target *syntax.Value, set func(syntax.Value) syntax.Problems) schema.Setting {
	return schema.Setting{Name: name, Raw: true, Set: func(v syntax.Value) syntax.Problems {
		*target = v
		if v.Data == nil {
			return nil
		}
		return set(v)
	}}
}

// foreign makes a setting that a builtin plugin has no use for.
func foreign(p *Plugin, name string, set func(syntax.Value) syntax.Problems) func(syntax.Value) syntax.Problems {
	return func(v syntax.Value) syntax.Problems {
		if p.Builtin != "" {
			return v.Wrong("leave "+name+" out", "a builtin plugin is a part of the program, and is not signed by itself")
		}
		return set(v)
	}
}

// signatureSource reads where a signature is.
func signatureSource(v syntax.Value) (Source, syntax.Problems) {
	const hint = `write "file:PATH" or "https://…"`
	s, ps := source(v)
	for i := range ps {
		ps[i].Hint = hint
	}
	if ps == nil && s.File == "" && s.URL == "" {
		return Source{}, v.Wrong(hint, "a signature is a file of its own")
	}
	return s, ps
}

// checkTrust notes what the settings of a plugin cannot say about each other: a
// module from the network has to be pinned, and whoever is to have signed it known.
func (l *loader) checkTrust(p Plugin, source, pin, signedBy, signature syntax.Value) {
	nowhere := syntax.Place{}
	if p.URL != "" && pin.At == nowhere {
		l.Note(source.Wrong(`write sha256 = "…"; sha256sum FILE prints it`, "a module from a URL needs sha256, since the server could send any other")...)
	}
	if signature.At != nowhere && signedBy.At == nowhere {
		l.Note(signature.Wrong("write signed_by too, or leave signature out", "nobody is asked whose signature it has to be")...)
	}
	if p.SignedBy == "" {
		return
	}
	l.later = append(l.later, func() { // when all signers are known
		names := make([]string, len(l.config.Signers))
		for i, s := range l.config.Signers {
			if names[i] = s.Name; s.Name == p.SignedBy {
				return
			}
		}
		if l.Partial() {
			return
		}
		hint := l.DidYouMean(p.SignedBy, names)
		if hint == "" {
			hint = fmt.Sprintf("write signer %s { public_key = \"RW…\" }", syntax.Quote(p.SignedBy))
		}
		l.Note(signedBy.Wrong(hint, "there is no signer %s", syntax.Quote(p.SignedBy))...)
	})
}
