package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What a run may log, beside the bounds on one line.
const (
	maxLines  = 200
	maxLog    = 64 << 10 // octets of all lines
	maxOutput = 64 << 10 // octets of standard output and error
	maxStack  = 12       // lines of a runtime's stacks, which name the plugin's own function first
)

// Line is one line of a plugin's log.
type Line struct {
	Level   string      `json:"level"`
	Message string      `json:"message"`
	Fields  [][2]string `json:"fields,omitempty"`
}

// String writes the line for a trace.
func (l Line) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", l.Level, l.Message)
	for i, f := range l.Fields {
		if i == 0 {
			b.WriteByte(' ') // two spaces part the message from its fields
		}
		fmt.Fprintf(&b, " %s=%q", f[0], f[1])
	}
	return b.String()
}

// runLog collects the lines of one run. What is too much is counted and left out,
// without a word to the guest.
type runLog struct {
	kept    []Line
	size    int // octets of kept
	leftOut int
}

func (l *runLog) note(line Line) {
	size := len(line.Message)
	for _, f := range line.Fields {
		size += len(f[0]) + len(f[1])
	}
	if len(l.kept) >= maxLines-1 || l.size+size > maxLog {
		l.leftOut++
		return
	}
	l.kept = append(l.kept, line)
	l.size += size
}

// lines returns the log, with a last line that says what is missing.
func (l *runLog) lines() []Line {
	if l.leftOut == 0 {
		return l.kept
	}
	return append(l.kept, Line{Level: "warn", Message: fmt.Sprintf("%d lines more were left out", l.leftOut)})
}

// output makes lines of the log of what a guest writes to standard output.
type output struct {
	log *runLog
	b   bytes.Buffer
}

// Write implements io.Writer. What is too much is left out without a word to the
// guest, which might not cope with a full disk.
func (o *output) Write(p []byte) (int, error) {
	o.b.Write(p[:min(len(p), max(0, maxOutput-o.b.Len()))])
	return len(p), nil
}

func (o *output) flush() {
	stack := 0
	for {
		line, err := o.b.ReadString('\n')
		text := strings.ToValidUTF8(strings.TrimRight(line, "\r\n"), "\uFFFD")
		text = strings.ReplaceAll(text, "\t", "    ")
		if stack > 0 || isStack(text) {
			if stack++; stack > maxStack {
				text = ""
			}
		}
		if len(text) > maxText {
			text = strings.ToValidUTF8(text[:maxText], "")
		}
		if text != "" {
			o.log.note(Line{Level: "info", Message: text})
		}
		if errors.Is(err, io.EOF) {
			return
		}
	}
}
