package importer_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"html"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"duban/importer"
)

// block is a paragraph or a table of a document, from which the tests render
// the same document in every format.
type block struct {
	text string
	rows [][]string
}

// realDocument returns the published document, or skips where it is absent.
func realDocument(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(theDocument)
	if os.IsNotExist(err) && os.Getenv("DUBAN_TEST_REQUIRE") != "all" {
		t.Skip("the published document is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// blocksOf takes the published layout, one cell a line, apart.
func blocksOf(document string) []block {
	var blocks []block
	var row []string
	inTable := false
	endRow := func() {
		if row == nil {
			return
		}
		if !inTable {
			blocks = append(blocks, block{})
			inTable = true
		}
		last := &blocks[len(blocks)-1]
		last.rows = append(last.rows, row)
		row = nil
	}
	for line := range strings.Lines(document) {
		line = strings.TrimSuffix(line, "\n")
		cell, isCell := strings.CutPrefix(line, "\t")
		switch {
		case isCell:
			row = append(row, strings.TrimSpace(cell))
		case line == "":
			endRow()
		default:
			endRow()
			inTable = false
			blocks = append(blocks, block{text: strings.TrimSpace(line)})
		}
	}
	endRow()
	return blocks
}

// separated renders rows as lines with a separator.
func separated(blocks []block, before, between, after string) string {
	var b strings.Builder
	for _, bl := range blocks {
		if bl.rows == nil {
			b.WriteString(bl.text + "\n")
		}
		for _, row := range bl.rows {
			b.WriteString(before + strings.Join(row, between) + after + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// listed renders the published layout, one cell a line.
func listed(blocks []block) string {
	var b strings.Builder
	for _, bl := range blocks {
		if bl.rows == nil {
			b.WriteString(bl.text + "\n")
		}
		for _, row := range bl.rows {
			for _, cell := range row {
				b.WriteString("\t" + cell + "\n")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// merged is a cell with the columns and rows that it covers.
type merged struct {
	text             string
	colspan, rowspan int
}

// merge lays a table out as a word processor does: a blank first cell belongs
// to the cell above it, and the last cell reaches to the right edge.
func merge(rows [][]string) [][]merged {
	width := 0
	for _, row := range rows {
		width = max(width, len(row))
	}
	out := make([][]merged, len(rows))
	var origin *merged
	for i, row := range rows {
		out[i] = make([]merged, len(row))
		for j, text := range row {
			out[i][j] = merged{text, 1, 1}
		}
		out[i][len(row)-1].colspan = width - len(row) + 1
		if row[0] == "" && origin != nil && len(row) > 1 {
			origin.rowspan++
			out[i][0].rowspan = 0
		} else {
			origin = &out[i][0]
		}
	}
	return out
}

func asHTML(blocks []block) []byte {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><head><title>目录 2019年预算</title><style>p{}</style></head><body>\n<table><tr><td>\n")
	for _, bl := range blocks {
		if bl.rows == nil {
			b.WriteString("<p><span>" + strings.ReplaceAll(html.EscapeString(bl.text), "标", "</span><b>标</b><span>") + "</span></p>\n")
			continue
		}
		b.WriteString("<table border=1>\n")
		for _, row := range merge(bl.rows) {
			b.WriteString(" <tr>")
			for _, c := range row {
				if c.rowspan > 0 {
					fmt.Fprintf(&b, "<td colspan=%d rowspan='%d'>\n   <p>%s&nbsp;</p></td>", c.colspan, c.rowspan, html.EscapeString(c.text))
				}
			}
			b.WriteString("\n")
		}
		b.WriteString("</table>\n")
	}
	b.WriteString("</td></tr></table></body></html>")
	return []byte(b.String())
}

const docxHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`

// wordRuns splits a text into runs, as Word does after every edit.
func wordRuns(text string) string {
	runes := []rune(text)
	half := len(runes) / 2
	var b strings.Builder
	for _, part := range []string{string(runes[:half]), string(runes[half:])} {
		b.WriteString(`<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">` + html.EscapeString(part) + `</w:t></w:r>`)
	}
	return `<w:p><w:pPr><w:tabs><w:tab w:val="left" w:pos="420"/></w:tabs></w:pPr>` + b.String() + `</w:p>`
}

func asDocx(blocks []block) []byte {
	var b strings.Builder
	b.WriteString(docxHead)
	for _, bl := range blocks {
		if bl.rows == nil {
			b.WriteString(wordRuns(bl.text))
			continue
		}
		b.WriteString(`<w:tbl>`)
		for _, row := range merge(bl.rows) {
			b.WriteString(`<w:tr>`)
			for _, c := range row {
				fmt.Fprintf(&b, `<w:tc><w:tcPr><w:gridSpan w:val="%d"/>`, c.colspan)
				if c.rowspan > 1 {
					b.WriteString(`<w:vMerge w:val="restart"/>`)
				} else if c.rowspan == 0 {
					b.WriteString(`<w:vMerge/>`)
				}
				b.WriteString(`</w:tcPr>` + wordRuns(c.text) + `</w:tc>`)
			}
			b.WriteString(`</w:tr>`)
		}
		b.WriteString(`</w:tbl>`)
	}
	b.WriteString(`<w:p><w:r><w:delText>删去的话</w:delText></w:r></w:p></w:body></w:document>`)
	return zipped(map[string]string{"[Content_Types].xml": "<Types/>", "word/document.xml": b.String()})
}

func zipped(parts map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range parts {
		w, err := z.Create(name)
		if err != nil {
			panic(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// asXlsx writes the document into one sheet. Percentages and amounts are
// numbers, as a spreadsheet user types them.
func asXlsx(t testing.TB, blocks []block) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	percent, err := book.NewStyle(&excelize.Style{NumFmt: 9})
	if err != nil {
		t.Fatal(err)
	}
	line := 0
	put := func(cells []string) {
		line++
		for col, text := range cells {
			name, err := excelize.CoordinatesToCellName(col+1, line)
			if err != nil {
				t.Fatal(err)
			}
			var share float64
			if n, _ := fmt.Sscanf(text, "%f%%", &share); n == 1 && text == fmt.Sprintf("%.0f%%", share) {
				err = book.SetCellValue("Sheet1", name, share/100)
				if err == nil {
					err = book.SetCellStyle("Sheet1", name, name, percent)
				}
			} else {
				err = book.SetCellStr("Sheet1", name, text)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, bl := range blocks {
		if bl.rows == nil {
			put([]string{bl.text})
		}
		for _, row := range bl.rows {
			put(row)
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sheets writes a workbook with the given sheets, S1, S2 and so on.
func sheets(t testing.TB, all ...[][]string) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, rows := range all {
		name := fmt.Sprintf("S%d", i+1)
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for j, cells := range rows {
			if err := book.SetSheetRow(name, fmt.Sprintf("A%d", j+1), &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a document that must be readable.
func read(t testing.TB, name string, data []byte) *importer.Draft {
	t.Helper()
	draft, err := importer.ReadTargets(name, data, importer.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return draft
}

// withoutPlaces drops from a draft what differs between formats: file and line.
func withoutPlaces(d *importer.Draft) *importer.Draft {
	d.FileName, d.SHA256 = "", ""
	for i := range d.Problems {
		d.Problems[i].Line, d.Problems[i].Sheet = 0, ""
	}
	for i := range d.Units {
		u := &d.Units[i]
		u.Line, u.RefinementLine = 0, 0
		for j := range u.Goals {
			u.Goals[j].SourceLine = 0
		}
		for j := range u.Projects {
			u.Projects[j].SourceLine = 0
			for k := range u.Projects[j].Indicators {
				u.Projects[j].Indicators[k].SourceLine = 0
			}
		}
	}
	return d
}
