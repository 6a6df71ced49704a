package main

import (
	"net"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// deferred is the word of the configuration for a mail that a scanner could not scan.
const deferred = "defer"

// policies says what each tenant wants done for the scanners' word.
func policies(cfg *config.Config) map[string]reception.Policy {
	byTenant := make(map[string]reception.Policy)
	for _, t := range cfg.Tenants {
		p := reception.Policy{Tag: t.Spam.Tag, Quarantine: t.Spam.Quarantine, Defer: t.Spam.Defer, Reject: t.Spam.Reject}
		if t.VirusScan {
			p.OnVirus = mail.VirusAction(t.VirusAction)
		}
		byTenant[t.Name] = p
	}
	return byTenant
}

// openScanners makes the clients of the scanners, and says what each tenant wants
// done for their word. The virus scanner is nil for none. ev is told when one is down.
func openScanners(cfg *config.Config, ev *events.Events, log hclog.Logger) (reception.Screening, dispatch.VirusScanner, error) {
	s := reception.Screening{Hostname: cfg.Server.Hostname, Resolver: net.DefaultResolver, Policies: policies(cfg)}
	health := func(name string) func(error) { return ev.Health(store.About{Class: events.Scanner, Name: name}) }
	if c := cfg.Scanners.Rspamd; c != nil {
		client, err := scan.NewRspamd(scan.RspamdConfig{URL: c.URL, Limits: scan.Limits{MaxSize: c.MaxSize, Timeout: c.Timeout}, Health: health("rspamd")}, log)
		if err != nil {
			return s, nil, err
		}
		s.Spam, s.DeferSpam = client, c.OnError == deferred
	}
	c := cfg.Scanners.ClamAV
	if c == nil {
		return s, nil, nil
	}
	address := c.Address
	if c.Network == "unix" {
		address = "unix:" + address
	}
	client, err := scan.NewClamAV(scan.ClamAVConfig{Address: address, Limits: scan.Limits{MaxSize: c.MaxSize, Timeout: c.Timeout}, Health: health("clamav")}, log)
	if err != nil {
		return s, nil, err
	}
	s.Virus, s.DeferVirus = client, c.OnError == deferred
	return s, client, nil
}
