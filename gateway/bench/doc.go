// Package bench compares Postern with what else there is. It is a module of its
// own, so that the programs it is compared with are no requirements of Postern.
//
// What stands here is held by tests as well: the Markdown of plugins/markdown is
// rendered by another's renderer, and its tokens are those of another's tokenizer.
package bench
