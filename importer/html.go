package importer

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// readHTML reads a web page by its tokens rather than as a tree, because a
// tree does not know its lines.
func readHTML(name, text string, next sink) error {
	h := &webPage{page: page{file: name, next: next, line: 1}, tokens: html.NewTokenizer(strings.NewReader(text))}
	for {
		kind := h.tokens.Next()
		if kind == html.ErrorToken {
			return h.end()
		}
		// The lines of a token are counted after it: it begins on the line
		// on which the one before ended.
		lines := strings.Count(string(h.tokens.Raw()), "\n")
		if err := h.token(kind); err != nil {
			return err
		}
		h.line += lines
	}
}

// webPage is a page that is filled from HTML tokens.
type webPage struct {
	page
	tokens *html.Tokenizer
	hidden atom.Atom // the element whose text is not shown, until its end
}

// end checks that the page did not break off inside a table.
func (h *webPage) end() error {
	if err := h.tokens.Err(); !errors.Is(err, io.EOF) {
		return &Error{File: h.file, Line: h.line, Code: ErrUnsupportedFormat, Value: err.Error(), Expected: "HTML 网页"}
	}
	if len(h.tables) > 0 {
		return &Error{File: h.file, Line: h.line, Code: ErrTruncated, Field: "表格", Expected: "以 </table> 结束"}
	}
	return h.endParagraph()
}

func (h *webPage) token(kind html.TokenType) error {
	switch kind {
	case html.TextToken:
		if h.hidden == 0 {
			h.words(string(h.tokens.Text()))
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		return h.start()
	case html.EndTagToken:
		return h.finish()
	}
	return nil
}

// words adds text with its white space collapsed, as a browser shows it. A
// no-break space is kept, because it is no white space to a browser.
func (h *webPage) words(text string) {
	space := func(r rune) bool { return strings.ContainsRune(" \t\r\n\f", r) }
	fields := strings.FieldsFunc(text, space)
	if len(fields) == 0 {
		if h.buffer().Len() > 0 && text != "" {
			h.write(" ")
		}
		return
	}
	if space(rune(text[0])) && h.buffer().Len() > 0 {
		h.write(" ")
	}
	h.write(strings.Join(fields, " "))
	if space(rune(text[len(text)-1])) {
		h.write(" ")
	}
}

func (h *webPage) start() error {
	tag, attrs := h.tag()
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Template:
		h.hidden = tag
	case atom.Table:
		return h.openTable()
	case atom.Tr:
		return h.openRow()
	case atom.Td, atom.Th:
		return h.openCell(span(attrs["colspan"]), span(attrs["rowspan"]))
	default:
		if block[tag] {
			return h.endParagraph()
		}
	}
	return nil
}

func (h *webPage) finish() error {
	tag, _ := h.tag()
	if tag == h.hidden {
		h.hidden = 0
	}
	switch tag {
	case atom.Table:
		return h.closeTable()
	case atom.Tr:
		return h.closeRow()
	case atom.Td, atom.Th:
		h.closeCell()
	default:
		if block[tag] {
			return h.endParagraph()
		}
	}
	return nil
}

// tag returns the current tag and its attributes.
func (h *webPage) tag() (atom.Atom, map[string]string) {
	name, more := h.tokens.TagName()
	tag := atom.Lookup(name)
	var attrs map[string]string
	for more {
		var key, value []byte
		key, value, more = h.tokens.TagAttr()
		if tag == atom.Td || tag == atom.Th {
			if attrs == nil {
				attrs = map[string]string{}
			}
			attrs[string(key)] = string(value)
		}
	}
	return tag, attrs
}

// block holds the elements that begin and end a line.
var block = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Br: true, atom.Li: true, atom.Caption: true, atom.Hr: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
	atom.Section: true, atom.Article: true, atom.Body: true, atom.Pre: true, atom.Center: true,
}

func span(attr string) int {
	n, err := strconv.Atoi(strings.TrimSpace(attr))
	if err != nil {
		return 1
	}
	return n
}
