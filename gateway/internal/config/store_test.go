package config

import (
	"testing"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

// TestStoreEqual changes one thing at a time, which a reload has to see.
func TestStoreEqual(t *testing.T) {
	t.Parallel()
	password := func(text string) secret.Password {
		p, err := secret.ParsePassword(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	store := func(change func(*Postgres)) Store {
		p := &Postgres{DSN: password(testDSN), MaxConnections: 16}
		change(p)
		return Store{Driver: DriverPostgres, Postgres: p}
	}
	same := func(*Postgres) {}
	for name, tc := range map[string]struct {
		other Store
		equal bool
	}{
		"same":        {store(same), true},
		"DSN":         {store(func(p *Postgres) { p.DSN = password(testDSN + "2") }), false},
		"connections": {store(func(p *Postgres) { p.MaxConnections++ }), false},
		"driver":      {Store{Driver: DriverSQLite}, false},
	} {
		if got := store(same).Equal(tc.other); got != tc.equal || tc.other.Equal(store(same)) != got {
			t.Errorf("another %s: Equal = %t", name, got)
		}
	}
	if !(Store{Driver: DriverSQLite}).Equal(Store{Driver: DriverSQLite}) {
		t.Error("SQLite is another")
	}

	bodies := func(change func(*S3)) Bodies {
		s := &S3{Endpoint: "https://s3.example", Bucket: "mail", AccessKeyID: password("a"), SecretAccessKey: password("b")}
		change(s)
		return Bodies{Driver: DriverS3, S3: s}
	}
	for name, change := range map[string]func(*S3){
		"endpoint":   func(s *S3) { s.Endpoint = "http://s3.example" },
		"bucket":     func(s *S3) { s.Bucket = "letters" },
		"region":     func(s *S3) { s.Region = "eu-central-1" },
		"prefix":     func(s *S3) { s.Prefix = "postern" },
		"path style": func(s *S3) { s.PathStyle = true },
		"key id":     func(s *S3) { s.AccessKeyID = password("b") },
		"secret key": func(s *S3) { s.SecretAccessKey = password("a") },
	} {
		if bodies(func(*S3) {}).Equal(bodies(change)) {
			t.Errorf("another %s is equal", name)
		}
	}
	files := Bodies{Driver: DriverFiles}
	if s3 := bodies(func(*S3) {}); !s3.Equal(bodies(func(*S3) {})) || s3.Equal(files) || files.Equal(s3) || !files.Equal(files) || files.Equal(Bodies{Driver: DriverDatabase}) {
		t.Error("bodies in S3 and in files")
	}
}
