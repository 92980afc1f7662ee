package importer

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// source is a file as it was handed in.
type source struct {
	name string
	data []byte
}

// maxFileBytes bounds the file itself.
const maxFileBytes = 256 << 20

// rows reads the file, whatever its format, and passes its rows to next. The
// content decides the format; the extension only tells CSV from other text.
func (s source) rows(next sink) error {
	next = bounded(s.name, next)
	switch {
	case len(s.data) > maxFileBytes:
		return &Error{File: s.name, Code: ErrTooLarge, Expected: "不超过 256 MB 的文件"}
	case bytes.HasPrefix(s.data, []byte("PK\x03\x04")):
		return s.zipped(next)
	}
	for magic, kind := range foreign {
		if bytes.HasPrefix(s.data, []byte(magic)) {
			return s.unsupported(kind)
		}
	}
	text, ok := decode(s.data)
	switch {
	case !ok:
		return s.unsupported("不是文本的文件")
	case strings.TrimFunc(text, isSpace) == "":
		return s.unsupported("空文件")
	case htmlMark.MatchString(text):
		return readHTML(s.name, text, next)
	case strings.EqualFold(filepath.Ext(s.name), ".csv") && !tabular(text):
		return readCSV(s.name, text, next)
	}
	return readText(text, next)
}

// foreign names the formats that begin with the given bytes and are not read.
var foreign = map[string]string{
	"%PDF":             "PDF 文件",
	"\xd0\xcf\x11\xe0": "旧版 Office 或 WPS 文件（.doc、.xls、.wps）",
	`{\rtf`:            "RTF 文件",
}

// htmlMark finds the beginning of a web page or a table.
var htmlMark = regexp.MustCompile(`(?i)<(!doctype\s+html|html|body|table)[\s>]`)

func (s source) unsupported(found string) error {
	return &Error{
		File: s.name, Code: ErrUnsupportedFormat, Value: found,
		Expected: "docx、xlsx、html、txt 或 csv；请另存为 docx、xlsx 或 txt 后再导入",
	}
}

// decode returns the text in UTF-8. Without a byte order mark, what is not
// valid UTF-8 is taken for GB18030, which covers GB2312 and GBK.
func decode(data []byte) (string, bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
		text, err := utf16.NewDecoder().Bytes(data)
		return readable(text, err)
	case utf8.Valid(data):
		return readable(bytes.TrimPrefix(data, []byte("\ufeff")), nil)
	}
	return readable(simplifiedchinese.GB18030.NewDecoder().Bytes(data))
}

// readable refuses bytes that are no text: control characters, or sequences
// that the decoder had to replace.
func readable(text []byte, err error) (string, bool) {
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", false
	}
	for _, b := range text {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != '\v' {
			return "", false
		}
	}
	return string(text), true
}
