package importer

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// row is one row of a table, or one paragraph as a row of a single cell. Which
// of the two it is, the labels decide: in a worksheet everything is a row.
type row struct {
	line   int
	sheet  string
	cells  []cell // by column; what a merged cell covers is blank
	listed bool   // cells stood one a line, so only their number places them
}

// cell is one cell as a reader of the document sees it.
type cell struct {
	text string
	// exact is the stored number where a worksheet shows it rounded or as a
	// percentage; "" otherwise.
	exact string
}

// number returns the text from which an amount or a percentage is parsed.
func (c cell) number() string {
	if c.exact != "" {
		return c.exact
	}
	return c.text
}

// sink receives the rows of a document in order.
type sink func(row) error

// The limits bound the memory that any file can claim. A province's workbook
// of 20,000 projects has some 300,000 rows.
const (
	maxRows      = 3_000_000
	maxColumns   = 512
	maxCellBytes = 128 << 10
)

// bounded passes tidied rows on to next, without the blank ones, and refuses
// what exceeds the limits.
func bounded(file string, next sink) sink {
	rows := 0
	return func(r row) error {
		rows++
		if rows > maxRows || len(r.cells) > maxColumns {
			return &Error{
				File: file, Sheet: r.sheet, Line: r.line, Code: ErrTooLarge,
				Expected: fmt.Sprintf("不超过 %d 行、%d 列", maxRows, maxColumns),
			}
		}
		blank := true
		for i := range r.cells {
			if len(r.cells[i].text) > maxCellBytes {
				return &Error{
					File: file, Sheet: r.sheet, Line: r.line, Code: ErrTooLarge,
					Expected: fmt.Sprintf("一格文字不超过 %d 字节", maxCellBytes),
				}
			}
			r.cells[i].text = tidy(r.cells[i].text)
			blank = blank && r.cells[i].text == ""
		}
		if blank {
			return nil
		}
		return next(r)
	}
}

// bookmark is a marker that some converters leave in the text.
var bookmark = regexp.MustCompile(`\[bookmark:[^\]]*\]`)

// tidy removes what is not part of the published text: outer spaces of every
// kind and converters' bookmarks.
func tidy(s string) string {
	if strings.Contains(s, "[bookmark:") {
		s = bookmark.ReplaceAllString(s, "")
	}
	return strings.TrimFunc(s, isSpace)
}

func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff'
}

// first returns the column of the first cell with text, or -1.
func (r row) first() int { return r.next(0) }

// next returns the first column from col on with text, or -1.
func (r row) next(col int) int {
	for i := max(col, 0); i < len(r.cells); i++ {
		if r.cells[i].text != "" {
			return i
		}
	}
	return -1
}

// within returns the first cell with text in the columns from..to-1. A merged
// cell spans several columns and shows its text in one or in each of them.
func (r row) within(from, to int) cell {
	if i := r.next(from); i >= 0 && i < to {
		return r.cells[i]
	}
	return cell{}
}

// sole returns the row's text if it has only one, be it repeated by a merge.
func (r row) sole() (string, bool) {
	first := r.first()
	if first < 0 {
		return "", false
	}
	for _, c := range r.cells[first:] {
		if c.text != "" && c.text != r.cells[first].text {
			return "", false
		}
	}
	return r.cells[first].text, true
}
