package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/postern-mail/postern/gateway/internal/maintenance"
)

const (
	verifyPath = "/v1/verify"
	backupPath = "/v1/backup"
	// sign is how often the server shows that it is still at work.
	sign = time.Second
)

// line is one line of an answer that takes its time: signs of life, and at its end a report
// or an error.
type line struct {
	Report *maintenance.Report `json:"report,omitempty"`
	Done   bool                `json:"done,omitempty"`
	Error  string              `json:"error,omitempty"`
}

// backupRequest asks for a backup.
type backupRequest struct {
	Dir string `json:"dir"`
}

// verify looks whether the data is whole.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, func(ctx context.Context, tell func(line)) error {
		report, err := maintenance.Verify(ctx, s.store, s.bodies, func(r maintenance.Report) {
			r.Database, r.Findings = nil, nil // they are told at the end
			tell(line{Report: &r})
		})
		if err == nil {
			tell(line{Report: &report, Done: true})
		}
		return err
	})
}

// backup backs the data up to a folder that the request names.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	var request backupRequest
	if err := read(w, r, &request); err != nil || request.Dir == "" {
		s.refuse(w, http.StatusBadRequest, errors.Join(err, errors.New("a backup needs the name of a folder")))
		return
	}
	if s.cfg.Backup == nil {
		s.refuse(w, http.StatusConflict, ErrNoBackup)
		return
	}
	s.stream(w, r, func(ctx context.Context, tell func(line)) error {
		report, err := s.cfg.Backup(ctx, request.Dir)
		if err == nil {
			tellOf := s.log.Info
			if report.Wrong > 0 {
				tellOf = s.log.Error
			}
			tellOf("backed up", "dir", request.Dir, "messages", report.Messages, "wrong", report.Wrong)
			tell(line{Done: true})
		}
		return err
	})
}

// ErrNoBackup means that a backup of files is not all of the data.
var ErrNoBackup = errors.New("the data is not in files of this machine: use the tools of the database and of the object store, or copy it by \"postern store copy\"")

// stream answers line by line while work goes on. It ends when the client is gone.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, work func(ctx context.Context, tell func(line)) error) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := http.NewResponseController(w)
	lines := make(chan line)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		defer close(lines)
		tell := func(l line) {
			select {
			case lines <- l:
			case <-ctx.Done():
			}
		}
		if err := work(ctx, tell); err != nil {
			tell(line{Error: err.Error()})
		}
	}()
	alive := time.NewTicker(sign)
	defer alive.Stop()
	last := line{}
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				return
			}
			if last = l; !l.Done && l.Error == "" {
				continue // it is told with the next sign
			}
		case <-alive.C:
		}
		err := errors.Join(out.SetWriteDeadline(time.Now().Add(writeTimeout)), json.NewEncoder(w).Encode(last), out.Flush())
		if err != nil {
			s.logWriteError(err)
			cancel()
			for range lines { // until the work has ended
			}
			return
		}
	}
}

// Verify has the gateway look whether its data is whole. Progress is called now and then.
func (c *Client) Verify(ctx context.Context, progress func(maintenance.Report)) (maintenance.Report, error) {
	return c.follow(ctx, verifyPath, nil, progress)
}

// Backup has the gateway back up its data to a new folder, which an absolute path names. The
// manifest in it says whether the data is whole.
func (c *Client) Backup(ctx context.Context, dir string) error {
	_, err := c.follow(ctx, backupPath, backupRequest{Dir: dir}, func(maintenance.Report) {})
	return err
}

// follow posts a request and reads its answer to the end, however long that takes.
func (c *Client) follow(ctx context.Context, path string, request any, progress func(maintenance.Report)) (maintenance.Report, error) {
	var none maintenance.Report
	question, err := json.Marshal(request)
	if err != nil {
		return none, err
	}
	body, err := c.askBy(ctx, c.patient(), http.MethodPost, path, bytes.NewReader(question))
	if err != nil {
		return none, err
	}
	defer body.Close()
	dec := json.NewDecoder(body)
	for {
		var l line
		err := dec.Decode(&l)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return none, errors.New("the gateway broke off: it was stopped, or its log says why")
		case err != nil:
			return none, fmt.Errorf("read the gateway's answer: %w", err)
		case l.Error != "":
			return none, errors.New(l.Error)
		}
		if l.Report != nil {
			progress(*l.Report)
		}
		if l.Done {
			if l.Report != nil {
				return *l.Report, nil
			}
			return none, nil
		}
	}
}
