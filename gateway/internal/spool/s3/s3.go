// Package s3 keeps the octets of messages in a bucket of an S3-compatible store, which
// several gateways share.
//
// # Durability
//
// Put returns after the store has answered that it has the body whole: it is sent in one
// request, with a checksum that the store holds against it. A body that a client is slow to
// send waits in an unlinked temporary file meanwhile, and takes no memory and no connection.
//
// # Invariants
//
// A key has a random part, so that no body is ever written over another. Open fetches a
// whole body and holds it against its checksum before it gives out a single octet. Every
// request is bounded in time, and every list in its length. Sweep leaves alone what is younger
// than a day: another gateway may be about to commit its row.
package s3

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/semaphore"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

const (
	scheme    = "s3"
	extension = ".eml"
	// randomSize is the random part of a key, in octets.
	randomSize = 8
	// maxRequests is how many requests are under way at the same time.
	maxRequests = 64
	// patience is how long a request may take, and slowest how many octets a second those that
	// carry a body have to move beside that.
	patience = time.Minute
	slowest  = 256 << 10
	// DefaultAge is how old a body has to be to be swept.
	DefaultAge = 24 * time.Hour
)

// Config says where bodies are kept.
type Config struct {
	// Endpoint is the store's URL, without a path: https://s3.example.com.
	Endpoint string
	// Region may be empty for stores that have none.
	Region string
	Bucket string
	// Prefix begins every key; empty for none. Gateways that share a bucket and not a
	// database need different ones.
	Prefix string
	// VirtualHost has the bucket stand before the host, and not in the path.
	VirtualHost bool
	AccessKey   string
	SecretKey   string
	// TempDir holds what is under way, in files without a name.
	TempDir string
	// Age is how old a body has to be to be swept; 0 means DefaultAge.
	Age time.Duration
}

// Bodies is a store of bodies. Its methods may be called by any number of goroutines.
type Bodies struct {
	cfg       Config
	client    *minio.Client
	transport *http.Transport
	// requests bounds how many there are.
	requests *semaphore.Weighted
	patience time.Duration
	sweeps   sweeps
}

// Close gives back the connections that wait for more.
func (b *Bodies) Close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// Put stores what r gives, of any size, and returns once the store has it. Where r, the
// disk for temporary files or the store fails, nothing is left behind but what the sweep removes: a body
// that has arrived although its answer has not. An error of r is in the error's chain.
func (b *Bodies) Put(ctx context.Context, id mail.MessageID, _ time.Time, r io.Reader) (mail.BodyRef, error) {
	if err := spool.CheckID(id); err != nil {
		return "", err
	}
	s := newSpill(b.cfg.TempDir)
	defer s.close()
	if _, err := io.Copy(s, spool.WithContext(ctx, r)); err != nil {
		return "", fmt.Errorf("write body: %w", err)
	}
	key := b.newKey(id)
	sum := s.digest.Sum32()
	err := b.request(ctx, s.size, func(ctx context.Context) error {
		_, err := b.client.PutObject(ctx, b.cfg.Bucket, key, s.reader(), s.size, minio.PutObjectOptions{
			ContentType: "message/rfc822", DisableMultipart: true,
			// The checksum is signed, and the octets as they are: not all stores take them in
			// signed pieces.
			DisableContentSha256: true,
			UserMetadata:         map[string]string{"X-Amz-Checksum-Crc32c": base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))},
		})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store body %s: %w", key, err)
	}
	return spool.MakeRef(scheme, s.size, sum, key), nil
}

// newKey makes the key of a new body.
func (b *Bodies) newKey(id mail.MessageID) string {
	var random [randomSize]byte
	_, _ = rand.Read(random[:]) // never fails
	return b.cfg.Prefix + string(id) + "-" + hex.EncodeToString(random[:]) + extension
}

// idOf reads the message's id off a key that newKey has made.
func idOf(key string) (mail.MessageID, bool) {
	base, isBody := strings.CutSuffix(path.Base(key), extension)
	id, random, found := strings.Cut(base, "-")
	octets, err := hex.DecodeString(random)
	return mail.MessageID(id), isBody && found && err == nil && len(octets) == randomSize && spool.CheckID(mail.MessageID(id)) == nil
}

func parseRef(ref mail.BodyRef) (key string, size int64, sum uint32, err error) {
	fields, size, sum, err := spool.ParseRef(ref, scheme, 1)
	if err != nil {
		return "", 0, 0, err
	}
	if _, ours := idOf(fields[0]); !ours {
		return "", 0, 0, fmt.Errorf("read body reference %q: %w", ref, spool.ErrForeign)
	}
	return fields[0], size, sum, nil
}

// Open fetches a body, into memory or into a file without a name. It fails with
// spool.ErrDamaged where the body is not the one that was stored.
func (b *Bodies) Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error) {
	key, size, sum, err := parseRef(ref)
	if err != nil {
		return nil, err
	}
	s := newSpill(b.cfg.TempDir)
	err = b.request(ctx, size, func(ctx context.Context) error { return b.fetch(ctx, key, size, s) })
	switch {
	case err != nil:
	case s.size != size:
		err = fmt.Errorf("%w: %d octets of %d", spool.ErrDamaged, s.size, size)
	case s.digest.Sum32() != sum:
		err = fmt.Errorf("%w: checksum %08x is not %08x", spool.ErrDamaged, s.digest.Sum32(), sum)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("fetch body %s: %w", key, err)
	}
	return s.body(), nil
}

// fetch gets the octets of a body, up to one more than it should have.
func (b *Bodies) fetch(ctx context.Context, key string, size int64, to io.Writer) error {
	object, info, _, err := minio.Core{Client: b.client}.GetObject(ctx, b.cfg.Bucket, key, minio.GetObjectOptions{})
	if isMissing(err) {
		return fmt.Errorf("%w: it is missing", spool.ErrDamaged)
	}
	if err != nil {
		return err
	}
	defer object.Close()
	if info.Size != size {
		return fmt.Errorf("%w: it has %d octets, not %d", spool.ErrDamaged, info.Size, size)
	}
	_, err = io.Copy(to, io.LimitReader(object, size+1))
	return err
}

// Delete removes a body. One that is gone already is no error.
func (b *Bodies) Delete(ctx context.Context, ref mail.BodyRef) error {
	key, _, _, err := parseRef(ref)
	if err != nil {
		return err
	}
	return b.remove(ctx, key)
}

func (b *Bodies) remove(ctx context.Context, key string) error {
	err := b.request(ctx, 0, func(ctx context.Context) error {
		return b.client.RemoveObject(ctx, b.cfg.Bucket, key, minio.RemoveObjectOptions{})
	})
	if err != nil && !isMissing(err) {
		return fmt.Errorf("remove body %s: %w", key, err)
	}
	return nil
}

// request makes a request that carries so many octets, within its time.
func (b *Bodies) request(ctx context.Context, size int64, do func(context.Context) error) error {
	if err := b.requests.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("wait for a connection: %w", err)
	}
	defer b.requests.Release(1)
	limit := b.patience + time.Duration(size/slowest)*time.Second
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case bounded.Err() != nil:
		return fmt.Errorf("%w: %s did not answer within %s: %w", ErrUnreachable, b.cfg.Endpoint, limit, err)
	}
	return b.explain(err)
}

// validPrefix is what a prefix may be of: nothing that a reference, or a path of a store
// that keeps objects in files, would take for something else.
func validPrefix(prefix string) bool {
	return regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*/)*$`).MatchString(prefix)
}

// checkTemp holds that temporary files can be made.
func checkTemp(dir string) error {
	file, err := makeTemp(dir)
	if err != nil {
		return err
	}
	return file.Close()
}

// makeTemp makes a file that has no name, and is gone when it is closed.
func makeTemp(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "body-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", spool.Explain(dir, err))
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("make a temporary file: %w", err), file.Close())
	}
	return file, nil
}
