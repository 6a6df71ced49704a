// Package gateway holds nothing but the tests of the gateway's architecture: who
// may import whom. The program is in cmd/postern, its parts are in internal; the
// architecture is described in README.md.
package gateway
