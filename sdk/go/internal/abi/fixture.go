package abi

// Fixture is the host of a plugin that was built natively: it gives what the
// imports would give, and keeps what they are given. It is for one goroutine. In a
// module it is nil: the mail is the host's.
type Fixture struct {
	Session     Session
	Fields      []Field
	Text, HTML  *Content
	Parts       []Part
	Contents    [][]byte // of Parts
	Raw         []byte
	Reports     []Report
	Get         func(pointer string) (value string, found bool, e EditError)
	Set         func(pointer, value string) EditError
	Remove      func(pointer string) EditError
	Dropped     *string
	Quarantined *string
	Logged      []Line
}

// Line is one line of a plugin's log.
type Line struct {
	Level   uint32
	Message string
	Fields  []Field
}

// Handler is what the exports of a module call.
type Handler struct {
	// Configure reads the block's options.
	Configure func(options string) error
	Transform func(*Fixture) error
}

var handler Handler

// Register sets what Registered returns.
func Register(h Handler) { handler = h }

// Registered returns what the program has registered, for tests of programs.
func Registered() Handler { return handler }
