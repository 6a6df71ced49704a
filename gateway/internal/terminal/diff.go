package terminal

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Color is a colour of a terminal (ECMA-48, select graphic rendition).
type Color int

// The colours that are used.
const (
	Red    Color = 31
	Green  Color = 32
	Yellow Color = 33
	Faint  Color = 2
)

// Paint colours text, where on is true. The text is to be safe already.
func Paint(text string, color Color, on bool) string {
	if !on || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", color, text)
}

const (
	// contextLines is how many equal lines are shown around what differs.
	contextLines = 3
	// maxDiffLines bounds what is shown of a difference.
	maxDiffLines = 200
	// maxDiffWork bounds the comparison: the product of the numbers of lines that
	// differ. What is larger is shown as taken out and put in whole.
	maxDiffWork = 4 << 20
	// Of a longer line that much is shown, and some characters before what differs.
	maxDiffLine = 300
	leadIn      = 40
)

// WriteDiff prints how after differs from before, by lines, with some of the equal
// lines around: "-" is only in before, "+" only in after. Nothing is printed where
// they are the same.
func WriteDiff(b *strings.Builder, before, after []string, color bool) {
	edits := diff(before, after)
	shown := 0
	for i, e := range edits {
		if !near(edits, i) {
			if i > 0 && near(edits, i-1) {
				b.WriteString(Paint("  …", Faint, color) + "\n")
			}
			continue
		}
		if shown++; shown > maxDiffLines {
			fmt.Fprintf(b, "%s\n", Paint("  … and more", Faint, color))
			return
		}
		switch e.sign {
		case '-':
			b.WriteString(Paint("- "+excerpt(e.line, e.from), Red, color))
		case '+':
			b.WriteString(Paint("+ "+excerpt(e.line, e.from), Green, color))
		default:
			b.WriteString("  " + excerpt(e.line, 0))
		}
		b.WriteByte('\n')
	}
}

// edit is one line of a difference. from is where it begins to differ from its
// counterpart, in octets.
type edit struct {
	sign byte // '-', '+' or ' '
	line string
	from int
}

// near reports whether a line is to be shown.
func near(edits []edit, i int) bool {
	for j := max(0, i-contextLines); j < min(len(edits), i+contextLines+1); j++ {
		if edits[j].sign != ' ' {
			return true
		}
	}
	return false
}

// excerpt makes a line one that can be shown; a long one is cut around the octet at
// which it becomes interesting.
func excerpt(line string, from int) string {
	if utf8.RuneCountInString(line) <= maxDiffLine {
		return Text(line, maxDiffLine)
	}
	head := ""
	if start := from - leadIn; start > 0 {
		for start > 0 && !utf8.RuneStart(line[start]) {
			start--
		}
		head, line = "…", line[start:]
	}
	return head + Text(line, maxDiffLine)
}

// diff gives the lines of both texts, by their longest common subsequence.
func diff(before, after []string) []edit {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	var edits []edit
	for _, line := range before[:head] {
		edits = append(edits, edit{sign: ' ', line: line})
	}
	edits = append(edits, middle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	for _, line := range before[len(before)-tail:] {
		edits = append(edits, edit{sign: ' ', line: line})
	}
	pair(edits)
	return edits
}

// middle compares what is between the equal lines of both ends.
func middle(before, after []string) []edit {
	if len(before)*len(after) > maxDiffWork {
		return append(signed('-', before), signed('+', after)...)
	}
	// common[i][j] is the length of what before[i:] and after[j:] have in common.
	common := make([][]int32, len(before)+1)
	for i := range common {
		common[i] = make([]int32, len(after)+1)
	}
	for i := range slices.Backward(before) {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var edits []edit
	i, j := 0, 0
	for i < len(before) && j < len(after) {
		switch {
		case before[i] == after[j]:
			edits = append(edits, edit{sign: ' ', line: before[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			edits = append(edits, edit{sign: '-', line: before[i]})
			i++
		default:
			edits = append(edits, edit{sign: '+', line: after[j]})
			j++
		}
	}
	return append(edits, append(signed('-', before[i:]), signed('+', after[j:])...)...)
}

func signed(sign byte, lines []string) []edit {
	edits := make([]edit, len(lines))
	for i, line := range lines {
		edits[i] = edit{sign: sign, line: line}
	}
	return edits
}

// pair finds for the n-th line that is taken out in a place the n-th that is put in
// there, and where the two begin to differ.
func pair(edits []edit) {
	for i := 0; i < len(edits); {
		if edits[i].sign == ' ' {
			i++
			continue
		}
		var out, in []*edit
		for ; i < len(edits) && edits[i].sign != ' '; i++ {
			if edits[i].sign == '-' {
				out = append(out, &edits[i])
			} else {
				in = append(in, &edits[i])
			}
		}
		for n := range min(len(out), len(in)) {
			same := 0
			for same < len(out[n].line) && same < len(in[n].line) && out[n].line[same] == in[n].line[same] {
				same++
			}
			out[n].from, in[n].from = same, same
		}
	}
}
