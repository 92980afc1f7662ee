package importer

import (
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"strings"
)

// readText reads plain text in which cells are separated by pipes or tabs, or
// stand one a line behind a tab with an empty line after each row.
func readText(text string, next sink) error {
	lines := splitLines(text)
	style := styleOf(lines)
	if style == listedCells {
		return readListed(lines, next)
	}
	for i, line := range lines {
		cells := style.split(line)
		if cells == nil {
			continue
		}
		if err := next(row{line: i + 1, cells: cells}); err != nil {
			return err
		}
	}
	return nil
}

func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// style says how a text document separates its cells.
type style int

const (
	tabCells    style = iota // tabs between the cells of a row
	listedCells              // one cell a line, each behind a tab
	pipeCells                // a|b|c
	framedPipes              // |a|b|c|, as Markdown has it
)

// styleOf decides by what most lines do, because one style's blank first cell
// looks like another's lone cell.
func styleOf(lines []string) style {
	var pipes, framed, tabs, listed int
	for _, line := range lines {
		line = strings.TrimRight(line, " \t")
		switch inner := strings.TrimLeft(line, " "); {
		case strings.Contains(line, "|"):
			pipes++
			if strings.HasPrefix(inner, "|") {
				framed++
			}
		case strings.Contains(strings.TrimPrefix(inner, "\t"), "\t"):
			tabs++
		case strings.HasPrefix(inner, "\t"):
			listed++
		}
	}
	switch {
	case pipes > 0 && pipes >= tabs+listed && framed == pipes:
		return framedPipes
	case pipes > 0 && pipes >= tabs+listed:
		return pipeCells
	case listed > tabs:
		return listedCells
	}
	return tabCells
}

// tabular reports whether the text separates its cells by tabs, as some
// programs do in files that they call CSV.
func tabular(text string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	return strings.Contains(first, "\t") && !strings.Contains(first, ",")
}

// rule is a Markdown line that separates the heading from the body.
var rule = regexp.MustCompile(`^[\s|:]*-{3,}[-\s|:]*$`)

// split returns the cells of a line, or nil if it holds none.
func (s style) split(line string) []cell {
	sep := "\t"
	if s != tabCells {
		if rule.MatchString(line) {
			return nil
		}
		sep = "|"
	}
	if s == framedPipes && strings.Contains(line, sep) {
		line = strings.TrimPrefix(strings.TrimSpace(line), sep)
		line = strings.TrimSuffix(line, sep)
	}
	var cells []cell
	for text := range strings.SplitSeq(line, sep) {
		cells = append(cells, cell{text: text})
	}
	return cells
}

// readListed reads one cell a line. A row ends at an empty line; a line that
// follows a cell without a tab of its own continues that cell.
func readListed(lines []string, next sink) error {
	var open row
	flush := func() error {
		r := open
		open = row{}
		if r.cells == nil {
			return nil
		}
		return next(r)
	}
	for i, line := range lines {
		text, isCell := strings.CutPrefix(line, "\t")
		last := len(open.cells) - 1
		switch {
		case isCell && last < 0:
			open = row{line: i + 1, listed: true, cells: []cell{{text: text}}}
		case isCell:
			open.cells = append(open.cells, cell{text: text})
		case tidy(line) == "":
			if err := flush(); err != nil {
				return err
			}
		case last >= 0:
			open.cells[last].text += "\n" + line
		default:
			if err := next(row{line: i + 1, cells: []cell{{text: line}}}); err != nil {
				return err
			}
		}
	}
	return flush()
}

// readCSV reads comma-separated values, forgiving stray quotes.
func readCSV(name, text string, next sink) error {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &Error{File: name, Code: ErrUnsupportedLayout, Value: err.Error(), Expected: "逗号分隔的 CSV"}
		}
		line, _ := r.FieldPos(0)
		cells := make([]cell, len(record))
		for i, text := range record {
			cells[i].text = text
		}
		if err := next(row{line: line, cells: cells}); err != nil {
			return err
		}
	}
}
