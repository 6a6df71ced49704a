package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/sdk/go/internal/abi"
)

// Payload is the payload in the making, addressed by JSON Pointer (RFC 6901):
// "/message/subject", "/message/attachments/0/filename".
type Payload struct {
	fixture *abi.Fixture
}

// Payload gives access to the payload. What is called of it asks for the
// permission "payload"; where it may read and write is granted by pointer.
func (m *Mail) Payload() Payload { return Payload{m.fixture} }

// Get decodes the value at a pointer into a Go value by the rules of
// encoding/json. It reports false, and leaves the value alone, where there is
// nothing.
func (p Payload) Get(pointer string, into any) (found bool, err error) {
	text, found, err := p.GetJSON(pointer)
	if err != nil || !found {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, fmt.Errorf("payload %s: %w", pointer, err)
	}
	return true, nil
}

// GetJSON returns the JSON at a pointer.
func (p Payload) GetJSON(pointer string) (text []byte, found bool, err error) {
	value, found, e := abi.PayloadGet(p.fixture, pointer)
	if err := editError(pointer, e); err != nil {
		return nil, false, err
	}
	return []byte(value), found, nil
}

// Set adds or replaces the value at a pointer; "-" after an array appends. The
// value is encoded by encoding/json.
func (p Payload) Set(pointer string, value any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // < as six octets would make six times of some mails
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("payload %s: %w", pointer, err)
	}
	return p.SetJSON(pointer, bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}

// SetJSON is Set for one JSON text.
func (p Payload) SetJSON(pointer string, text []byte) error {
	e := abi.PayloadSet(p.fixture, pointer, string(text))
	if e.Case == abi.EditForbidden && hostOwned(pointer) {
		return &EditError{Pointer: pointer, Err: ErrForbidden, Text: "it is the gateway's own"}
	}
	return editError(pointer, e)
}

// hostOwned reports whether a pointer is to what no plugin sets.
func hostOwned(pointer string) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	return slices.Contains(abi.HostOwned(), top)
}

// Remove takes the value at a pointer away.
func (p Payload) Remove(pointer string) error {
	return editError(pointer, abi.PayloadRemove(p.fixture, pointer))
}

func editError(pointer string, e abi.EditError) error {
	switch e.Case {
	case abi.EditDone:
		return nil
	case abi.EditForbidden:
		return &EditError{Pointer: pointer, Err: ErrForbidden}
	case abi.EditBadPointer:
		return &EditError{Pointer: pointer, Err: ErrBadPointer}
	default:
		return &EditError{Pointer: pointer, Err: ErrBadValue, Text: e.Text}
	}
}

// Log writes lines that are kept with the delivery's trace: up to 200 lines and
// 64 KiB of a run, of a text up to 8 KiB, of a line up to 32 fields. What is more is
// left out. It needs no permission.
type Log struct {
	fixture *abi.Fixture
}

// Log gives access to the log.
func (m *Mail) Log() Log { return Log{m.fixture} }

// The levels of package log of the contract.
const (
	levelDebug = iota
	levelInfo
	levelWarn
	levelError
)

// Debug writes a line of level debug. Fields are optional.
func (l Log) Debug(message string, fields ...Field) { l.write(levelDebug, message, fields) }

// Info writes a line of level info.
func (l Log) Info(message string, fields ...Field) { l.write(levelInfo, message, fields) }

// Warn writes a line of level warn.
func (l Log) Warn(message string, fields ...Field) { l.write(levelWarn, message, fields) }

// Error writes a line of level error.
func (l Log) Error(message string, fields ...Field) { l.write(levelError, message, fields) }

func (l Log) write(level uint32, message string, fields []Field) {
	list := make([]abi.Field, len(fields))
	for i, f := range fields {
		list[i] = abi.Field(f)
	}
	abi.Log(l.fixture, level, message, list)
}
