package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxPasswordFile bounds a file with a password, in octets.
const maxPasswordFile = 4 << 10

// readPassword reads a password from a file, or with - from in. A line break at its end does not count.
func readPassword(in io.Reader, file string) (string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPasswordFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxPasswordFile {
		return "", fmt.Errorf("%s is longer than %d octets", file, maxPasswordFile)
	}
	password, _ := strings.CutSuffix(string(text), "\n")
	password, _ = strings.CutSuffix(password, "\r")
	if password == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return password, nil
}
