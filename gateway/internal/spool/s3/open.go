package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/semaphore"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

var (
	// ErrRefused means that the store knows the key, the secret or the policy not to
	// allow what was asked for.
	ErrRefused = errors.New("the S3 store refuses")
	// ErrNoBucket means that the bucket is not there.
	ErrNoBucket = errors.New("there is no such bucket")
	// ErrUnreachable means that the store does not answer, or cannot serve at the moment.
	ErrUnreachable = errors.New("the S3 store cannot be reached")
)

const (
	// tries is how often a request is made that the store could not serve.
	tries = 3
	// handshake bounds each step of a new connection.
	handshake = 10 * time.Second
	// permissions are those that the store needs to give.
	permissions = "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
)

// Open checks that bodies can be written, read, listed and deleted as configured. An error
// says which of that is not so and what is to be changed.
func Open(ctx context.Context, cfg Config) (*Bodies, error) {
	return open(ctx, cfg, func(t http.RoundTripper) http.RoundTripper { return t }, patience, tries)
}

func open(ctx context.Context, cfg Config, wrap func(http.RoundTripper) http.RoundTripper, patience time.Duration, tries int) (*Bodies, error) {
	endpoint, err := checkConfig(&cfg)
	if err != nil {
		return nil, fmt.Errorf("open S3 store: %w", err)
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: handshake}).DialContext,
		TLSHandshakeTimeout: handshake, ResponseHeaderTimeout: patience, IdleConnTimeout: patience, ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost: maxRequests, DisableCompression: true,
	}
	lookup := minio.BucketLookupPath
	if cfg.VirtualHost {
		lookup = minio.BucketLookupDNS
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		BucketLookup: lookup,
		Creds:        credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure:       endpoint.Scheme == "https", Transport: boundedLists{wrap(transport)}, Region: cfg.Region, MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("open S3 store %s: %w", cfg.Endpoint, err)
	}
	b := &Bodies{cfg: cfg, client: client, transport: transport, requests: semaphore.NewWeighted(maxRequests), patience: patience, sweeps: sweeps{pages: maxPages, time: sweepTime}}
	if err := b.check(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open S3 store %s: %w", cfg.Endpoint, err), b.Close())
	}
	return b, nil
}

// checkConfig reads the endpoint and fills in what may be left out.
func checkConfig(cfg *Config) (*url.URL, error) {
	endpoint, err := url.Parse(cfg.Endpoint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("endpoint: %w", err)
	case endpoint.Scheme != "https" && endpoint.Scheme != "http" || endpoint.Host == "" || strings.Trim(endpoint.Path, "/") != "" || endpoint.RawQuery != "" || endpoint.User != nil:
		return nil, fmt.Errorf("endpoint %q: want a URL without a path, such as https://s3.example.com", endpoint.Redacted())
	case cfg.Bucket == "":
		return nil, errors.New("bucket: none is named")
	case cfg.AccessKey == "" || cfg.SecretKey == "":
		return nil, errors.New("access key and secret key: both are needed")
	}
	if cfg.Prefix != "" && !strings.HasSuffix(cfg.Prefix, "/") {
		cfg.Prefix += "/"
	}
	if !validPrefix(cfg.Prefix) {
		return nil, fmt.Errorf("prefix %q: want letters, digits and any of -_. between slashes", cfg.Prefix)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Age == 0 {
		cfg.Age = DefaultAge
	}
	return endpoint, checkTemp(cfg.TempDir)
}

// check does once all that is done with bodies later.
func (b *Bodies) check(ctx context.Context) error {
	// The answer to a list says why; that to a look at the bucket is a bare number.
	if _, err := b.list(ctx, "", 1); err != nil {
		return fmt.Errorf("list bucket %s: %w", b.cfg.Bucket, err)
	}
	probe := []byte("Postern can write here.")
	ref, err := b.Put(ctx, mail.NewMessageID(time.Now()), time.Time{}, bytes.NewReader(probe))
	if err != nil {
		return fmt.Errorf("write to bucket %s: %w", b.cfg.Bucket, err)
	}
	body, err := b.Open(ctx, ref)
	if err == nil {
		err = body.Close()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read what was written to bucket %s: %w", b.cfg.Bucket, err), b.Delete(ctx, ref))
	}
	if err := b.Delete(ctx, ref); err != nil {
		return fmt.Errorf("delete from bucket %s: %w", b.cfg.Bucket, err)
	}
	return nil
}

// identityName is the object that says which database the bodies are of.
const identityName = "bodies.id"

// Bind holds that the bodies under the prefix are those of a database, by its identity. Bodies
// that were of none yet are its from now on.
func (b *Bodies) Bind(ctx context.Context, identity string) error {
	key := b.cfg.Prefix + identityName
	have, err := b.small(ctx, key)
	if isMissing(err) {
		err = b.request(ctx, 0, func(ctx context.Context) error {
			_, err := b.client.PutObject(ctx, b.cfg.Bucket, key, strings.NewReader(identity), int64(len(identity)), minio.PutObjectOptions{ContentType: "text/plain", DisableContentSha256: true})
			return err
		})
		if err == nil {
			have, err = b.small(ctx, key) // of two who were first, one was
		}
	}
	if err != nil {
		return fmt.Errorf("ask bucket %s whose bodies it has: %w", b.cfg.Bucket, b.explain(err))
	}
	if have != identity {
		return fmt.Errorf("%w: the object %s in bucket %s says %.64q, and the database is %s. Name the right database, or another prefix", spool.ErrOther, key, b.cfg.Bucket, have, identity)
	}
	return nil
}

// small reads an object of a few octets.
func (b *Bodies) small(ctx context.Context, key string) (text string, err error) {
	err = b.request(ctx, 0, func(ctx context.Context) error {
		object, err := b.client.GetObject(ctx, b.cfg.Bucket, key, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		octets, err := io.ReadAll(io.LimitReader(object, 1<<10))
		text = string(octets)
		return errors.Join(err, object.Close())
	})
	return text, err
}

// isMissing reports whether an error says that there is no object under a key.
func isMissing(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.Code == minio.NoSuchKey
}

// explain says what an error means and what is to be done.
func (b *Bodies) explain(err error) error {
	if errors.Is(err, spool.ErrDamaged) || errors.Is(err, spool.ErrFull) || errors.Is(err, spool.ErrFailing) || isMissing(err) {
		return err
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: is %s the right address, and is it up? %w", ErrUnreachable, b.cfg.Endpoint, err)
	}
	status := answer.StatusCode
	switch {
	case answer.Code == minio.NoSuchBucket:
		return fmt.Errorf("%w: create bucket %q at %s, or name another in the configuration: %w", ErrNoBucket, b.cfg.Bucket, b.cfg.Endpoint, err)
	case answer.Code == "RequestTimeTooSkewed":
		return fmt.Errorf("%w: set this machine's clock: %w", ErrRefused, err)
	case answer.Code == "InvalidAccessKeyId", answer.Code == "XAdminUserNotFound", answer.Code == "SignatureDoesNotMatch", status == http.StatusUnauthorized:
		return fmt.Errorf("%w the access key or its secret; correct them in the configuration: %w", ErrRefused, err)
	case status == http.StatusForbidden:
		return fmt.Errorf("%w: the access key has to be one of that store, with its secret, and needs %s on bucket %q: %w", ErrRefused, permissions, b.cfg.Bucket, err)
	case status == http.StatusInsufficientStorage, answer.Code == "QuotaExceeded", answer.Code == "XMinioStorageFull", answer.Code == "XMinioAdminBucketQuotaExceeded":
		return fmt.Errorf("%w: no mail is taken until there is room in bucket %q: %w", spool.ErrFull, b.cfg.Bucket, err)
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fmt.Errorf("%w: it answers with an error: %w", ErrUnreachable, err)
	}
	return fmt.Errorf("the S3 store says %s: %w", answer.Code, err)
}
