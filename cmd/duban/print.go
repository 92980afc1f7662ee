package main

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"duban/importer"
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
		return importer.WriteCSV(w, append([][]string{header}, rows...))
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

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
