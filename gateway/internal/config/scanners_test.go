package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loadScanner loads a configuration with one scanner, of which one setting is said
// in line 9 from column 15 on. It gives what is wrong there, or the scanners.
func loadScanner(t *testing.T, name, setting, value string) (problem string, s Scanners) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.hcl")
	src := fmt.Sprintf("server {\n  hostname = \"mx.example.com\"\n  data_dir = \"data\"\n}\nlistener \"mx\" {\n  address = \":25\"\n}\nscanner %q {\n  %-8s = %q\n}\n", name, setting, value)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Options{Files: []string{file}})
	if err == nil {
		return "", c.Scanners
	}
	problem, there := strings.CutPrefix(err.Error(), file+":9:15: ")
	if !there {
		t.Errorf("Load of %q = %v, want a problem at 9:15", value, err)
	}
	return problem, s
}

func TestScannerURL(t *testing.T) {
	t.Parallel()
	const (
		schemeProblem = `url must be absolute and begin with https:// or http://; write "https://…"`
		pathProblem   = `url must not hold a path; write host and port only, as in "http://127.0.0.1:11333"`
		portProblem   = "url has a port that is not between 1 and 65535"
		userProblem   = "url must not hold a user name or password; let the scanner listen where only the gateway reaches it"
		hostProblem   = "the host of the url is neither an IP address nor a name"
	)
	for said, want := range map[string]string{
		"http://127.0.0.1:11333":         "http://127.0.0.1:11333",
		"http://127.0.0.1:11333/":        "http://127.0.0.1:11333",
		"HTTP://Rspamd":                  "http://Rspamd",
		"https://mail_rspamd.internal":   "https://mail_rspamd.internal",
		"http://[fe80::1%25eth0]:11333/": "http://[fe80::1%25eth0]:11333",

		"127.0.0.1:11333":                "url is not a valid URL; write it like \"https://host:port/path\"",
		"rspamd:11333":                   schemeProblem,
		"unix:///run/rspamd.sock":        schemeProblem,
		"http://":                        "url names no host",
		"http://:11333":                  "url names no host",
		"http://a b":                     "url is not a valid URL; write it like \"https://host:port/path\"",
		"http://a..b":                    hostProblem,
		"http://-a":                      hostProblem,
		"http://rspamd:0":                portProblem,
		"http://rspamd:65536":            portProblem,
		"http://hunter2@rspamd":          userProblem,
		"http://a:hunter2@rspamd":        userProblem,
		"http://rspamd/checkv2":          pathProblem,
		"http://rspamd//":                pathProblem,
		"http://rspamd/%2f":              pathProblem,
		"http://rspamd?password=hunter2": "url must not hold a query (?…)",
		"http://rspamd/?":                "url must not hold a query (?…)",
		"http://rspamd#":                 "url must not hold a fragment (#…)",
	} {
		got, s := loadScanner(t, "rspamd", "url", said)
		if got == "" {
			got = s.Rspamd.URL
		}
		if got != want {
			t.Errorf("%q: %s\nwant %s", said, got, want)
		}
	}
}

func TestScannerAddress(t *testing.T) {
	t.Parallel()
	const formProblem = `is not an address to connect to; write "host:port", or the whole path of a socket, as in "/run/clamav/clamd.ctl"`
	longest := "/" + strings.Repeat("a", 106)
	for said, want := range map[string]string{
		"127.0.0.1:3310":         "tcp 127.0.0.1:3310",
		"[::1]:1":                "tcp [::1]:1",
		"clam_av.internal:65535": "tcp clam_av.internal:65535",
		"/run/clamav/clamd.ctl":  "unix /run/clamav/clamd.ctl",
		"//run/./clamd.ctl":      "unix /run/clamd.ctl",
		longest:                  "unix " + longest,

		"127.0.0.1":                 `"127.0.0.1" ` + formProblem,
		"::1:3310":                  `"::1:3310" ` + formProblem,
		"run/clamd.ctl":             `"run/clamd.ctl" ` + formProblem,
		"unix:/run/clamd.ctl":       `port "/run/clamd.ctl" is not a number from 1 to 65535`,
		"http://127.0.0.1:3310":     `"http://127.0.0.1:3310" ` + formProblem,
		"127.0.0.1:0":               `port "0" is not a number from 1 to 65535`,
		"127.0.0.1:65536":           `port "65536" is not a number from 1 to 65535`,
		"127.0.0.1:":                `port "" is not a number from 1 to 65535`,
		"127.0.0.1:clam":            `port "clam" is not a number from 1 to 65535`,
		":3310":                     `host "" is neither an IP address nor a name`,
		"*:3310":                    `host "*" is neither an IP address nor a name`,
		"clam av:3310":              `host "clam av" is neither an IP address nor a name`,
		"_clamd._tcp.internal:3310": `host "_clamd._tcp.internal" is neither an IP address nor a name`,
		longest + "a":               "the path of a socket has at most 107 octets, this one has 108",
	} {
		got, s := loadScanner(t, "clamav", "address", said)
		if got == "" {
			got = s.ClamAV.Network + " " + s.ClamAV.Address
		}
		if got != want {
			t.Errorf("%q: %s\nwant %s", said, got, want)
		}
	}
}
