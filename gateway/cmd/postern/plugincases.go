package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// The files of a case.
const (
	caseMail     = "mail.eml"
	caseSettings = "case.json"
	caseExpected = "expected.json"
)

// The bounds of what an author writes.
const (
	maxSettings = 1 << 20  // octets
	maxExpected = 64 << 20 // octets
	maxCases    = 10_000
)

// caseSettingsFile is what case.json holds.
type caseSettingsFile struct {
	Options json.RawMessage `json:"options"`
	Write   []string        `json:"write"`
	Read    []string        `json:"read"`
	Grant   []string        `json:"grant"`
	From    *string         `json:"from"`
	To      *string         `json:"to"`
	Tenant  *string         `json:"tenant"`
	Alias   *string         `json:"alias"`
	// Set is what earlier stages have set, by JSON Pointer.
	Set map[string]json.RawMessage `json:"set"`
}

// replace puts what another one says in the place of what this one does.
func (s *caseSettingsFile) replace(by caseSettingsFile) {
	if by.Options != nil {
		s.Options = by.Options
	}
	if by.Write != nil {
		s.Write = by.Write
	}
	if by.Read != nil {
		s.Read = by.Read
	}
	if by.Grant != nil {
		s.Grant = by.Grant
	}
	for _, text := range []struct{ to, by **string }{{&s.From, &by.From}, {&s.To, &by.To}, {&s.Tenant, &by.Tenant}, {&s.Alias, &by.Alias}} {
		if *text.by != nil {
			*text.to = *text.by
		}
	}
	if by.Set != nil {
		s.Set = by.Set
	}
}

func (s *caseSettingsFile) check() error {
	var object map[string]json.RawMessage
	if s.Options != nil && (json.Unmarshal(s.Options, &object) != nil || object == nil) {
		return errors.New(`options: want an object, such as {"account": "acme"}`)
	}
	for name, list := range map[string][]string{"write": s.Write, "read": s.Read} {
		if _, err := pointers(list); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range s.Grant {
		if !slices.Contains(plugin.Permissions(), name) {
			return fmt.Errorf("grant: there is no permission %q; there are %s", name, strings.Join(plugin.Permissions(), ", "))
		}
	}
	return nil
}

func readCaseSettings(file string) (s caseSettingsFile, err error) {
	text, err := readSmall(file, maxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = decodeStrict(text, &s)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return s, err
}

// delivery is what the case's mail is delivered as.
func (s *caseSettingsFile) delivery() deliveryFlags {
	d := usualDelivery()
	for _, text := range []struct {
		to *string
		by *string
	}{{&d.from, s.From}, {&d.to, s.To}, {&d.tenant, s.Tenant}, {&d.alias, s.Alias}} {
		if text.by != nil {
			*text.to = *text.by
		}
	}
	return d
}

// configure says what the plugin may do in the case.
func (s *caseSettingsFile) configure(source pluginSource, name string) (plugin.Config, error) {
	options := []byte("{}")
	if s.Options != nil {
		options = s.Options
	}
	cfg := trialConfig(source, name, options)
	if s.Grant != nil {
		cfg.Grant = s.Grant
	}
	return cfg, restrict(&cfg, s.Write, s.Read)
}

// prepare sets in a document what earlier stages have.
func (s *caseSettingsFile) prepare(d *document.Document) (*document.Document, error) {
	editor := d.Edit(document.Scope{Write: []document.Pointer{{}}}, maxExpected)
	places := make([]string, 0, len(s.Set))
	for at := range s.Set {
		places = append(places, at)
	}
	slices.Sort(places) // what is above comes before what is below
	for _, at := range places {
		if err := editor.Set(at, s.Set[at]); err != nil {
			return nil, fmt.Errorf("set %q: %w", at, err)
		}
	}
	return editor.Document(), nil
}

// pluginCase is one folder of cases.
type pluginCase struct {
	name, dir string
	settings  caseSettingsFile
	scans     []mail.Report
	expected  *caseResult // nil where there is none yet
}

// caseDirs lists the cases of a folder, sorted.
func caseDirs(dir string, pick *regexp.Regexp) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && pick.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	switch {
	case len(names) > maxCases:
		return nil, fmt.Errorf("%s has %d cases; at most %d are tried at once: pick some by --run", dir, len(names), maxCases)
	case len(names) == 0 && pick.String() != "":
		return nil, fmt.Errorf("%s has no case whose name matches %s", dir, pick)
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no case: a case is a folder in it with a %s", dir, caseMail)
	}
	return names, nil
}

// readCase reads what is in the folder of a case. What has another name is a mistake,
// where it looks as if it were to be read.
func readCase(dir, name string, common caseSettingsFile) (*pluginCase, error) {
	c := &pluginCase{name: name, dir: filepath.Join(dir, name), settings: common}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() == caseMail || e.Name() == caseSettings || e.Name() == caseExpected {
			continue
		}
		stem, isJSON := strings.CutSuffix(e.Name(), ".json")
		engine, isScan := strings.CutPrefix(stem, "scan-")
		switch {
		case isJSON && isScan && engine != "":
			report, err := readScan(engine, filepath.Join(c.dir, e.Name()))
			if err != nil {
				return nil, err
			}
			c.scans = append(c.scans, report)
		case isJSON, strings.HasSuffix(e.Name(), ".eml"):
			return nil, fmt.Errorf("%s is no file of a case: there are %s, %s, %s, and scan-ENGINE.json",
				filepath.Join(c.dir, e.Name()), caseMail, caseSettings, caseExpected)
		}
	}
	own, err := readCaseSettings(filepath.Join(c.dir, caseSettings))
	if err != nil {
		return nil, err
	}
	c.settings.replace(own)
	c.expected, err = readExpected(c.file())
	return c, err
}

// file is where the result stands that is expected.
func (c *pluginCase) file() string { return filepath.Join(c.dir, caseExpected) }
