package main

import (
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/document"
)

// maxChanges bounds the list of changes that is shown.
const maxChanges = 100

// changes lists what is different in two JSON texts that the gateway has written, a line
// for each place and what is there now: "+" is new, "-" is gone, "~" is another value.
func changes(before, after []byte) []string {
	a, err := document.Parse(before)
	if err != nil {
		return nil
	}
	b, err := document.Parse(after)
	if err != nil {
		return nil
	}
	list, total := document.Compare(&document.Document{Root: a}, &document.Document{Root: b}, maxChanges)
	var lines []string
	for _, c := range list {
		lines = append(lines, changeLine(c))
	}
	if more := total - len(list); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

func changeLine(c document.Change) string {
	if c.After == nil {
		return "- " + c.At.String()
	}
	sign := "~ "
	if c.Before == nil {
		sign = "+ "
	}
	text, cut := c.After.JSON(maxError)
	if cut {
		text += "…"
	}
	return sign + c.At.String() + " = " + text
}
