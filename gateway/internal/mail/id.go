package mail

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MessageID names one stored message: "msg_" and a ULID of 26 characters, so
// that ids sort by the time of reception. Ids carry no authority: knowing one
// grants nothing.
type MessageID string

// DeliveryID names one delivery of a message: the message's id, "_" and the
// delivery's number from 1. It is the webhook-id of every attempt of that
// delivery, and therefore never holds a "." (Standard Webhooks 1.0.0).
type DeliveryID string

const (
	idPrefix = "msg_"
	ulidLen  = 26
	// crockford is the alphabet of ULIDs: base 32 without I, L, O and U.
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// NewMessageID makes an id for a message received at t.
func NewMessageID(t time.Time) MessageID {
	b := atTime(t)
	_, _ = rand.Read(b[6:]) // crypto/rand.Read never fails
	return encodeID(b)
}

// FirstID is not after the id of any message received at t or later, and after that of any
// received a millisecond before.
func FirstID(t time.Time) MessageID { return encodeID(atTime(t)) }

func atTime(t time.Time) (b [16]byte) {
	ms := uint64(max(0, t.UnixMilli()))
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	return b
}

func encodeID(b [16]byte) MessageID {
	// 128 bits are written as 26 digits of 5 bits, the first of which holds 3.
	var digits [ulidLen]byte
	var acc uint32
	bits := 2 // two zero bits in front make 130
	pos := 0
	for _, x := range b {
		acc = acc<<8 | uint32(x)
		bits += 8
		for bits >= 5 {
			bits -= 5
			digits[pos] = crockford[acc>>bits&31]
			pos++
		}
	}
	return MessageID(idPrefix + string(digits[:]))
}

// Delivery returns the id of the message's n-th delivery, counted from 1.
func (id MessageID) Delivery(n int) DeliveryID {
	return DeliveryID(string(id) + "_" + strconv.Itoa(n))
}

// Split returns the message that is delivered and the delivery's number. Both are
// zero where the id is malformed.
func (id DeliveryID) Split() (MessageID, int) {
	message, delivery, err := ParseID(string(id))
	if err != nil || delivery == "" {
		return "", 0
	}
	n, _ := strconv.Atoi(string(id[len(message)+1:])) // ParseID has read it
	return message, n
}

// ParseID reads the id of a message or of a delivery. For a message, delivery
// is empty.
func ParseID(s string) (message MessageID, delivery DeliveryID, err error) {
	rest, ok := strings.CutPrefix(s, idPrefix)
	if !ok || len(rest) < ulidLen {
		return "", "", fmt.Errorf("%q is no id: want %s and %d characters, then _N for one delivery", s, idPrefix, ulidLen)
	}
	for _, c := range rest[:ulidLen] {
		if !strings.ContainsRune(crockford, c) {
			return "", "", fmt.Errorf("%q is no id: %q cannot stand in one", s, c)
		}
	}
	message = MessageID(s[:len(idPrefix)+ulidLen])
	suffix := rest[ulidLen:]
	if suffix == "" {
		return message, "", nil
	}
	number, ok := strings.CutPrefix(suffix, "_")
	n, convErr := strconv.Atoi(number)
	if !ok || convErr != nil || n < 1 || number != strconv.Itoa(n) {
		return "", "", fmt.Errorf("%q is no id: %q is no delivery number", s, suffix)
	}
	return message, DeliveryID(s), nil
}
