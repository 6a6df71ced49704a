// Package plugins holds nothing but the tests of the module: each plugin is a
// program in a folder of its own.
package plugins
