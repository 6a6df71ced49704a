// Program editor is a plugin for proofs: it edits the payload as its options say,
// and logs what came of each edit.
package main

import (
	"errors"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

type options struct {
	Edits []edit `json:"edits"`
	// Fail makes the run end with an error after the edits.
	Fail string `json:"fail"`
}

type edit struct {
	Do      string `json:"do"` // get, set or remove
	Pointer string `json:"pointer"`
	// Value is the text that is set, JSON or not.
	Value string `json:"value"`
}

func init() { plugin.RegisterWithOptions(options{}, nil, run) }

func main() {}

func run(m *plugin.Mail, o options) error {
	for _, e := range o.Edits {
		m.Log().Info(e.apply(m.Payload()))
	}
	if o.Fail != "" {
		return errors.New(o.Fail)
	}
	return nil
}

// apply returns the name of what came of an edit in the contract, or what was
// got.
func (e edit) apply(p plugin.Payload) string {
	var err error
	switch e.Do {
	case "get":
		var text []byte
		var found bool
		if text, found, err = p.GetJSON(e.Pointer); err == nil && found {
			return string(text)
		}
		if err == nil {
			return "none"
		}
	case "set":
		err = p.SetJSON(e.Pointer, []byte(e.Value))
	case "remove":
		err = p.Remove(e.Pointer)
	default:
		return e.Do + " is no edit"
	}
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, plugin.ErrForbidden):
		return "forbidden"
	case errors.Is(err, plugin.ErrBadPointer):
		return "bad-pointer"
	case errors.Is(err, plugin.ErrBadValue):
		return "bad-value"
	}
	return err.Error()
}
