package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

type sendFlags struct {
	server   string
	from     string
	to       []string
	starttls bool
	insecure bool
	timeout  time.Duration
	asJSON   bool
}

// maxReply is how much of a server's words is shown.
const maxReply = 1000

// sendResult is what became of one file.
type sendResult struct {
	File  string `json:"file"`
	Reply string `json:"reply,omitempty"`
	Error string `json:"error,omitempty"`
}

func newSend() *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:   "send --to ADDRESS [--from ADDRESS] FILE.eml…",
		Short: "Send mails by SMTP",
		Long: `Send hands files to an SMTP server, as they are but for their line ends: SMTP
allows CRLF alone. "-" is standard input. Every file is tried; the exit code is 1
where one was refused.`,
		Example: `  postern send --to support@acme.test examples/mails/invoice.eml
  postern send --server mx.example.com:25 --starttls --from me@example.org --to you@example.com mail.eml
  postern send --to support@acme.test --from "" bounce.eml    # the null reverse-path`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(*cobra.Command, []string) error {
			for _, a := range f.to {
				if _, _, err := mail.SplitAddress(a); err != nil {
					return fmt.Errorf("--to %q: %w", a, err)
				}
			}
			if _, _, err := net.SplitHostPort(f.server); err != nil {
				return fmt.Errorf("--server %q: want HOST:PORT", f.server)
			}
			if f.timeout <= 0 {
				return fmt.Errorf("--timeout %s: want a positive duration", f.timeout)
			}
			if f.from == "" {
				return nil
			}
			if _, _, err := mail.SplitAddress(f.from); err != nil {
				return fmt.Errorf("--from %q: %w", f.from, err)
			}
			return nil
		},
		RunE: work(func(cmd *cobra.Command, files []string) error { return send(cmd, f, files) }),
	}
	cmd.Flags().StringVar(&f.server, "server", "127.0.0.1:2525", "`HOST:PORT` of the SMTP server")
	cmd.Flags().StringVar(&f.from, "from", "sender@example.com", "reverse-path; empty for the null reverse-path of bounces")
	cmd.Flags().StringArrayVar(&f.to, "to", nil, "recipient `ADDRESS`; may be repeated")
	cmd.Flags().BoolVar(&f.starttls, "starttls", false, "encrypt the session, or fail")
	cmd.Flags().BoolVar(&f.insecure, "insecure", false, "with --starttls: take any certificate")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "bound for the connection and each command")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print a line of JSON for each file")
	_ = cmd.MarkFlagRequired("to") // fails only for a flag that is not defined
	return cmd
}

func send(cmd *cobra.Command, f sendFlags, files []string) error {
	cfg := smtpclient.Config{Address: f.server, Timeout: f.timeout}
	if f.starttls {
		host, _, _ := net.SplitHostPort(f.server)                                                             // it was checked before
		cfg.TLS = &tls.Config{ServerName: host, InsecureSkipVerify: f.insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for by a flag
	}
	s := &sender{cfg: cfg, flags: f}
	defer s.close()
	refused := 0
	for _, file := range files {
		result := sendResult{File: file}
		reply, err := s.send(cmd, file)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("%w; is the gateway running? Start one with \"make run\" or \"postern serve\"", err)
		}
		if err != nil {
			refused++
			result.Error = terminal.Text(err.Error(), maxReply)
		}
		result.Reply = terminal.Text(reply, maxReply)
		if err := result.print(cmd, f.asJSON); err != nil {
			return err
		}
	}
	if refused > 0 {
		return errReported
	}
	return nil
}

// sender sends file after file in one session, and begins another where one
// broke.
type sender struct {
	cfg    smtpclient.Config
	flags  sendFlags
	client *smtpclient.Client // nil while there is no session
}

func (s *sender) send(cmd *cobra.Command, file string) (string, error) {
	body, err := openMail(cmd.InOrStdin(), file)
	if err != nil {
		return "", err
	}
	defer body.Close()
	if s.client == nil {
		if s.client, err = smtpclient.Dial(cmd.Context(), s.cfg); err != nil {
			s.client = nil
			return "", err
		}
	}
	f := s.flags
	utf8 := strings.ContainsFunc(f.from+strings.Join(f.to, ""), func(r rune) bool { return r >= 0x80 })
	reply, err := s.client.Send(smtpclient.Mail{From: f.from, To: f.to, UTF8: utf8, Body: body})
	if refusal := new(smtpclient.Refusal); err != nil && !errors.As(err, &refusal) {
		s.close()
	}
	return reply, err
}

func (s *sender) close() {
	if s.client != nil {
		_ = s.client.Close() // the mails have their replies already
		s.client = nil
	}
}

func (r sendResult) print(cmd *cobra.Command, asJSON bool) error {
	switch {
	case asJSON:
		return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
	case r.Error != "":
		_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", r.File, r.Error)
		return err
	default:
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", r.File, r.Reply)
		return err
	}
}
