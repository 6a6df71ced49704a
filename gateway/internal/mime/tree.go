package mime

import (
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// addTree adds a part and all that it holds. package structure bounds how many
// they are.
func (p *parser) addTree(n *structure.Node) {
	p.msg.Tree = append(p.msg.Tree, Node{
		Path:        n.Path,
		ContentType: n.ContentType,
		Charset:     declaredCharset(n),
		Encoding:    header.Cut(n.Encoding, maxLabel),
		Disposition: header.Cut(n.Disposition.Value, maxLabel),
		Filename:    n.Filename(),
		EncodedSize: n.Part().Length,
		Size:        p.sizes[n],
	})
	for _, c := range n.Children {
		p.addTree(c)
	}
}
