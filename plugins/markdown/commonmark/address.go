package commonmark

import "bytes"

// defuse makes the bare addresses in the word that is being written ones that no
// renderer makes links of. It is called before anything but text is written.
//
// A renderer that links bare addresses (GitHub's, and others) takes them from the
// Markdown up to the next space or '<', whatever is in between. After
//
//	https://a.test/\<script>
//
// it would have eaten the backslash, and be left with a tag. So an address whose
// word is more than text gets a backslash itself, by which it is text everywhere.
func (w *Writer) defuse() {
	const overlap = len("www.") - 1 // of what has been looked at: it may be completed now
	from := max(w.start, min(w.defused, len(w.buf))-overlap)
	for i := len(w.buf) - 1; i >= from; i-- {
		if b := w.buf[i]; b == ' ' || b == '\n' {
			from = i + 1
		}
	}
	if addressAt(w.buf[from:]) >= 0 {
		word := append([]byte(nil), w.buf[from:]...)
		w.buf = w.buf[:from]
		for {
			i := addressAt(word)
			if i < 0 {
				break
			}
			w.buf = append(w.buf, word[:i]...)
			// An odd number of backslashes is one that escapes.
			if (len(w.buf)-len(bytes.TrimRight(w.buf, `\`)))%2 == 0 {
				w.buf = append(w.buf, '\\')
			}
			w.buf = append(w.buf, word[i])
			word = word[i+1:]
		}
		w.buf = append(w.buf, word...)
	}
	w.defused = len(w.buf)
}

// addressAt returns where an address is to be broken: at the colon of "://", or at
// the dot of "www."; -1 where there is none.
func addressAt(word []byte) int {
	for i, b := range word {
		switch b {
		case ':':
			if bytes.HasPrefix(word[i:], []byte("://")) {
				return i
			}
		case '.':
			if i >= 3 && bytes.EqualFold(word[i-3:i], []byte("www")) {
				return i
			}
		}
	}
	return -1
}
