// Package wit is the contract between the gateway and its plugins: plugin.wit, what
// it comes to in octets (README.md), and examples of it (vectors). It has no code of
// its own. Its tests derive the layouts and the vectors from plugin.wit by the rules
// of the Canonical ABI, apart from the code of both sides, so that these cannot be
// wrong together.
package wit
