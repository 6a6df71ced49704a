package structure

import (
	"strconv"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/media"
)

// Node is a part: a leaf with content, or a multipart with children. The mail
// itself is the root.
type Node struct {
	// Path is the place of the part, as in "1.2"; empty for the root.
	Path string
	// ContentType is type/subtype in lower case: the declared one or, where none
	// can be read, the default. Media is the field as declared, for its parameters.
	ContentType string
	Media       media.Field
	Disposition media.Field
	// Encoding is the Content-Transfer-Encoding in lower case and well spelled
	// where it is a known one; empty where there is none.
	Encoding string
	// ContentID is without angle brackets.
	ContentID string
	// Children are the parts of a multipart. A leaf has none.
	Children []*Node

	// start and end bound the encoded content in the raw message.
	start, end int64
}

func (n *Node) multipart() bool { return strings.HasPrefix(n.ContentType, "multipart/") }

// child adds a part to a multipart.
func (n *Node) child() *Node {
	path := strconv.Itoa(len(n.Children) + 1)
	if n.Path != "" {
		path = n.Path + "." + path
	}
	c := &Node{Path: path}
	n.Children = append(n.Children, c)
	return c
}

// interpret reads the fields that describe the content. Of a repeated one the
// first counts. inDigest changes the default type (RFC 2046 section 5.1.5).
func (n *Node) interpret(notes *Notes, fields []Field, inDigest bool) {
	seen := make(map[string]bool)
	for _, f := range fields {
		name := strings.ToLower(f.Name)
		if !isContentField(name) {
			continue
		}
		if seen[name] {
			notes.Warn(WarnDuplicateField, n.Path, "a second "+name+" was ignored")
			continue
		}
		seen[name] = true
		value := string(f.Value)
		switch name {
		case "content-type":
			n.Media = media.Parse(value)
			n.ContentType = n.Media.Value
			n.checkParams(notes, "Content-Type", n.Media)
		case "content-disposition":
			n.Disposition = media.Parse(value)
			if n.Disposition.Value == "" || !n.Disposition.Clean {
				notes.Warn(WarnBadDisposition, n.Path, "Content-Disposition is malformed")
			}
			n.checkParams(notes, "Content-Disposition", n.Disposition)
		case "content-transfer-encoding":
			n.Encoding = encodingName(value)
		case "content-id":
			if ids := header.MessageIDs(value, 1); len(ids) > 0 {
				n.ContentID = ids[0]
			} else {
				n.ContentID, _ = header.Text(value)
			}
		}
	}
	n.defaultType(notes, seen["content-type"], inDigest)
	switch n.Encoding {
	case "", "7bit", "8bit", "binary", "base64", "quoted-printable":
	default:
		notes.Warn(WarnUnknownEncoding, n.Path, "unknown transfer encoding "+strconv.Quote(header.Cut(n.Encoding, 40)))
	}
}

func (n *Node) checkParams(notes *Notes, field string, f media.Field) {
	if f.BadParam != "" {
		notes.Warn(WarnBadParameter, n.Path, "the parameter "+strconv.Quote(header.Cut(f.BadParam, 40))+" of "+field+" is malformed")
	}
}

// defaultType puts a type where none can be read: text/plain (RFC 2045 section
// 5.2), which for a file would be a guess too many.
func (n *Node) defaultType(notes *Notes, declared, inDigest bool) {
	major, minor, ok := strings.Cut(n.ContentType, "/")
	if ok && major != "" && minor != "" && !strings.ContainsAny(n.ContentType, " \t") {
		if !n.Media.Clean {
			notes.Warn(WarnBadContentType, n.Path, "Content-Type is malformed")
		}
		return
	}
	if declared {
		notes.Warn(WarnBadContentType, n.Path, "no type in Content-Type")
	}
	switch {
	case inDigest && !declared:
		n.ContentType = "message/rfc822"
	case n.ContentType == "multipart": // half of a type still says that there are parts
		n.ContentType = "multipart/mixed"
	case n.Filename() != "" && declared && n.ContentType != "text":
		n.ContentType = "application/octet-stream"
	default:
		n.ContentType = "text/plain"
	}
}

func isContentField(name string) bool {
	return len(name) > len("content-") && strings.EqualFold(name[:len("content-")], "content-")
}

// encodingName reads a Content-Transfer-Encoding, with the mistakes that are
// common.
func encodingName(value string) string {
	name := media.Parse(value).Value
	switch name {
	case "7-bit", "7bits", "us-ascii":
		return "7bit"
	case "8-bit", "8bits", "utf-8":
		return "8bit"
	case "quoted_printable", "quotedprintable", "quoted-printeable":
		return "quoted-printable"
	case "base-64", "base64:":
		return "base64"
	}
	return name
}

// Filename returns the name of a file: the parameter of Content-Disposition or
// else the older one of Content-Type (RFC 2183 section 2.3). It is the sender's
// data and must never be used as a path.
func (n *Node) Filename() string {
	name := n.Disposition.Text("filename")
	if name == "" {
		name = n.Media.Text("name")
	}
	if name == "" { // written by those who mix up the two
		name = n.Disposition.Text("name")
	}
	return header.Cut(name, maxFilename)
}

// Part says where the content lies, within the octets that were scanned. Of encodings
// that there are not it says none, since those are any words of the sender's.
func (n *Node) Part() document.Part {
	p := document.Part{Offset: n.start, Length: n.end - n.start}
	if n.Encoding == "base64" || n.Encoding == "quoted-printable" {
		p.Encoding = n.Encoding
	}
	return p
}
