package importer

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Rejected is a row of a list that was not taken, and why.
type Rejected struct {
	Line   int
	Cells  []string // as found
	Reason string
}

// WriteRejected writes rejected rows as CSV that a spreadsheet opens in
// Chinese: the original cells, their line and the reason. Corrected, the file
// can be imported again.
func WriteRejected(w io.Writer, header []string, rows []Rejected) error {
	width := len(header)
	for _, r := range rows {
		width = max(width, len(r.Cells))
	}
	records := [][]string{append(padded(header, width), "行号", "原因")}
	for _, r := range rows {
		records = append(records, append(padded(r.Cells, width), strconv.Itoa(r.Line), r.Reason))
	}
	return WriteCSV(w, records)
}

// padded returns the cells, and blank ones up to the width.
func padded(cells []string, width int) []string {
	out := make([]string, width, width+2)
	copy(out, cells)
	return out
}

// WriteCSV writes records as CSV that a spreadsheet opens in Chinese, behind
// the mark by which spreadsheets know UTF-8, and keeps it from running a cell
// as a formula.
func WriteCSV(w io.Writer, records [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("写 CSV：%w", err)
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, r := range records {
		safe := make([]string, len(r))
		for i, c := range r {
			safe[i] = harmless(c)
		}
		if err := out.Write(safe); err != nil {
			return fmt.Errorf("写 CSV：%w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("写 CSV：%w", err)
	}
	return nil
}

// plainNumber is what begins with a sign and is no formula.
var plainNumber = regexp.MustCompile(`^[+-]?[\d.,]+%?$`)

// harmless keeps a spreadsheet from running a cell as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && !plainNumber.MatchString(s) {
		return "'" + s
	}
	return s
}
