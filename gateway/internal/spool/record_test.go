package spool

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// testNonce is that of the segments that the tests write.
func testNonce() nonce { return nonce{1, 2, 3, 4, 5, 6, 7, 8} }

// makeSegment writes bodies behind each other.
func makeSegment(bodies ...string) (octets []byte, records []record) {
	for _, body := range bodies {
		r := record{
			id: mail.NewMessageID(time.Now()), offset: int64(len(octets)), length: len(body),
			sum: crc32.Checksum([]byte(body), Castagnoli()),
		}
		header := make([]byte, headerSize)
		r.encode(header, testNonce())
		octets = append(append(octets, header...), body...)
		records = append(records, r)
	}
	return octets, records
}

func walkAll(octets []byte) (found []record, end int64, gaps []gap, err error) {
	end, gaps, err = walk(bytes.NewReader(octets), int64(len(octets)), testNonce(), func(r record) error {
		found = append(found, r)
		return nil
	})
	return found, end, gaps, err
}

func TestWalk(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("long"), 60<<10)) // more than is looked at at a time
	whole, records := makeSegment("first", "", long, "last")
	last := int(records[3].offset)
	for name, tc := range map[string]struct {
		octets []byte
		want   []record
		end    int
		gaps   []gap
	}{
		"nothing":     {},
		"whole":       {whole, records, len(whole), nil},
		"allocated":   {append(bytes.Clone(whole), make([]byte, 5<<20)...), records, len(whole), nil},
		"only zeros":  {make([]byte, 5<<20), nil, 0, nil},
		"torn header": {whole[:last+10], records[:3], last, []gap{gap(last)}},
		"torn body":   {whole[:last+headerSize+1], records, len(whole), nil},
		"torn, then allocated": {
			append(bytes.Clone(whole[:last+10]), make([]byte, 5<<20)...), records[:3], last, []gap{gap(last)},
		},
		"first header altered":  {altered(whole, 20), records[1:], len(whole), []gap{0}},
		"middle header altered": {altered(whole, int(records[2].offset)+30), append(records[:2:2], records[3]), len(whole), []gap{gap(records[2].offset)}},
		"middle header zeroed": {
			append(append(bytes.Clone(whole[:records[1].offset]), make([]byte, headerSize)...), whole[records[2].offset:]...),
			append(records[:1:1], records[2:]...), len(whole),
			[]gap{gap(records[1].offset)},
		},
		"body altered":       {altered(whole, int(records[2].offset)+headerSize), records, len(whole), nil},
		"of another segment": {altered(altered(altered(altered(whole, 4), int(records[1].offset)+4), int(records[2].offset)+4), last+4), nil, 0, []gap{0}},
		// A record that is copied elsewhere says that it does not belong there.
		"moved": {append(bytes.Clone(whole), whole[last:]...), records, len(whole), []gap{gap(len(whole))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, end, gaps, err := walkAll(tc.octets)
			if err != nil || fmt.Sprint(found, end, gaps) != fmt.Sprint(tc.want, tc.end, tc.gaps) {
				t.Errorf("found %v up to %d, gaps %v, %v\nwant %v up to %d, gaps %v", found, end, gaps, err, tc.want, tc.end, tc.gaps)
			}
		})
	}
}

func altered(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// failingReader fails from an offset on.
type failingReader struct {
	*bytes.Reader
	from int64
}

var errRead = errors.New("cannot be read")

func (r failingReader) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > r.from {
		return 0, errRead
	}
	return r.Reader.ReadAt(p, at)
}

func TestWalkThatCannotRead(t *testing.T) {
	t.Parallel()
	whole, _ := makeSegment("first", "second")
	for _, octets := range [][]byte{whole, make([]byte, len(whole)), altered(whole, 0)} {
		_, _, err := walk(failingReader{bytes.NewReader(octets), 70}, int64(len(octets)), testNonce(), func(record) error { return nil })
		if !errors.Is(err, errRead) || !errors.Is(err, ErrDamaged) {
			t.Errorf("error = %v, want %v", err, errRead)
		}
	}
}

// FuzzWalk holds that a walk ends, stays within bounds, and finds nothing twice.
func FuzzWalk(f *testing.F) {
	whole, _ := makeSegment("first", "", "third")
	f.Add(whole)
	f.Add(append(altered(whole, 30), make([]byte, 100)...))
	f.Add(whole[:100])
	f.Add(append(bytes.Clone(whole), whole...))
	f.Fuzz(func(t *testing.T, octets []byte) {
		found, end, gaps, err := walkAll(octets)
		if err != nil {
			t.Fatal(err)
		}
		at := int64(0)
		for _, r := range found {
			if r.offset < at || r.length < 0 || r.length > SmallBody || r.offset+headerSize > int64(len(octets)) || CheckID(r.id) != nil {
				t.Fatalf("record %+v, behind %d", r, at)
			}
			at = r.end()
		}
		if end != at {
			t.Errorf("end = %d, want %d", end, at)
		}
		for _, g := range gaps {
			if int64(g) < 0 || int64(g) >= int64(len(octets)) {
				t.Errorf("gap at %d of %d", g, len(octets))
			}
		}
	})
}

// FuzzRefs holds that what a reference is read as says the same again, and never leads
// out of the folder.
func FuzzRefs(f *testing.F) {
	name := segmentName("h2026021214", testNonce())
	f.Add(string(place{name: name, offset: 64, length: 5, sum: 7}.ref()))
	f.Add(string(makeRef("2026-02-12/x.eml", 5, 7)))
	f.Add("seg:../x:0:0:0")
	f.Fuzz(func(t *testing.T, ref string) {
		if p, err := parsePlace(mail.BodyRef(ref)); err == nil {
			again, err := parsePlace(p.ref())
			if err != nil || again != p || p.length < 0 || p.length > SmallBody || p.offset < 0 || p.offset > maxSegment {
				t.Errorf("%q = %+v, and then %+v, %v", ref, p, again, err)
			}
		}
		if name, size, sum, err := parseRef(mail.BodyRef(ref)); err == nil {
			name2, size2, sum2, err := parseRef(makeRef(name, size, sum))
			if err != nil || name2 != name || size2 != size || sum2 != sum || size < 0 {
				t.Errorf("%q = %q, %d, %x, and then %q, %d, %x, %v", ref, name, size, sum, name2, size2, sum2, err)
			}
		}
	})
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 12, 14, 30, 0, 0, time.UTC)
	for expires, want := range map[time.Time]string{
		{}:                               "h2026021215",
		now:                              "h2026021215",
		now.Add(30 * time.Minute):        "h2026021216",
		now.Add(48*time.Hour - 1):        "h2026021415",
		now.Add(48 * time.Hour):          "d20260215",
		now.Add(60*24*time.Hour - 1):     "d20260414",
		now.Add(60 * 24 * time.Hour):     "w20260420",
		now.AddDate(1, 0, 0):             "w20270215",
		time.Unix(1<<40, 0):              bucketOf(now, now.AddDate(lastExpiry, 0, 0)),
		now.In(time.FixedZone("", 7200)): "h2026021215",
	} {
		got := bucketOf(now, expires)
		over, n, ok := parseName(segmentName(got, testNonce()))
		if got != want || !ok || n != testNonce() || !over.After(now) || over.Before(expires) && expires.Before(now.AddDate(lastExpiry, 0, 0)) {
			t.Errorf("%v is in %s, over at %v, %v; want %s", expires, got, over, ok, want)
		}
	}
	for _, name := range []string{
		"", ".seg", "-.seg", "h2026021215.seg", "h2026021215-0102030405060708", "h2026021215-0102030405060708.seg.seg", "x2026021215-0102030405060708.seg",
		"h20260212-0102030405060708.seg", "d2026021215-0102030405060708.seg", "h2026021215-010203040506070G.seg", "h2026021215-010203040506070A.seg", "h2026021225-0102030405060708.seg",
		"../h2026021215-0102030405060708.seg",
	} {
		if _, _, ok := parseName(name); ok {
			t.Errorf("%q is taken for a segment", name)
		}
	}
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	var o offsets
	for i := range int64(10) {
		o.add(i * 100)
	}
	for _, tc := range []struct {
		offset int64
		there  bool
		count  int
	}{{500, true, 9}, {500, false, 9}, {501, false, 9}, {0, true, 8}, {900, true, 7}, {1000, false, 7}} {
		if there := o.remove(tc.offset); there != tc.there || o.count() != tc.count {
			t.Errorf("remove(%d) = %v, leaves %d; want %v, %d", tc.offset, there, o.count(), tc.there, tc.count)
		}
	}
}
