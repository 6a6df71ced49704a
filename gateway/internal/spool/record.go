package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// A record of a segment is a header and the octets of a body:
//
//	 0  magic, with the version     4
//	 4  nonce of the segment        8
//	12  offset of the record        8
//	20  length of the body          4
//	24  checksum of the body        4
//	28  id of the message, its ULID 26
//	54  zero                        2
//	56  checksum of all before      4
//	60  state                       4
//
// Numbers are little-endian, checksums CRC-32C. The nonce is a secret of ours: nobody can send a mail
// that looks like a record.
const (
	headerSize   = 64
	magicSize    = 12 // with the nonce
	sumAt        = 56
	stateAt      = 60
	recordMagic  = "PSG\x01"
	stateLive    = "\x00\x00\x00\x00"
	stateDeleted = "GONE"
	idPrefix     = "msg_"
)

// nonce is the random part of a segment's name, and in each of its records.
type nonce [8]byte

// record is what a header says.
type record struct {
	id      mail.MessageID
	offset  int64
	length  int
	sum     uint32
	deleted bool
}

// end is where the next record begins.
func (r record) end() int64 { return r.offset + headerSize + int64(r.length) }

// encode writes the header of a live body into b.
func (r record) encode(b []byte, n nonce) {
	copy(b, recordMagic)
	copy(b[4:], n[:])
	binary.LittleEndian.PutUint64(b[12:], uint64(r.offset))
	binary.LittleEndian.PutUint32(b[20:], uint32(r.length))
	binary.LittleEndian.PutUint32(b[24:], r.sum)
	copy(b[28:sumAt-2], strings.TrimPrefix(string(r.id), idPrefix))
	clear(b[sumAt-2 : sumAt])
	binary.LittleEndian.PutUint32(b[sumAt:], crc32.Checksum(b[:sumAt], Castagnoli()))
	copy(b[stateAt:], stateLive)
}

// errNoRecord means that there is none where one was looked for.
var errNoRecord = errors.New("no record is here")

// decodeRecord reads the header that stands at an offset of a segment.
func decodeRecord(b []byte, n nonce, offset int64) (record, error) {
	if len(b) < headerSize || string(b[:4]) != recordMagic || !bytes.Equal(b[4:magicSize], n[:]) {
		return record{}, errNoRecord
	}
	if crc32.Checksum(b[:sumAt], Castagnoli()) != binary.LittleEndian.Uint32(b[sumAt:]) {
		return record{}, errNoRecord
	}
	r := record{
		id:     mail.MessageID(idPrefix + string(b[28:sumAt-2])),
		offset: int64(binary.LittleEndian.Uint64(b[12:])),
		length: int(binary.LittleEndian.Uint32(b[20:])),
		sum:    binary.LittleEndian.Uint32(b[24:]),
	}
	// A mark that a crash has torn is none: a sweep finds out.
	r.deleted = string(b[stateAt:headerSize]) == stateDeleted
	if r.offset != offset || r.length > SmallBody || CheckID(r.id) != nil {
		return record{}, errNoRecord
	}
	return r, nil
}

// gap is a piece of a segment that is neither records nor zeros: what a crash has torn,
// or damage. It begins at an offset.
type gap int64

// walk reads the headers of a segment. It returns where the last record ends and what
// stands between records; zeros at the end of the file are no gap. The octets may be anybody's.
func walk(file io.ReaderAt, size int64, n nonce, found func(record) error) (end int64, gaps []gap, err error) {
	header := make([]byte, headerSize)
	for at := int64(0); at < size; {
		read, err := file.ReadAt(header, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return end, gaps, fmt.Errorf("%w: offset %d: %w", ErrDamaged, at, err)
		}
		r, bad := decodeRecord(header[:read], n, at)
		if bad != nil {
			next, zeros, err := nextRecord(file, at, size, n)
			if err != nil {
				return end, gaps, err
			}
			if next < size || !zeros {
				gaps = append(gaps, gap(at))
			}
			at = next
			continue
		}
		if err := found(r); err != nil {
			return end, gaps, err
		}
		at, end = r.end(), r.end()
	}
	return end, gaps, nil
}

// nextRecord looks for a record behind an offset that has none. Where there is none at
// all it returns the size. It says whether all octets that it passed are zeros.
func nextRecord(file io.ReaderAt, at, size int64, n nonce) (next int64, zeros bool, err error) {
	magic := append([]byte(recordMagic), n[:]...)
	zeros = true
	block := make([]byte, sparseBlock+headerSize)
	for ; at < size; at += sparseBlock {
		read, err := file.ReadAt(block[:min(int64(len(block)), size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, false, fmt.Errorf("%w: offset %d: %w", ErrDamaged, at, err)
		}
		seen := block[:read]
		zeros = zeros && len(bytes.TrimLeft(seen, "\x00")) == 0
		for from := 0; ; from++ {
			i := bytes.Index(seen[from:], magic)
			if i < 0 {
				break
			}
			from += i
			if _, err := decodeRecord(seen[from:], n, at+int64(from)); err == nil {
				return at + int64(from), zeros, nil
			}
		}
	}
	return size, zeros, nil
}

const (
	segmentScheme    = "seg"
	segmentExtension = ".seg"
)

// place is where a body is.
type place struct {
	name   string
	offset int64
	length int
	sum    uint32
}

// ref writes "seg:NAME:OFFSET:LENGTH:CRC".
func (p place) ref() mail.BodyRef {
	return MakeRef(segmentScheme, int64(p.length), p.sum, p.name, strconv.FormatInt(p.offset, 10))
}

func parsePlace(ref mail.BodyRef) (place, error) {
	fields, length, sum, err := ParseRef(ref, segmentScheme, 2)
	if err != nil {
		return place{}, err
	}
	if _, _, ok := parseName(fields[0]); !ok {
		return place{}, fmt.Errorf("read body reference %q: %w", ref, ErrForeign)
	}
	offset, err := strconv.ParseUint(fields[1], 10, 32)
	if err != nil {
		return place{}, fmt.Errorf("%w: read body reference %q: %w", ErrDamaged, ref, err)
	}
	if length > SmallBody || offset > maxSegment {
		return place{}, fmt.Errorf("%w: read body reference %q: larger than a segment holds", ErrDamaged, ref)
	}
	return place{name: fields[0], offset: int64(offset), length: int(length), sum: sum}, nil
}

// Bodies that expire in the same hour, day or week are kept together: the longer they
// have yet, the less it matters that they wait for each other.
const (
	hourLayout = "h2006010215"
	dayBucket  = "d20060102"
	weekLayout = "w20060102"
	day        = 24 * time.Hour
	// lastExpiry is as far away as an expiry counts, in years from now.
	lastExpiry = 1000
)

// bucketOf names the bucket of a body, by the time at which all that is in it has expired.
func bucketOf(now, expires time.Time) string {
	if expires.Before(now) {
		expires = now
	}
	if last := now.AddDate(lastExpiry, 0, 0); expires.After(last) {
		expires = last
	}
	left := expires.Sub(now)
	width, layout := 7*day, weekLayout
	switch {
	case left < 2*day:
		width, layout = time.Hour, hourLayout
	case left < 60*day:
		width, layout = day, dayBucket
	}
	return expires.UTC().Truncate(width).Add(width).Format(layout)
}

// segmentName names a segment of a bucket.
func segmentName(bucket string, n nonce) string {
	return bucket + "-" + hex.EncodeToString(n[:]) + segmentExtension
}

// parseName reads a segment's name: when all that is in it has expired, and its nonce.
func parseName(name string) (over time.Time, n nonce, ok bool) {
	base, isSegment := strings.CutSuffix(name, segmentExtension)
	bucket, random, found := strings.Cut(base, "-")
	if !isSegment || !found || bucket == "" || len(random) != 2*len(n) || strings.ToLower(random) != random {
		return time.Time{}, n, false
	}
	if _, err := hex.Decode(n[:], []byte(random)); err != nil {
		return time.Time{}, n, false
	}
	layout := map[byte]string{'h': hourLayout, 'd': dayBucket, 'w': weekLayout}[bucket[0]]
	over, err := time.Parse(layout, bucket)
	return over, n, err == nil && over.Format(layout) == bucket
}
