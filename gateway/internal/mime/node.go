package mime

import (
	"strconv"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
)

// node is a part: a leaf with content, or a multipart with children. The mail
// itself is the root.
type node struct {
	path        string // "1.2"; empty for the root
	contentType string // type/subtype
	media       header.Media
	disposition header.Media
	encoding    string // as declared, in lower case
	contentID   string

	// start and end bound the encoded content in the raw message.
	start, end int64
	children   []*node
}

func (n *node) multipart() bool { return strings.HasPrefix(n.contentType, "multipart/") }

// child adds a part to a multipart.
func (n *node) child() *node {
	path := strconv.Itoa(len(n.children) + 1)
	if n.path != "" {
		path = n.path + "." + path
	}
	c := &node{path: path}
	n.children = append(n.children, c)
	return c
}

// interpret reads the fields that describe the content. Of a repeated one the
// first counts. inDigest changes the default type (RFC 2046 section 5.1.5).
func (n *node) interpret(m *Message, fields []rawField, inDigest bool) {
	seen := make(map[string]bool)
	for _, f := range fields {
		name := strings.ToLower(f.name)
		if !isContentField(name) {
			continue
		}
		if seen[name] {
			m.warn(WarnDuplicateField, n.path, "a second "+name+" was ignored")
			continue
		}
		seen[name] = true
		value := string(f.value)
		switch name {
		case "content-type":
			n.media = header.ParseMedia(value)
			n.contentType = n.media.Value
		case "content-disposition":
			n.disposition = header.ParseMedia(value)
		case "content-transfer-encoding":
			n.encoding = encodingName(value)
		case "content-id":
			if ids := header.MessageIDs(value, 1); len(ids) > 0 {
				n.contentID = ids[0]
			} else {
				n.contentID, _ = header.Text(value)
			}
		}
	}
	n.defaultType(m, seen["content-type"], inDigest)
	switch n.encoding {
	case "", "7bit", "8bit", "binary", "base64", "quoted-printable":
	default:
		m.warn(WarnUnknownEncoding, n.path, "unknown transfer encoding "+strconv.Quote(header.Cut(n.encoding, 40)))
	}
}

// defaultType puts a type where none can be read: text/plain (RFC 2045 section
// 5.2), which for a file would be a guess too many.
func (n *node) defaultType(m *Message, declared, inDigest bool) {
	major, minor, ok := strings.Cut(n.contentType, "/")
	if ok && major != "" && minor != "" && !strings.ContainsAny(n.contentType, " \t") {
		if !n.media.Clean {
			m.warn(WarnBadContentType, n.path, "Content-Type is malformed")
		}
		return
	}
	if declared {
		m.warn(WarnBadContentType, n.path, "no type in Content-Type")
	}
	switch {
	case inDigest && !declared:
		n.contentType = "message/rfc822"
	case n.contentType == "multipart": // half of a type still says that there are parts
		n.contentType = "multipart/mixed"
	case n.filename() != "" && declared && n.contentType != "text":
		n.contentType = "application/octet-stream"
	default:
		n.contentType = "text/plain"
	}
}

func isContentField(name string) bool {
	return len(name) > len("content-") && strings.EqualFold(name[:len("content-")], "content-")
}

// encodingName reads a Content-Transfer-Encoding, with the mistakes that are
// common.
func encodingName(value string) string {
	name := header.ParseMedia(value).Value
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

// filename returns the name of a file: the parameter of Content-Disposition or
// else the older one of Content-Type (RFC 2183 section 2.3).
func (n *node) filename() string {
	name := n.disposition.Text("filename")
	if name == "" {
		name = n.media.Text("name")
	}
	if name == "" { // written by those who mix up the two
		name = n.disposition.Text("name")
	}
	return header.Cut(name, maxFilename)
}

// part says where the content lies.
func (n *node) part() document.Part {
	return document.Part{Offset: n.start, Length: n.end - n.start, Encoding: n.encoding}
}
