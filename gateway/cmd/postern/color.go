package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// colorFlag says whether output is coloured.
type colorFlag struct{ when string }

func (f *colorFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.when, "color", "auto", "colour: `WHEN` is auto, always or never; auto is at a terminal where NO_COLOR is not set")
}

func (f *colorFlag) on(w io.Writer) (bool, error) {
	switch f.when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", nil
	}
	return false, fmt.Errorf("--color %s: want auto, always or never", f.when)
}

// isTerminal reports whether a person is at the other end of a stream: it is a device of
// characters, which is not the null device.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
