package header

import "strings"

// MessageIDs reads the ids of a Message-ID, In-Reply-To or References field,
// without their angle brackets; at most limit of them. Where the brackets are
// missing, words with an @ count.
func MessageIDs(raw string, limit int) []string {
	text, _ := Text(raw)
	var ids []string
	bracketed := strings.Contains(text, "<")
	for text != "" && len(ids) < limit {
		var id string
		if bracketed {
			var found bool
			if _, text, found = strings.Cut(text, "<"); !found {
				break
			}
			id, text, _ = strings.Cut(text, ">")
		} else {
			id, text, _ = strings.Cut(strings.TrimLeft(text, " \t,;"), " ")
			if !strings.Contains(id, "@") {
				continue
			}
		}
		if id = strings.Join(strings.Fields(id), ""); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}
