package phrases

// What the tests of this package look into; they import package lists, which
// imports this one.
const Table = table

// Signal returns the signal of a number.
func Signal(n byte) string { return signalOf(n) }
