package importer

import "strings"

// page turns the nesting of a web page or a word-processor document into a
// flat sequence of rows. Paragraphs inside a cell become lines of its text. A
// row with a table inside is only a frame: its paragraphs and the rows of the
// inner table are passed on one by one, in reading order.
type page struct {
	file   string
	next   sink
	tables []*openTable // innermost last
	text   strings.Builder
	line   int // the current line, kept by the reader
}

// openTable is a table whose end has not been read yet.
type openTable struct {
	covered []int // by column, the rows that a cell above still covers
	cells   []cell
	line    int // where the row began
	inRow   bool
	inCell  bool
	colspan int
	rowspan int
	text    strings.Builder
	frame   bool // the row holds a table and so only lays out the page
}

// The limits bound what markup can claim with a few bytes.
const (
	maxNesting = 32
	maxRowspan = 10_000
)

func (p *page) innermost() *openTable {
	if len(p.tables) == 0 {
		return nil
	}
	return p.tables[len(p.tables)-1]
}

// openCellText returns the text of the open cell, or nil outside one.
func (p *page) openCellText() *strings.Builder {
	if t := p.innermost(); t != nil && t.inCell && !t.frame {
		return &t.text
	}
	return nil
}

// buffer is where text goes: the open cell, else the paragraph.
func (p *page) buffer() *strings.Builder {
	if text := p.openCellText(); text != nil {
		return text
	}
	return &p.text
}

// write adds text. What is too long already grows no further: the sink will
// refuse it.
func (p *page) write(s string) {
	if b := p.buffer(); b.Len() <= maxCellBytes {
		b.WriteString(s)
	}
}

// endParagraph ends a paragraph. In a cell that is a line break; outside it is
// a row of its own.
func (p *page) endParagraph() error {
	if text := p.openCellText(); text != nil {
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		return nil
	}
	text := p.text.String()
	p.text.Reset()
	return p.paragraph(text, p.line)
}

func (p *page) paragraph(text string, line int) error {
	if text == "" {
		return nil
	}
	return p.next(row{line: line, cells: []cell{{text: text}}})
}

// openTable begins a table. What the surrounding cell said so far comes first.
func (p *page) openTable() error {
	if len(p.tables) >= maxNesting {
		return &Error{File: p.file, Line: p.line, Code: ErrTooLarge, Expected: "表格嵌套不超过 32 层"}
	}
	if t := p.innermost(); t != nil && t.inRow && !t.frame {
		if err := p.becomeFrame(t); err != nil {
			return err
		}
	}
	if err := p.endParagraph(); err != nil {
		return err
	}
	p.tables = append(p.tables, &openTable{})
	return nil
}

// closeTable ends the innermost table, and its open row.
func (p *page) closeTable() error {
	if len(p.tables) == 0 {
		return nil
	}
	if err := p.closeRow(); err != nil {
		return err
	}
	p.tables = p.tables[:len(p.tables)-1]
	return nil
}

// openRow begins a row of the innermost table.
func (p *page) openRow() error {
	t := p.innermost()
	if t == nil {
		return nil
	}
	if err := p.closeRow(); err != nil {
		return err
	}
	if err := p.endParagraph(); err != nil { // a caption, say
		return err
	}
	t.inRow, t.frame, t.line = true, false, p.line
	return nil
}

// closeRow ends the open row and passes it on.
func (p *page) closeRow() error {
	t := p.innermost()
	if t == nil || !t.inRow {
		return nil
	}
	if t.frame {
		t.inRow, t.inCell = false, false
		return p.endParagraph()
	}
	p.closeCell()
	for t.skipCovered() {
	}
	r := row{line: t.line, cells: t.cells}
	t.cells, t.inRow = nil, false
	return p.next(r)
}

// openCell begins a cell that covers so many columns and rows.
func (p *page) openCell(colspan, rowspan int) error {
	t := p.innermost()
	if t == nil {
		return nil
	}
	if t.frame {
		return p.endParagraph()
	}
	p.closeCell()
	if !t.inRow {
		if err := p.openRow(); err != nil {
			return err
		}
	}
	t.inCell = true
	t.colspan = min(max(colspan, 1), maxColumns)
	t.rowspan = min(max(rowspan, 1), maxRowspan)
	return nil
}

// closeCell ends the open cell and places it in the first free column.
func (p *page) closeCell() {
	t := p.innermost()
	if t == nil || !t.inCell || t.frame {
		return
	}
	for t.skipCovered() {
	}
	t.place(t.text.String(), t.colspan, t.rowspan)
	t.text.Reset()
	t.inCell = false
}

// skipCovered adds a blank cell if the next column is covered from above.
func (t *openTable) skipCovered() bool {
	col := len(t.cells)
	if col >= len(t.covered) || t.covered[col] == 0 {
		return false
	}
	t.covered[col]--
	t.cells = append(t.cells, cell{})
	return true
}

// place adds a cell and the blank ones that it covers. It stops soon after the
// limit on columns, which the sink then reports.
func (t *openTable) place(text string, colspan, rowspan int) {
	for range colspan {
		if len(t.cells) > maxColumns {
			return
		}
		for len(t.covered) <= len(t.cells) {
			t.covered = append(t.covered, 0)
		}
		t.covered[len(t.cells)] = rowspan - 1
		t.cells = append(t.cells, cell{text: text})
		text = ""
	}
}

// becomeFrame passes on what the row has said so far, paragraph by paragraph.
func (p *page) becomeFrame(t *openTable) error {
	said := append(t.cells, cell{text: t.text.String()})
	t.cells, t.frame = nil, true
	t.text.Reset()
	for _, c := range said {
		for text := range strings.SplitSeq(c.text, "\n") {
			if err := p.paragraph(text, t.line); err != nil {
				return err
			}
		}
	}
	return nil
}
