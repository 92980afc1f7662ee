package importer

import (
	"archive/zip"
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
)

// The limits bound what a workbook unpacks to. Sheets above 16 MB go through a
// temporary file, so that they do not have to fit into memory; other parts do.
const (
	maxUnzipBytes = 1 << 30
	maxPartBytes  = 64 << 20
)

// readXlsx streams the visible sheets of a workbook. Each is read twice in
// step: as shown, because that is what was published, and as stored, because
// a number may be shown rounded.
func readXlsx(s source, archive *zip.Reader, next sink) (err error) {
	broken := func(cause error) error {
		return &Error{File: s.name, Code: ErrTruncated, Value: cause.Error(), Expected: "完整的 xlsx 文件"}
	}
	if bloated(archive) {
		return &Error{File: s.name, Code: ErrTooLarge, Expected: "解压后不超过 1 GB 的 xlsx"}
	}
	book, err := excelize.OpenReader(bytes.NewReader(s.data), excelize.Options{
		UnzipSizeLimit:   maxUnzipBytes,
		ShortDatePattern: "yyyy-mm-dd",
	})
	if err != nil {
		return broken(err)
	}
	defer func() {
		if closing := book.Close(); closing != nil && err == nil {
			err = broken(closing)
		}
	}()
	if props, err := book.GetWorkbookProps(); err == nil && props.Date1904 != nil && *props.Date1904 {
		return &Error{
			File: s.name, Code: ErrUnsupportedLayout, Value: "1904 日期系统",
			Expected: "使用 1900 日期系统的工作簿（Excel 选项 → 高级）",
		}
	}
	for _, sheet := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(sheet); err != nil || !visible {
			continue
		}
		if err := readSheet(book, s.name, sheet, next); err != nil {
			return err
		}
	}
	return nil
}

// bloated reports whether the archive unpacks to more than the limits allow.
// The sizes that it declares can be trusted: reading stops where they end.
func bloated(archive *zip.Reader) bool {
	var total uint64
	for _, part := range archive.File {
		total += part.UncompressedSize64
		streamed := strings.Contains(part.Name, "worksheets/") || strings.HasSuffix(part.Name, "sharedStrings.xml")
		if total > maxUnzipBytes || !streamed && part.UncompressedSize64 > maxPartBytes {
			return true
		}
	}
	return false
}

func readSheet(book *excelize.File, file, sheet string, next sink) error {
	broken := func(line int, cause error) error {
		return &Error{File: file, Sheet: sheet, Line: line, Code: ErrTruncated, Value: cause.Error(), Expected: "完整的工作表"}
	}
	shown, err := book.Rows(sheet)
	if err != nil {
		return broken(0, err)
	}
	defer func() { _ = shown.Close() }()
	stored, err := book.Rows(sheet)
	if err != nil {
		return broken(0, err)
	}
	defer func() { _ = stored.Close() }()
	for line := 1; shown.Next() && stored.Next(); line++ {
		texts, err := shown.Columns()
		if err != nil {
			return broken(line, err)
		}
		var numbers []string
		if slices.ContainsFunc(texts, mayBeNumber) { // skipping a row is far cheaper than reading it
			if numbers, err = stored.Columns(excelize.Options{RawCellValue: true}); err != nil {
				return broken(line, err)
			}
		}
		if err := next(row{line: line, sheet: sheet, cells: sheetCells(texts, numbers)}); err != nil {
			return err
		}
	}
	if err := shown.Error(); err != nil {
		return broken(0, err)
	}
	return nil
}

// mayBeNumber reports whether a shown text can be a formatted number or date.
func mayBeNumber(text string) bool {
	return text != "" && (text[0] < utf8.RuneSelf || strings.HasPrefix(text, "¥") || strings.HasPrefix(text, "￥"))
}

// sheetCells joins what cells show with the numbers that they store.
func sheetCells(texts, numbers []string) []cell {
	cells := make([]cell, len(texts))
	for i, text := range texts {
		cells[i].text = text
		if i < len(numbers) && numbers[i] != text && storedNumber.MatchString(numbers[i]) {
			cells[i].exact = exactNumber(text, numbers[i])
		}
	}
	return cells
}

// storedNumber is how a worksheet stores a number. The bounded exponent keeps
// the decimal library from expanding 1E999999999.
var storedNumber = regexp.MustCompile(`^-?\d{1,20}(\.\d{1,25})?([eE][+-]?\d{1,2})?$`)

// exactNumber returns the stored number to the 15 digits that Excel keeps, as
// a percentage if it is shown as one.
func exactNumber(shown, stored string) string {
	d, err := decimal.NewFromString(stored)
	if err != nil {
		return ""
	}
	if digits := len(d.Coefficient().String()); digits > 15 {
		d = d.Round(int32(15-digits) - d.Exponent()) //nolint:gosec // cells are bounded, so digits are
	}
	if strings.HasSuffix(strings.TrimSpace(shown), "%") {
		return d.Shift(2).String() + "%"
	}
	return d.String()
}
