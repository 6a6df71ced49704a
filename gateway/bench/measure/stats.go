package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/bench/load"
)

// median is the middle of values.
func median[T ~int | ~int64 | ~float64](values []T) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)/2]
}

// of takes one figure of each result.
func of[R, T any](results []R, figure func(R) T) []T {
	list := make([]T, len(results))
	for i, r := range results {
		list[i] = figure(r)
	}
	return list
}

// ratios are those of two rows of figures, round by round.
func ratios(ours, theirs []float64) []float64 {
	list := make([]float64, min(len(ours), len(theirs)))
	for i := range list {
		list[i] = ours[i] / theirs[i]
	}
	return list
}

// spread writes the median of ratios and their range.
func spread(list []float64) string {
	return fmt.Sprintf("%.2fx [%.2f-%.2f]", median(list), slices.Min(list), slices.Max(list))
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// quantiles writes the median and the 99th percentile of durations.
func quantiles(list []time.Duration) string {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return millis(load.Percentile(sorted, 50)) + " / " + millis(load.Percentile(sorted, 99))
}
