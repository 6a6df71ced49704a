package store

import (
	"strings"
	"time"
)

// A delivery's seq is that of its message, and its number.
const numberBits = 20

// DeliverySeq is the seq of a message's delivery of that number.
func DeliverySeq(message int64, number int) int64 { return message<<numberBits | int64(number) }

// DeliverySeqs are the first and the last that a message's deliveries can have.
func DeliverySeqs(message int64) (first, last int64) {
	return DeliverySeq(message, 0), DeliverySeq(message, MaxDeliveries)
}

// MessageSeq is the seq of a delivery's message.
func MessageSeq(delivery int64) int64 { return delivery >> numberBits }

// DeliveryNumber is the number of a delivery within its message.
func DeliveryNumber(delivery int64) int { return int(delivery & MaxDeliveries) }

// Lane is the queue's name for an endpoint. Neither part can hold a slash.
func (e Endpoint) Lane() string { return e.Tenant + "/" + e.Name }

// LaneEndpoint is the endpoint of a lane.
func LaneEndpoint(lane string) Endpoint {
	tenant, name, _ := strings.Cut(lane, "/")
	return Endpoint{Tenant: tenant, Name: name}
}

// Ends says when a new message's body is not needed any more, and when its row in the log
// ends, which is zero for never.
func (m *NewMessage) Ends() (forget, log time.Time) {
	forget, log = m.ReceivedAt, m.ReceivedAt
	for _, d := range m.Deliveries {
		forget = later(forget, d.BodyUntil(d.State))
		if d.LogUntil.IsZero() || log.IsZero() {
			log = time.Time{}
		} else {
			log = later(log, d.LogUntil)
		}
	}
	return forget, log
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
