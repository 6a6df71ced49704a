package account

import "time"

// State says how an account fares.
type State string

// The states of an account.
const (
	Connecting State = "connecting" // it is being connected to
	Connected  State = "connected"  // it is logged in, and mail is fetched as it comes
	Waiting    State = "waiting"    // a connection has failed, and another try is due
	Elsewhere  State = "elsewhere"  // another node has it
	Disabled   State = "disabled"   // by an operator, or since its login failed for days
	Invalid    State = "invalid"    // it does not fit the configuration
)

// Status is how an account fares.
type Status struct {
	State State
	Since time.Time
	// Failure is the last one; nil where the account is connected.
	Failure *Failure
	// NextAttempt is when it is tried again; zero while it does not wait for that.
	NextAttempt time.Time
	Folders     []Folder
	// Fetched counts the mails since the gateway was started.
	Fetched int64
}

// Failure is what went wrong, as an event tells it.
type Failure struct {
	At time.Time
	// Kind is connection or authentication; empty where it is neither.
	Kind, Code, Response string
}

// Folder is how far a folder has been fetched.
type Folder struct {
	Name                 string
	UIDValidity, NextUID uint32
}

// Report is what a trial of an account has found.
type Report struct {
	Steps   []Step
	Folders []string
	// Failure is nil where everything went well, and Event is the name of the event that would tell of it.
	Failure *Failure
	Event   string
	Took    time.Duration
}

// Step is one thing that was tried.
type Step struct {
	Name, Detail string
	OK           bool
}
