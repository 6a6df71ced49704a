package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/credential"
	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

// The drivers of store and bodies.
const (
	DriverSQLite   = "sqlite"
	DriverPostgres = "postgres"

	DriverFiles    = "files"
	DriverDatabase = "database"
	DriverS3       = "s3"
)

// Store is where the queue and the log are.
type Store struct {
	Driver   string    // sqlite, which is in the data folder, or postgres
	Postgres *Postgres `json:",omitempty"` // nil unless it is the driver
}

// Postgres is a database that nodes share.
type Postgres struct {
	DSN            secret.Password // a URL of postgres, or words such as host=…
	MaxConnections int             // of this node, at the same time
}

// Equal reports whether two stores are one, reached in the same way.
func (s Store) Equal(other Store) bool {
	if s.Driver != other.Driver || s.Postgres == nil || other.Postgres == nil {
		return s.Driver == other.Driver && s.Postgres == other.Postgres
	}
	return s.Postgres.DSN.Equal(other.Postgres.DSN) && s.Postgres.MaxConnections == other.Postgres.MaxConnections
}

// Bodies is where the octets of mails are. With driver s3 those of small mails are where
// they would be without it: in the database of postgres, or in files beside SQLite.
type Bodies struct {
	Driver string // files, which are in the data folder; database, of postgres only; or s3
	S3     *S3    `json:",omitempty"` // nil unless it is the driver
}

// S3 is a bucket in Amazon S3, or in whatever speaks its protocol.
type S3 struct {
	Endpoint  string // scheme, host and perhaps port, without a slash at the end
	Bucket    string
	Region    string // that signatures name
	Prefix    string // of all keys, without a slash at its end; empty for none
	PathStyle bool   // the bucket stands in the path, and not before the host

	AccessKeyID, SecretAccessKey secret.Password
}

// Equal reports whether bodies are in the same place, reached in the same way.
func (b Bodies) Equal(other Bodies) bool {
	if b.Driver != other.Driver || b.S3 == nil || other.S3 == nil {
		return b.Driver == other.Driver && b.S3 == other.S3
	}
	x, y := *b.S3, *other.S3
	keys := x.AccessKeyID.Equal(y.AccessKeyID) && x.SecretAccessKey.Equal(y.SecretAccessKey)
	x.AccessKeyID, x.SecretAccessKey = y.AccessKeyID, y.SecretAccessKey
	return keys && x.Endpoint == y.Endpoint && x.Bucket == y.Bucket && x.Region == y.Region && x.Prefix == y.Prefix && x.PathStyle == y.PathStyle
}

// A choice is the driver of a block, and what is said of settings that belong to
// one driver only.
type choice struct {
	driver string
	at     syntax.Value // of the driver
	said   []belonging
}

type belonging struct {
	name, driver string
	value        syntax.Value
}

func (c *choice) driverSetting(initial string, drivers ...string) []schema.Setting {
	s := noted("driver", &c.at, schema.Into(&c.driver, schema.OneOf(drivers...)))
	s.Initial = initial
	return []schema.Setting{s}
}

// of makes settings such as belong to one driver.
func (c *choice) of(driver string, settings ...schema.Setting) []schema.Setting {
	for i, s := range settings {
		settings[i].Raw = true // to hear of what is no literal, which is not missing
		settings[i].Set = func(v syntax.Value) syntax.Problems {
			if v.At != (syntax.Place{}) {
				c.said = append(c.said, belonging{s.Name, driver, v})
			}
			if v.Data == nil && !s.Raw {
				return nil
			}
			return s.Set(v)
		}
	}
	return settings
}

// want notes what belongs to another driver, and which of the settings named the
// driver goes without. Which driver it is may be said in a file that cannot be read.
func (c *choice) want(l *loader, names ...string) {
	if l.Partial() || c.driver == "" {
		return
	}
	for _, s := range c.said {
		if s.driver != c.driver {
			l.Note(s.value.Wrong(fmt.Sprintf("write driver = %q, or leave %s out", s.driver, s.name), "%s goes with driver %q only, and this one is %q", s.name, s.driver, c.driver)...)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(c.said, func(s belonging) bool { return s.name == name }) {
			l.Note(c.at.Wrong("", "driver %q needs %s, which is missing", c.driver, name)...)
		}
	}
}

// storeBlock knows the store when it is finished; that of bodies comes after it.
func (l *loader) storeBlock() *schema.Block {
	c, p := &choice{}, &Postgres{}
	dsn := &credential.Source{Name: "dsn", What: "the DSN", Hint: `write it as "postgres://HOST:5432/DATABASE", with USER:PASSWORD@ before the host`}
	return &schema.Block{
		Settings: slices.Concat(c.driverSetting(DriverSQLite, DriverSQLite, DriverPostgres), c.of(DriverPostgres, append(dsn.Settings(),
			schema.Setting{Name: "max_connections", Initial: "16", Set: schema.Into(&p.MaxConnections, schema.Integer(4, 1000))},
		)...)),
		Finish: func() {
			c.want(l)
			l.config.Store.Driver = c.driver
			if c.driver == DriverPostgres && !l.Partial() {
				text, ps := l.credentials.Password(c.at.At, dsn, checkDSN)
				l.Note(ps...)
				p.DSN = text
				l.config.Store.Postgres = p
			}
		},
	}
}

// wordsForm is how the words of a DSN begin.
var wordsForm = regexp.MustCompile(`^\s*[a-z_]+\s*=`)

// checkDSN refuses what is no address of PostgreSQL at first sight. The rest is the
// driver's affair.
func checkDSN(text string) error {
	if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") || wordsForm.MatchString(text) {
		return nil
	}
	return errors.New(`neither begins with "postgres://" nor has words such as host=…`)
}

func (l *loader) bodiesBlock() *schema.Block {
	c, s := &choice{}, &S3{PathStyle: true} // also where what is said of it is wrong
	id := &credential.Source{Name: "access_key_id", What: "the access key id", Hint: "the S3 store gives it out together with the secret key"}
	key := &credential.Source{Name: "secret_access_key", What: "the secret access key", Hint: "the S3 store gives it out together with the id"}
	return &schema.Block{
		Settings: slices.Concat(c.driverSetting("", DriverFiles, DriverDatabase, DriverS3), c.of(DriverS3, slices.Concat([]schema.Setting{
			{Name: "endpoint", Set: schema.Into(&s.Endpoint, s3Endpoint)},
			{Name: "bucket", Set: schema.Into(&s.Bucket, bucket)},
			{Name: "region", Initial: "us-east-1", Set: schema.Into(&s.Region, region)},
			{Name: "prefix", Set: schema.Into(&s.Prefix, keyPrefix)},
			{Name: "path_style", Initial: "true", Set: schema.Into(&s.PathStyle, schema.Boolean)},
		}, id.Settings(), key.Settings())...)),
		Finish: func() {
			if c.at.At == (syntax.Place{}) {
				c.driver = map[string]string{DriverSQLite: DriverFiles, DriverPostgres: DriverDatabase}[l.config.Store.Driver]
			}
			l.config.Bodies.Driver = c.driver
			switch {
			case l.Partial():
			case c.driver == DriverDatabase && l.config.Store.Driver == DriverSQLite:
				l.Note(c.at.Wrong(`write driver = "files", or say in a store block which database`, `bodies go into the database of PostgreSQL only, and the store is "sqlite"`)...)
			case c.driver == DriverS3:
				c.want(l, "endpoint", "bucket")
				l.finishS3(c, s, id, key)
			default:
				c.want(l)
			}
		},
	}
}

// finishS3 fetches the keys, and finds what settings cannot say of each other.
func (l *loader) finishS3(c *choice, s *S3, id, key *credential.Source) {
	var ps syntax.Problems
	s.AccessKeyID, ps = l.credentials.Password(c.at.At, id, nil)
	l.Note(ps...)
	s.SecretAccessKey, ps = l.credentials.Password(c.at.At, key, nil)
	l.Note(ps...)
	if u, err := url.Parse(s.Endpoint); err == nil && !s.PathStyle {
		if _, err := netip.ParseAddr(u.Hostname()); err == nil {
			at := slices.IndexFunc(c.said, func(b belonging) bool { return b.name == "path_style" })
			l.Note(c.said[at].value.Wrong("write path_style = true", "the endpoint is an IP address, which takes no bucket before it")...)
		}
	}
	l.config.Bodies.S3 = s
}

// s3Endpoint reads where S3 answers.
func s3Endpoint(v syntax.Value) (string, syntax.Problems) {
	return origin(v, "write access_key_id_env and secret_access_key_env", "https://s3.example.com")
}

var (
	// bucketForm is that of general purpose buckets, but for two dots side by side.
	bucketForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{1,61})[a-z0-9]$`)
	regionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	prefixForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
)

// bucket reads the name of a bucket.
func bucket(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	_, err := netip.ParseAddr(s)
	if !bucketForm.MatchString(s) || strings.Contains(s, "..") || err == nil {
		return "", v.Wrong("use 3 to 63 of a-z, 0-9, - and ., a letter or digit at both ends, and no IP address", "%s is no name of a bucket", syntax.Quote(s))
	}
	return s, nil
}

// region reads the name of a region. Stores other than Amazon's have their own.
func region(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps == nil && !regionForm.MatchString(s) {
		return "", v.Wrong(`write it as "eu-central-1"`, "%s is no name of a region", syntax.Quote(s))
	}
	return s, ps
}

// maxKeyPrefix leaves room for the rest of a key, which has 1024 octets in S3.
const maxKeyPrefix = 200

// keyPrefix reads what the keys of all bodies begin with. A store may keep keys as
// paths of files, so that none leads elsewhere.
func keyPrefix(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	s = strings.TrimSuffix(s, "/")
	parts := strings.Split(s, "/")
	if len(s) > maxKeyPrefix || !prefixForm.MatchString(s) || slices.Contains(parts, ".") || slices.Contains(parts, "..") {
		return "", v.Wrong(`write it as "postern" or "mail/postern", of at most 200 of a-z, A-Z, 0-9, _, -, . and /`, "%s is no prefix of keys", syntax.Quote(s))
	}
	return s, nil
}
