package importer

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxXMLBytes bounds what one part of a docx unpacks to. A text of a hundred
// projects takes about 3 MB.
const maxXMLBytes = 64 << 20

// zipped reads a docx or an xlsx, as the parts in the archive decide.
func (s source) zipped(next sink) error {
	archive, err := zip.NewReader(bytes.NewReader(s.data), int64(len(s.data)))
	if err != nil {
		return &Error{File: s.name, Code: ErrTruncated, Value: err.Error(), Expected: "完整的 docx 或 xlsx 文件"}
	}
	for _, part := range archive.File {
		switch strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/")) {
		case "word/document.xml":
			return readDocx(s.name, part, next)
		case "xl/workbook.xml":
			return readXlsx(s, archive, next)
		}
	}
	return s.unsupported("不含 Word 文档或 Excel 工作簿的压缩包")
}

// readDocx reads the body of a Word document. Its lines are counted as the
// paragraphs and table rows of the body, because Word has no others.
func readDocx(name string, part *zip.File, next sink) error {
	if part.UncompressedSize64 > maxXMLBytes {
		// What the archive declares can be trusted: reading stops there.
		return &Error{File: name, Code: ErrTooLarge, Expected: "解压后不超过 64 MB 的 docx"}
	}
	file, err := part.Open()
	if err != nil {
		return &Error{File: name, Code: ErrTruncated, Value: err.Error(), Expected: "完整的 docx 文件"}
	}
	defer func() { _ = file.Close() }()
	w := &wordPage{page: page{file: name, next: next}, xml: xml.NewDecoder(file)}
	for {
		token, err := w.xml.RawToken()
		switch {
		case errors.Is(err, io.EOF) && w.depth == 0:
			return w.endParagraph()
		case err != nil:
			return &Error{File: name, Line: w.line, Code: ErrTruncated, Value: err.Error(), Expected: "完整的 docx 文件"}
		}
		if err := w.token(token); err != nil {
			return err
		}
	}
}

// wordPage is a page that is filled from WordprocessingML.
type wordPage struct {
	page
	xml      *xml.Decoder
	depth    int
	skip     int // the depth of the element that is being skipped, 0 for none
	inText   bool
	gridSpan int
	merged   bool // the cell continues the one above
	before   int  // columns that the row leaves out at its beginning
}

// skipped holds the elements whose text is not part of the document: deleted
// and moved text, and the copy of a drawing for old programs.
var skipped = map[string]bool{"del": true, "moveFrom": true, "Fallback": true}

func (w *wordPage) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		w.depth++
		if w.skip == 0 && skipped[t.Name.Local] {
			w.skip = w.depth
		}
		if w.skip == 0 {
			return w.start(t)
		}
	case xml.EndElement:
		ended := w.skip == w.depth
		w.depth--
		if ended {
			w.skip = 0
		} else if w.skip == 0 {
			return w.finish(t.Name.Local)
		}
	case xml.CharData:
		if w.skip == 0 && w.inText {
			w.write(string(t))
		}
	}
	return nil
}

func (w *wordPage) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "t":
		w.inText = true
	case "tab":
		// Inside w:tabs the same element defines a tab stop.
		if attr(e, "pos") == "" {
			w.write("\t")
		}
	case "br", "cr":
		return w.endParagraph()
	case "noBreakHyphen":
		w.write("-")
	case "tbl":
		return w.openTable()
	case "tr":
		w.line++
		return w.openRow()
	case "gridBefore":
		w.before, _ = strconv.Atoi(attr(e, "val"))
	case "tc":
		w.gridSpan, w.merged = 1, false
		if w.before > 0 {
			if err := w.openCell(w.before, 1); err != nil {
				return err
			}
			w.before = 0
		}
		return w.openCell(1, 1)
	case "gridSpan":
		w.span(attr(e, "val"))
	case "vMerge":
		w.merged = attr(e, "val") != "restart"
	}
	return nil
}

// span sets the columns of the open cell, which its properties state only
// after it has begun.
func (w *wordPage) span(val string) {
	if n, err := strconv.Atoi(val); err == nil {
		if t := w.innermost(); t != nil {
			t.colspan = min(max(n, 1), maxColumns)
		}
	}
}

func (w *wordPage) finish(name string) error {
	switch name {
	case "t":
		w.inText = false
	case "p":
		if len(w.tables) == 0 {
			w.line++
		}
		return w.endParagraph()
	case "tc":
		if t := w.innermost(); t != nil && w.merged {
			t.text.Reset()
		}
		w.merged = false
		w.closeCell()
	case "tr":
		return w.closeRow()
	case "tbl":
		return w.closeTable()
	}
	return nil
}

func attr(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}
