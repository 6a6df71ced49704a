// Package sdk holds nothing but the tests of the module: plugins are written with
// package plugin and tested with package plugintest.
package sdk
