package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// writeWhole writes a file whole or not at all. What stands there and is no file, such as a
// pipe or a device, is written to.
func writeWhole(file string, mode fs.FileMode, produce func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(file); statErr == nil && !info.Mode().IsRegular() {
		device, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(produce(device), device.Close())
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".postern-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	err = produce(temporary)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

// outputFlag says where octets go that somebody else has written.
type outputFlag struct{ file string }

func (f *outputFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "output", "o", "", "write to `FILE`, whole or not at all; without it to the standard output")
}

// write writes exactly what produce gives, but to a terminal nothing that it could obey.
func (f *outputFlag) write(cmd *cobra.Command, produce func(io.Writer) error) error {
	stdout := cmd.OutOrStdout()
	switch {
	case f.file != "":
		return writeWhole(f.file, 0o600, produce)
	case isTerminal(stdout):
		w := terminal.NewWriter(stdout)
		return errors.Join(produce(w), w.Flush())
	default:
		return produce(stdout)
	}
}
