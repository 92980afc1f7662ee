package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// The output formats of commands that list things.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatCSV   = "csv"
)

var formats = []string{formatTable, formatJSON, formatCSV}

// checkFormat refuses an unknown --format.
func checkFormat(format string) error {
	if !slices.Contains(formats, format) {
		return usagef("--format %q：应为 %s", format, strings.Join(formats, "、"))
	}
	return nil
}

// listing prints rows as a table, or as CSV for a spreadsheet.
func listing(w io.Writer, format string, header []string, rows [][]string) error {
	if format == formatCSV {
		return writeCSV(w, header, rows)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.AppendHeader(cells(header))
	for _, r := range rows {
		t.AppendRow(cells(r))
	}
	t.SetOutputMirror(w)
	t.Render()
	return nil
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, s := range texts {
		row[i] = s
	}
	return row
}

// writeCSV writes a byte order mark first, by which spreadsheets know UTF-8,
// and keeps published text from being taken for a formula.
func writeCSV(w io.Writer, header []string, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	for _, r := range append([][]string{header}, rows...) {
		safe := slices.Clone(r)
		for i, s := range safe {
			if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && !plainNumber(s) {
				safe[i] = "'" + s
			}
		}
		if err := c.Write(safe); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// plainNumber reports whether s is a number such as -12.50 or -3%, which is no formula.
func plainNumber(s string) bool {
	return strings.Trim(s, "+-0123456789.%") == "" && strings.ContainsAny(s, "0123456789")
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
