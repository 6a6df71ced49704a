// Package plugin is what a Postern plugin is written with.
//
// A plugin is a Go program of one function. It is given one delivery of one mail,
// reads what it needs, and edits the payload that will be sent:
//
//	package main
//
//	import "github.com/postern-mail/postern/sdk/go/plugin"
//
//	func init() { plugin.Register(tag) }
//
//	func tag(m *plugin.Mail) error {
//		return m.Payload().Set("/crm", map[string]any{"customer": m.Header("X-Customer")})
//	}
//
//	func main() {}
//
// It is built by
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o tag.wasm .
//
// Every run is a pristine instance that serves one delivery: what a plugin keeps
// in variables is gone by the next. A plugin has no files, no network, no
// environment. What it may read and change is what the operator grants; what it
// asks for is what it calls, since the linker drops the rest.
//
// All edits apply when the function returns nil, and none when it returns an
// error, panics, or runs into a limit.
//
// The same program builds natively, where package plugintest runs it on mails of
// a test's making.
package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/postern-mail/postern/sdk/go/internal/abi"
)

// Register sets the function that is called for each delivery. It is to be called
// in an init function, once: main does not run in a plugin. A plugin that is
// registered by it takes no options.
func Register(f func(*Mail) error) {
	abi.Register(abi.Handler{
		Configure: func(options string) error {
			var none struct{}
			return decodeOptions(options, &none)
		},
		Transform: func(fixture *abi.Fixture) error { return f(&Mail{fixture}) },
	})
}

// RegisterWithOptions is Register for a plugin that takes options. They are read
// once, when the plugin is loaded, from the options of its block in the
// configuration, by the rules of encoding/json. defaults are what holds for
// those that are left out. An option that O has no field for is an error, as is
// what check returns, which may be nil.
func RegisterWithOptions[O any](defaults O, check func(O) error, f func(*Mail, O) error) {
	options := defaults
	abi.Register(abi.Handler{
		Configure: func(text string) error {
			read := defaults
			if err := decodeOptions(text, &read); err != nil {
				return err
			}
			if check != nil {
				if err := check(read); err != nil {
					return err
				}
			}
			options = read
			return nil
		},
		Transform: func(fixture *abi.Fixture) error { return f(&Mail{fixture}, options) },
	})
}

// decodeOptions reads options strictly: a misspelt one is told, not passed over.
func decodeOptions(text string, into any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		return nil
	}
	if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Errorf("option %q: want %s, got %s", wrong.Field, kindOf(wrong.Type), wrong.Value)
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("there is no option %s", name)
	}
	return fmt.Errorf("options: %w", err)
}

// kindOf says what a Go type takes, for whoever writes a configuration.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return t.String()
	}
}

// Mail is the delivery in hand. It is good until the plugin's function returns.
type Mail struct {
	fixture *abi.Fixture // of a native test; nil in a plugin
}

// ForTesting returns a Mail that is served by a fixture of package plugintest.
func ForTesting(fixture *abi.Fixture) *Mail { return &Mail{fixture} }

// FixtureOf returns what ForTesting was given.
func FixtureOf(m *Mail) *abi.Fixture { return m.fixture }

// Drop ends the chain: nothing is delivered. The mail itself is kept, and the
// reason is logged, up to 8 KiB of it. It asks for the permission "disposition".
func (m *Mail) Drop(reason string) { abi.Drop(m.fixture, reason) }

// Quarantine ends the chain: the delivery is held for an operator. It asks for
// the permission "disposition".
func (m *Mail) Quarantine(reason string) { abi.Quarantine(m.fixture, reason) }

// Errors of edits, which a *EditError wraps.
var (
	// ErrForbidden means that the pointer is outside what the plugin may read or
	// write, or the host's own.
	ErrForbidden = errors.New("not granted")
	// ErrBadPointer means that it is no JSON Pointer, or its parent is not there.
	ErrBadPointer = errors.New("no such place")
	// ErrBadValue means that the value is not one JSON text, is nested too deep, or
	// makes the payload too large.
	ErrBadValue = errors.New("bad value")
)

// EditError is an access to the payload that the host refused.
type EditError struct {
	Pointer string
	Err     error  // ErrForbidden, ErrBadPointer or ErrBadValue
	Text    string // more about it, where there is
}

// Error implements error.
func (e *EditError) Error() string {
	text := e.Text
	switch {
	case errors.Is(e.Err, ErrBadPointer) && e.Pointer != "" && e.Pointer[0] != '/':
		text = "a JSON Pointer begins with /"
	case errors.Is(e.Err, ErrBadPointer):
		text = "what it is to stand in is not there; set that before"
	}
	if text != "" {
		text = ": " + text
	}
	pointer := e.Pointer
	if pointer == "" {
		pointer = `""`
	}
	return fmt.Sprintf("payload %s: %v%s", pointer, e.Err, text)
}

// Unwrap returns Err.
func (e *EditError) Unwrap() error { return e.Err }
