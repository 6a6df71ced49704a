package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	// patience bounds the time of one mail.
	patience = 10 * time.Minute
	// writeBuffer is more than most mails, which so go out by one call.
	writeBuffer = 64 << 10
)

// connection is one with an SMTP server. It sends one command at a time.
type connection struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

// dial connects and says EHLO.
func dial(ctx context.Context, address string) (*connection, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{conn, bufio.NewReader(conn), bufio.NewWriterSize(conn, writeBuffer)}
	if err = c.reply('2'); err == nil {
		err = c.command("EHLO client.test", '2')
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// reply reads one reply, whose code is to begin with a digit.
func (c *connection) reply(want byte) error {
	for {
		line, err := c.in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case len(line) < 4:
			return fmt.Errorf("reply %q is too short", line)
		case line[3] == '-':
		case line[0] != want:
			return fmt.Errorf("the server says %s", strings.TrimSpace(string(line)))
		default:
			return nil
		}
	}
}

func (c *connection) command(line string, want byte) error {
	_, _ = c.out.WriteString(line + "\r\n") // Flush has its error
	if err := c.out.Flush(); err != nil {
		return err
	}
	return c.reply(want)
}

// letter is a mail for one recipient, cut where its id goes and ready for DATA.
type letter struct {
	pieces [][]byte
}

func newLetter(mail []byte) letter {
	mail = bytes.ReplaceAll(mail, []byte("\n."), []byte("\n.."))
	return letter{bytes.Split(mail, []byte(mark))}
}

// begin sends what comes before the mail itself.
func (c *connection) begin(recipient string) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := c.command("MAIL FROM:<bench@bench.test>", '2'); err != nil {
		return err
	}
	if err := c.command("RCPT TO:<"+recipient+">", '2'); err != nil {
		return err
	}
	return c.command("DATA", '3')
}

// write sends the mail itself.
func (c *connection) write(l letter, id string) error {
	for i, piece := range l.pieces {
		if i > 0 {
			_, _ = c.out.WriteString(id)
		}
		_, _ = c.out.Write(piece)
	}
	_, _ = c.out.WriteString(".\r\n")
	return c.out.Flush()
}

// quit ends the connection in good order.
func (c *connection) quit() error {
	err := c.command("QUIT", '2')
	_ = c.Close()
	return err
}

// Idle opens so many connections that say EHLO and no more. They are the caller's to
// close.
func Idle(ctx context.Context, address string, n int) ([]io.Closer, error) {
	var open []io.Closer
	for range n {
		c, err := dial(ctx, address)
		if err != nil {
			return open, fmt.Errorf("connection %d: %w", len(open)+1, err)
		}
		open = append(open, c)
	}
	return open, nil
}
