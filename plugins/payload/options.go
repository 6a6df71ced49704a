package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bounds of the options: far above what a payload needs, and low enough that a
// mistake in a generated configuration shows when it is loaded.
const (
	maxEntries = 1000 // of one option
	maxPointer = 1024 // octets
	maxDepth   = 32   // tokens of a pointer, levels of a constant
)

// attachments is where the gateway puts the content of the attachments, when the
// chain has ended. It lets a plugin take attachments away as a whole, and neither
// move them to another place nor touch their content. An option that tries is told
// when it is loaded, and not by the first mail with an attachment.
const attachments = "/message/attachments"

// check tells the first mistake of each option.
func (o options) check() error {
	return errors.Join(
		o.checkOnly(),
		checkPointers("omit", o.Omit),
		o.checkRename(),
		o.checkConstants(),
	)
}

func (o options) checkOnly() error {
	if err := checkPointers("only", o.Only); err != nil {
		return err
	}
	for _, pointer := range o.Only {
		if _, member := cutAttachment(pointer); member != "" {
			return fmt.Errorf("only: %s is part of an attachment: name the attachment", pointer)
		}
	}
	return nil
}

func (o options) checkRename() error {
	sources := sorted(maps.Keys(o.Rename))
	if err := checkPointers("rename", sources); err != nil {
		return err
	}
	sourceOf := make(map[string]string, len(sources))
	for _, source := range sources {
		target := o.Rename[source]
		if err := checkPointer(target); err != nil {
			return fmt.Errorf("rename: %s: target %.80q %w", source, target, err)
		}
		if target == source || strings.HasPrefix(target, source+"/") {
			return fmt.Errorf("rename: %s: target %s is the value itself or a place in it", source, target)
		}
		if holdsAttachments(source) && !strings.HasPrefix(target, attachments+"/") {
			return fmt.Errorf("rename: %s: attachments have to stay in %s", source, attachments)
		}
		if other, taken := sourceOf[target]; taken {
			return fmt.Errorf("rename: %s and %s have the same target %s", other, source, target)
		}
		sourceOf[target] = source
	}
	return nil
}

func (o options) checkConstants() error {
	pointers := sorted(maps.Keys(o.Constants))
	if err := checkPointers("constants", pointers); err != nil {
		return err
	}
	for _, pointer := range pointers {
		if levels(o.Constants[pointer]) > maxDepth {
			return fmt.Errorf("constants: the value of %s is nested more than %d deep", pointer, maxDepth)
		}
	}
	return nil
}

func checkPointers(option string, pointers []string) error {
	if n := len(pointers); n > maxEntries {
		return fmt.Errorf("%s: %d entries are more than %d", option, n, maxEntries)
	}
	for _, pointer := range pointers {
		if err := checkPointer(pointer); err != nil {
			return fmt.Errorf("%s: %.80q %w", option, pointer, err)
		}
	}
	return nil
}

// checkPointer holds a JSON Pointer (RFC 6901) to its syntax and to the bounds.
func checkPointer(pointer string) error {
	switch {
	case pointer == "":
		return errors.New("is the whole payload: name a member")
	case pointer[0] != '/':
		return errors.New("is no JSON Pointer: it has to start with /")
	case len(pointer) > maxPointer:
		return fmt.Errorf("is longer than %d octets", maxPointer)
	case strings.Count(pointer, "/") > maxDepth:
		return fmt.Errorf("is more than %d deep", maxDepth)
	}
	escaped := strings.Split(pointer, "~")[1:]
	if slices.ContainsFunc(escaped, func(s string) bool { return s == "" || s[0] != '0' && s[0] != '1' }) {
		return errors.New("is no JSON Pointer: ~ has to be written ~0")
	}
	if _, member := cutAttachment(pointer); member == "content" || member == "$part" {
		return errors.New("is the content of an attachment: it stays with the attachment")
	}
	return nil
}

// cutAttachment returns the index of an attachment that a pointer is of, and the
// rest of the pointer where it is of something in the attachment.
func cutAttachment(pointer string) (index, rest string) {
	list, _ := strings.CutPrefix(pointer, attachments+"/")
	if list == pointer {
		return "", ""
	}
	index, rest, _ = strings.Cut(list, "/")
	return index, rest
}

// holdsAttachments reports whether a pointer is of an attachment, or of something
// that has attachments in it.
func holdsAttachments(pointer string) bool {
	index, rest := cutAttachment(pointer)
	return index != "" && rest == "" || strings.HasPrefix(attachments+"/", pointer+"/")
}
