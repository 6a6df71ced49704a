package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// options say what the payload is to look like. They apply in the order of the
// fields, each to what the one before has left.
type options struct {
	// Only names what is kept; where it is empty, all is.
	Only []string `json:"only"`
	// Omit names what is left out.
	Omit []string `json:"omit"`
	// Rename gives the new place of what stands at a pointer.
	Rename map[string]string `json:"rename"`
	// Constants gives the values that are set.
	Constants map[string]json.RawMessage `json:"constants"`
}

// shape edits the payload as the options say. What an option names need not be
// there: not every mail has every member.
func shape(p plugin.Payload, o options) error {
	if err := keep(p, o.Only); err != nil {
		return fmt.Errorf("only: %w", err)
	}
	if err := omit(p, o.Omit); err != nil {
		return fmt.Errorf("omit: %w", err)
	}
	if err := rename(p, o.Rename); err != nil {
		return err
	}
	for _, pointer := range sorted(maps.Keys(o.Constants)) {
		if err := p.SetJSON(pointer, o.Constants[pointer]); err != nil {
			return fmt.Errorf("constants: %w", err)
		}
	}
	return nil
}

// keep removes all but what the pointers name.
func keep(p plugin.Payload, pointers []string) error {
	if len(pointers) == 0 {
		return nil
	}
	text, _, err := p.GetJSON("")
	if err != nil {
		return fmt.Errorf("the whole payload has to be read: %w", err)
	}
	others, err := unnamed(text, pointers)
	if err != nil {
		return err
	}
	// They are in the order of the text: from the end, the index of an element
	// still holds when its turn comes.
	for _, pointer := range slices.Backward(others) {
		if err := p.Remove(pointer); err != nil {
			return err
		}
	}
	return nil
}

// omit removes what the pointers name.
func omit(p plugin.Payload, pointers []string) error {
	// A pointer that stands twice must not take the next element of an array.
	list := slices.Compact(sorted(slices.Values(pointers)))
	for _, pointer := range slices.Backward(list) {
		if err := p.Remove(pointer); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// rename moves values. All are taken before the first is put, so that two may
// change places.
func rename(p plugin.Payload, targets map[string]string) error {
	sources := sorted(maps.Keys(targets))
	taken := make(map[string][]byte, len(sources))
	for _, source := range slices.Backward(sources) {
		value, found, err := p.GetJSON(source)
		if absent(err) || err == nil && !found {
			continue
		}
		if err == nil {
			err = p.Remove(source)
		}
		if err != nil {
			return fmt.Errorf("rename: %w", err)
		}
		taken[source] = value
	}
	for _, source := range sources {
		value, found := taken[source]
		if !found {
			continue
		}
		if err := p.SetJSON(targets[source], value); err != nil {
			return fmt.Errorf("rename %s: %w", source, err)
		}
	}
	return nil
}

// absent reports whether an error says that there is nothing at a pointer. check
// has seen that the pointer itself is well-formed.
func absent(err error) bool { return errors.Is(err, plugin.ErrBadPointer) }

// sorted puts pointers in the order of their tokens: parents before what is in
// them, elements of an array by their index. Whoever removes goes backward.
func sorted(pointers func(yield func(string) bool)) []string {
	return slices.SortedFunc(pointers, func(a, b string) int {
		return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), compareTokens)
	})
}

// compareTokens puts numbers before names, and 9 before 10.
func compareTokens(a, b string) int {
	numberA, numberB := isNumber(a), isNumber(b)
	switch {
	case numberA && numberB:
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	case numberA:
		return -1
	case numberB:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(token string) bool {
	return token != "" && strings.Trim(token, "0123456789") == ""
}
