package payload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
)

// attachmentMail has attachments of the given sizes, each of one letter.
func attachmentMail(sizes ...int) []byte {
	var b strings.Builder
	b.WriteString("From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n")
	for i, n := range sizes {
		fmt.Fprintf(&b, "--b\r\nContent-Type: application/x-%d\r\nContent-Disposition: attachment; filename=\"../%d.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
			i, i, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte('a' + i)}, n)))
	}
	return []byte(b.String() + "--b--\r\n")
}

// link makes URLs of which the size of the content is seen.
func link(p document.Part) string {
	return fmt.Sprintf("https://mx.example/attachments/%d", p.Size)
}

// places renders a document and says where the content of each attachment is.
func places(t *testing.T, doc *document.Document, raw []byte) (list []string, size int) {
	t.Helper()
	text := render(t, doc, raw)
	if err := schematest.Compile(t, schematest.Exact).Check(text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	var p struct {
		Message struct {
			Attachments []struct {
				Content []byte
				URL     *string
				Size    int
			}
		}
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	for _, a := range p.Message.Attachments {
		switch {
		case a.URL != nil && a.Content == nil && *a.URL == fmt.Sprintf("https://mx.example/attachments/%d", a.Size):
			list = append(list, "url")
		case a.URL == nil && len(a.Content) == a.Size && a.Content != nil:
			list = append(list, "inline")
		case a.URL == nil && a.Content == nil:
			list = append(list, "none")
		default:
			t.Errorf("attachment %+v", a)
		}
	}
	return list, len(text)
}

func TestPlaceContent(t *testing.T) {
	t.Parallel()
	raw := attachmentMail(1000, 20_000, 0, 5000)
	whole := len(render(t, build(t, raw, facts(raw)), raw))
	for name, tc := range map[string]struct {
		placement payload.Placement
		want      string
	}{
		"by default":                   {payload.Placement{}, "inline inline inline inline"},
		"all by URL":                   {payload.Placement{Attachments: payload.ByURL}, "url url url url"},
		"none":                         {payload.Placement{Attachments: payload.Omitted}, "none none none none"},
		"large ones by URL":            {payload.Placement{MaxInlineSize: 4999, Overflow: payload.ByURL}, "inline url inline url"},
		"at the bound":                 {payload.Placement{MaxInlineSize: 5000, Overflow: payload.ByURL}, "inline url inline inline"},
		"large ones nowhere":           {payload.Placement{MaxInlineSize: 5000, Overflow: payload.Omitted}, "inline none inline inline"},
		"large ones have no place":     {payload.Placement{MaxInlineSize: 1}, "inline inline inline inline"},
		"a payload at its bound":       {payload.Placement{MaxPayloadSize: int64(whole), Overflow: payload.ByURL}, "inline inline inline inline"},
		"a payload above its bound":    {payload.Placement{MaxPayloadSize: int64(whole - 1), Overflow: payload.ByURL}, "inline url inline inline"},
		"a payload far above":          {payload.Placement{MaxPayloadSize: int64(whole - 27_000), Overflow: payload.ByURL}, "inline url inline url"},
		"a payload with no place":      {payload.Placement{MaxPayloadSize: 1}, "inline inline inline inline"},
		"what is smaller than its URL": {payload.Placement{MaxPayloadSize: 1, Overflow: payload.ByURL}, "url url inline url"},
		"what is smaller than null":    {payload.Placement{MaxPayloadSize: 1, Overflow: payload.Omitted}, "none none inline none"},
		"both bounds":                  {payload.Placement{MaxInlineSize: 10_000, MaxPayloadSize: int64(whole - 27_000), Overflow: payload.ByURL}, "inline url inline url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := build(t, raw, facts(raw))
			before := doc.Parts
			placed, err := payload.PlaceContent(doc, tc.placement, link)
			if err != nil {
				t.Fatal(err)
			}
			got, size := places(t, doc, raw)
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			want := payload.Placed{
				Inline: strings.Count(tc.want, "inline"), ByURL: strings.Count(tc.want, "url"), Omitted: strings.Count(tc.want, "none"), Size: int64(size),
			}
			if most := tc.placement.MaxPayloadSize; most > 0 {
				want.Excess = max(want.Size-most, 0)
			}
			if placed != want {
				t.Errorf("placed %+v, want %+v", placed, want)
			}
			again, _ := places(t, storedAndLoaded(t, doc), raw)
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("the stored document differs: %s", diff)
			}
			for _, p := range before {
				if !p.Inline() {
					t.Error("the parts of the document before were changed, which others may share")
				}
			}
		})
	}
}

// TestPlaceContentThatIsLeft has attachments that a plugin took away, or made itself:
// only what is the mail's, and still there, has a place.
func TestPlaceContentThatIsLeft(t *testing.T) {
	t.Parallel()
	raw := attachmentMail(1000, 20_000)
	doc := build(t, raw, facts(raw))
	list := doc.Root.Member("message").Member("attachments")
	own := document.Object(document.Member{Name: "content", Value: document.String("bGl0ZXJhbA==")})
	*list = *document.Array(own, document.Object(document.PartMember(0)))
	placed, err := payload.PlaceContent(doc, payload.Placement{Attachments: payload.ByURL}, link)
	if err != nil || placed.Inline != 0 || placed.ByURL != 1 || placed.Omitted != 0 {
		t.Errorf("placed %+v, %v", placed, err)
	}
	if got := string(render(t, doc, raw)); !strings.Contains(got, `"attachments":[{"content":"bGl0ZXJhbA=="},{"content":null,"url":"https://mx.example/attachments/1000"}]`) {
		t.Errorf("payload = %s", got)
	}
}

func TestMoveContent(t *testing.T) {
	t.Parallel()
	raw := attachmentMail(1000, 20_000, 0)
	for name, tc := range map[string]struct {
		overflow payload.Place
		want     string
		moved    int
	}{
		"to URLs": {payload.ByURL, "url url inline", 2},
		"away":    {payload.Omitted, "none none inline", 2},
		"nowhere": {"", "inline inline inline", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := payload.Placement{MaxPayloadSize: 1 << 20, Overflow: tc.overflow}
			doc := build(t, raw, facts(raw))
			moved, now, err := payload.MoveContent(doc, p, link)
			if err != nil || moved != tc.moved {
				t.Errorf("moved %d, %v; want %d", moved, err, tc.moved)
			}
			got, size := places(t, doc, raw)
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			if moved > 0 && now.Size != int64(size) {
				t.Errorf("told of %d octets, there are %d", now.Size, size)
			}
			// Once is all: what is left cannot be moved.
			if again, _, err := payload.MoveContent(doc, p, link); again != 0 || err != nil {
				t.Errorf("moved %d again, %v", again, err)
			}
		})
	}
}

// TestPartsOfLinks holds that a part knows what its download is to say.
func TestPartsOfLinks(t *testing.T) {
	t.Parallel()
	raw := attachmentMail(7)
	p := build(t, raw, facts(raw)).Parts[0]
	if p.Size != 7 || p.ContentType != "application/x-0" || strings.ContainsAny(p.Filename, "/\\") || !strings.HasSuffix(p.Filename, ".bin") {
		t.Errorf("part = %+v", p)
	}
}
