package maintenance_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/s3"
	"github.com/postern-mail/postern/gateway/internal/spool/s3test"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "data"))
	d.fill(t, 1, 5)
	if r := d.verify(t); r.Messages != 5 || r.Bodies != 5 || r.Wrong != 0 || r.Octets < 15000 {
		t.Errorf("report = %+v", r)
	}
	lost := d.records(t)[2]
	if err := d.bodies.Delete(t.Context(), lost.Body); err != nil {
		t.Fatal(err)
	}
	r := d.verify(t)
	if r.Wrong != 1 || len(r.Findings) != 1 || r.Findings[0].ID != lost.ID || r.Findings[0].Problem == "" {
		t.Errorf("report = %+v, want the body that is lost", r)
	}
}

// failing is a store of bodies that opens some, and then does not answer any more.
type failing struct {
	*spool.Local
	good int
	err  error
}

func (f *failing) Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error) {
	if f.good--; f.good < 0 {
		return nil, f.err
	}
	return f.Local.Open(ctx, ref)
}

// TestVerifyBreaksOff holds that what is wrong on the way to a body is not taken for damage.
func TestVerifyBreaksOff(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "data"))
	d.fill(t, 1, 3)
	away := errors.New("the store of the bodies is away")
	r, err := maintenance.Verify(t.Context(), d.db, &failing{d.bodies, 2, away}, func(maintenance.Report) {})
	if !errors.Is(err, away) || r.Wrong != 0 || !strings.Contains(err.Error(), "after 2 messages and 2 bodies, with 0 things wrong") ||
		!strings.Contains(err.Error(), string(d.records(t)[2].ID)) {
		t.Errorf("Verify = %+v, %v", r, err)
	}
	for _, damage := range []error{mail.ErrDamaged, mail.ErrForeign} {
		r, err = maintenance.Verify(t.Context(), d.db, &failing{d.bodies, 2, damage}, func(maintenance.Report) {})
		if err != nil || r.Wrong != 1 || r.Messages != 3 {
			t.Errorf("Verify = %+v, %v; want that it goes on", r, err)
		}
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := maintenance.Verify(t.Context(), d.db, d.bodies, func(maintenance.Report) {}); err == nil || !strings.Contains(err.Error(), "after 0 messages") {
		t.Errorf("Verify without a database: %v", err)
	}
}

// TestVerifyStoppedS3 has the S3 server go while bodies in it are looked at.
func TestVerifyStoppedS3(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	server.MakeBucket(t, "mails")
	d := open(t, filepath.Join(t.TempDir(), "data"))
	bucket, err := s3.Open(t.Context(), s3.Config{
		Endpoint: server.Endpoint, Bucket: "mails", AccessKey: server.AccessKey, SecretKey: server.SecretKey, TempDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() })
	d.in = bucket
	d.fill(t, 1, 3)
	verify := func() (maintenance.Report, error) {
		return maintenance.Verify(t.Context(), d.db, bucket, func(maintenance.Report) {})
	}
	if err := bucket.Delete(t.Context(), d.records(t)[0].Body); err != nil {
		t.Fatal(err)
	}
	if r, err := verify(); err != nil || r.Messages != 3 || r.Wrong != 1 {
		t.Errorf("Verify of a body that is missing = %+v, %v", r, err)
	}
	server.Stop(t)
	if r, err := verify(); !errors.Is(err, s3.ErrUnreachable) || r.Wrong != 0 {
		t.Errorf("Verify without a server = %+v, %v", r, err)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if r, err := verify(); err != nil || r.Wrong != 1 {
		t.Errorf("Verify once it is back = %+v, %v", r, err)
	}
}

// damagedDatabase is one that is damaged, and whose messages from a number on cannot be read.
type damagedDatabase struct {
	*sqlite.DB
	good int64
}

func (damagedDatabase) Check(context.Context) ([]string, error) {
	return []string{"page 7 is never used", "page 8 is used twice"}, nil
}

func (d damagedDatabase) Export(ctx context.Context, after int64, limit int) ([]store.Record, error) {
	records, err := d.DB.Export(ctx, after, limit)
	for _, r := range records {
		if r.Seq > d.good {
			return nil, fmt.Errorf("page 9: %w", store.ErrDamaged)
		}
	}
	return records, err
}

// TestVerifyDamagedDatabase looks at all that can be read of a database that is damaged.
func TestVerifyDamagedDatabase(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "data"))
	d.fill(t, 1, 5)
	records := d.records(t)
	if err := d.bodies.Delete(t.Context(), records[1].Body); err != nil {
		t.Fatal(err)
	}
	r, err := maintenance.Verify(t.Context(), damagedDatabase{d.db, records[2].Seq}, d.bodies, func(maintenance.Report) {})
	if err != nil || r.Messages != 3 || r.Wrong != 4 || len(r.Database) != 3 || !strings.Contains(r.Database[2], "the 3 messages") || len(r.Findings) != 1 || r.Findings[0].ID != records[1].ID {
		t.Errorf("Verify = %+v, %v", r, err)
	}
}
