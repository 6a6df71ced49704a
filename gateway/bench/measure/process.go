package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTime bounds how long a server takes until it listens; compiling plugins is the
// longest of it.
const startTime = time.Minute

// process is a server that is measured.
type process struct {
	cmd     *exec.Cmd
	ended   chan struct{} // closed then; err says how
	err     error
	log     string // the file of what it says
	address string // of SMTP
}

// start runs a program, whose words go into a file of dir, and waits until listening
// gives the address that it listens on.
func start(dir string, env []string, listening func() (string, bool), program string, args ...string) (*process, error) {
	name := filepath.Join(dir, "log")
	log, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// It is ended by stop, in good order, and not by a context.
	cmd := exec.CommandContext(context.Background(), program, args...) //nolint:gosec // one of our own programs
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{}), log: name}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	deadline := time.Now().Add(startTime)
	for {
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s ended: %w\n%s", program, p.err, p.words())
		case <-time.After(5 * time.Millisecond):
		}
		if address, ok := listening(); ok {
			p.address = address
			return p, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s does not listen after %s", program, startTime), p.stop())
		}
	}
}

// words are the end of what the process has said.
func (p *process) words() []byte {
	text, _ := os.ReadFile(p.log)
	return text[max(0, len(text)-4<<10):]
}

// usage is what a process took of the machine.
type usage struct {
	cpu  time.Duration
	peak int64 // of resident memory, in octets
}

// use reads what the process has taken until now.
func (p *process) use() (usage, error) {
	folder := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return usage{}, err
	}
	// The fields after the name, which is in brackets and may hold anything: proc(5).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return usage{}, fmt.Errorf("%s/stat has %d fields", folder, len(fields))
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every system that Go runs on
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, sysErr := strconv.ParseInt(fields[12], 10, 64)
	if err := errors.Join(err, sysErr); err != nil {
		return usage{}, err
	}
	u := usage{cpu: time.Duration(user+system) * tick}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			u.peak = kib << 10
			return u, err
		}
	}
	return usage{}, fmt.Errorf("%s/status has no VmHWM", folder)
}

// stop ends the process and waits until it is gone.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(startTime):
		return errors.Join(fmt.Errorf("%s does not end", p.cmd.Path), p.cmd.Process.Kill())
	}
}

// setting is how a gateway is run.
type setting struct {
	plugins  bool
	listener string // more of the listener's block
}

// endpointConcurrency is how many attempts the gateway's one endpoint takes at a time: as
// many as "spool" has workers.
const endpointConcurrency = 16

// fourPlugins are the blocks of the plugins that come with the gateway.
const fourPlugins = `
plugin "classify" { source = "builtin:classify" }
plugin "spam"     { source = "builtin:spam" }
plugin "markdown" { source = "builtin:markdown" }
plugin "payload"  { source = "builtin:payload" }
`

// startGateway runs the gateway in an empty folder. cache keeps compiled plugins for
// all of them.
func startGateway(program, dir, cache, hook string, s setting) (*process, error) {
	plugins := ""
	if s.plugins {
		plugins = fourPlugins
	}
	text := fmt.Sprintf(`
server {
  hostname = "mx.bench.test"
  data_dir = "data"
}
listener "mx" {
  address                = "127.0.0.1:0"
  max_connections        = 4096
  max_connections_per_ip = 4096
  %s
}
delivery {
  allow_http     = true
  allow_networks = ["127.0.0.0/8"]
}
%s
tenant "bench" {
  domains = ["bench.test"]
  endpoint "sink" {
    url             = %q
    secret          = "whsec_3JLGz80AmMIqq1wH4UOCCG80zcO5gsxTTEK3QoQ17z0="
    max_concurrency = %d
  }
  alias "*" {
    endpoints = ["sink"]
  }
}
`, s.listener, plugins, hook, endpointConcurrency)
	file := filepath.Join(dir, "postern.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	readyFile := filepath.Join(dir, "ready")
	listening := func() (string, bool) {
		var ready struct {
			Listeners map[string]string `json:"listeners"`
		}
		content, err := os.ReadFile(readyFile)
		if err != nil || json.Unmarshal(content, &ready) != nil {
			return "", false
		}
		address, ok := ready.Listeners["mx"]
		return address, ok
	}
	return start(dir, []string{"POSTERN_CACHE_DIR=" + cache}, listening, program, "serve", "-c", file, "--ready-file", readyFile)
}

// startReference runs a reference, which is this program called by another verb, in an
// empty folder.
func startReference(kind, dir, hook string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	readyFile := filepath.Join(dir, "ready")
	listening := func() (string, bool) {
		address, err := os.ReadFile(readyFile)
		return string(address), err == nil && len(address) > 0
	}
	return start(dir, nil, listening, self, "reference", kind, hook, filepath.Join(dir, "spool"), readyFile)
}
