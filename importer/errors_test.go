package importer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"duban/importer"
)

// failure returns the error that a document must give.
func failure(t *testing.T, name string, data []byte) *importer.Error {
	t.Helper()
	draft, err := importer.ReadTargets(name, data, importer.Options{})
	var e *importer.Error
	if !errors.As(err, &e) {
		t.Fatalf("read %+v, %v; want an error", draft, err)
	}
	if e.File != name || !strings.Contains(e.Error(), name) {
		t.Errorf("%q does not name the file", e.Error())
	}
	return e
}

func TestWhatCannotBeReadIsRefusedWithItsLine(t *testing.T) {
	second := strings.NewReplacer("P001", "P002", "会议费", "培训费").Replace(small[len(title):])
	for _, c := range []struct {
		name, document, code string
		line                 int
	}{
		{"no amount unit", string(with("单位：万元", "")), importer.ErrAmountUnitMissing, 4},
		{"no amount unit under a new heading", title + "1.会议费绩效目标表\n" + small[len(title):] + "2.培训费绩效目标表\n" +
			strings.ReplaceAll(second, "单位：万元", ""), importer.ErrAmountUnitMissing, 16},
		{"no project code", string(with("\tP001\t", "\t\t")), importer.ErrProjectCodeMissing, 3},
		{"a heading that is no date", string(with("10月底", "竣工时")), importer.ErrCheckpointUnreadable, 6},
		{"a day that does not exist", string(with("6月底", "6月31日")), importer.ErrCheckpointUnreadable, 6},
		{"a plan in amounts", string(with("资金支出计划（%）", "资金支出计划（万元）")), importer.ErrUnsupportedLayout, 6},
		{"one project a row", title + "序号\t项目编码\t项目名称\t预算数\t资金支出计划\n1\tP001\t会议费\t5\t100%\n", importer.ErrUnsupportedLayout, 2},
		{"one word a line", strings.ReplaceAll(small, "\t", "\n"), importer.ErrUnsupportedLayout, 4},
		{"no table at all", "2025年度工作总结\n一切顺利。\n", importer.ErrUnsupportedLayout, 0},
		{"indicators before any project", title + indicators, importer.ErrUnsupportedLayout, 2},
		{"cut before the plan", small[:strings.Index(small, "资金支出计划")], importer.ErrTruncated, 3},
		{"cut before the indicators", small[:strings.Index(small, "一级指标")], importer.ErrTruncated, 3},
		{"cut inside an indicator", small[:strings.Index(small, "\t2025年12月15日")], importer.ErrTruncated, 11},
		{"cut after a heading", small + "2.培训费绩效目标表\n", importer.ErrTruncated, 12},
		{"a table missing in the middle", "1.会议费绩效目标表\n2.培训费绩效目标表\n" + small, importer.ErrTruncated, 1},
		{"indicators missing in the middle", small[:strings.Index(small, "一级指标")] + second, importer.ErrTruncated, 3},
		{"a table twice", small + small[len(title):], importer.ErrRepeatedTable, 13},
		{"the whole document twice", small + small, importer.ErrRepeatedDocument, 12},
		{"no year", strings.NewReplacer("2025年度", "", "2025年12月15日", "12月15日").Replace(small), importer.ErrFiscalYearUnknown, 0},
		{"two years", title + "2024年度部门预算\n" + small[len(title):], importer.ErrFiscalYearUnknown, 0},
		{
			"last year's title", strings.Replace(small, "2025年度", "2024年度", 1) + strings.Repeat("\t时效指标\t完成\t完成\t2025年6月30日\t计划\n", 2),
			importer.ErrFiscalYearUnknown, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := failure(t, "a.txt", []byte(c.document))
			if e.Code != c.code || e.Line != c.line {
				t.Errorf("%v (%s at line %d); want %s at line %d", e, e.Code, e.Line, c.code, c.line)
			}
			if e.Expected == "" {
				t.Errorf("%v does not say what was expected", e)
			}
		})
	}
}

func TestListedCellsMustAllBeThere(t *testing.T) {
	var blocks []block
	for _, line := range strings.Split(strings.TrimSpace(small), "\n") {
		cells := strings.Split(line, "\t")
		if len(cells) == 1 {
			blocks = append(blocks, block{text: line}, block{})
			continue
		}
		last := &blocks[len(blocks)-1]
		last.rows = append(last.rows, cells)
	}
	whole := listed(blocks)
	if p := only(t, read(t, "a.txt", []byte(whole))); plan(p) != usualPlan || len(p.Indicators) != 2 {
		t.Errorf("whole: %+v", p)
	}
	short := strings.Replace(whole, "\t75%\n", "", 1)
	if e := failure(t, "a.txt", []byte(short)); e.Code != importer.ErrCellCount || !strings.Contains(e.Error(), "5 格") {
		t.Errorf("a lost cell: %v", e)
	}
	torn := whole[:strings.Index(whole, "\t2025年12月15日")]
	if e := failure(t, "a.txt", []byte(torn)); e.Code != importer.ErrTruncated {
		t.Errorf("a torn row: %v", e)
	}
}

func TestForeignFormatsAreRefusedWithAdvice(t *testing.T) {
	for name, content := range map[string]string{
		"empty.txt":  "",
		"spaces.txt": " \n\t\n",
		"a.pdf":      "%PDF-1.7\n...",
		"a.doc":      "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
		"a.rtf":      `{\rtf1\ansi hello}`,
		"noise.bin":  "\x00\x01\x02\xff\xfe\x80",
		"other.zip":  string(zipped(map[string]string{"readme.txt": "x"})),
	} {
		e := failure(t, name, []byte(content))
		if e.Code != importer.ErrUnsupportedFormat || !strings.Contains(e.Error(), "docx") {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestBrokenFilesAreCalledIncomplete(t *testing.T) {
	document := []block{{text: strings.TrimSpace(title)}, {rows: [][]string{
		{"项目编码", "P001", "项目名称", "会议费"},
	}}}
	docx := asDocx(document)
	xlsx := asXlsx(t, document)
	page := asHTML(document)
	for name, data := range map[string][]byte{
		"half.docx":   docx[:len(docx)/2],
		"half.xlsx":   xlsx[:len(xlsx)/2],
		"half.html":   page[:bytes.Index(page, []byte("会议费"))],
		"torn.docx":   zipped(map[string]string{"word/document.xml": docxHead + "<w:p><w:r><w:t>会"}),
		"tagged.docx": zipped(map[string]string{"word/document.xml": docxHead + "<w:tbl><w:tr"}),
	} {
		if e := failure(t, name, data); e.Code != importer.ErrTruncated {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestZipBombsAreRefused(t *testing.T) {
	bomb := zipped(map[string]string{"word/document.xml": docxHead + "<w:p><w:r><w:t>" + strings.Repeat("0", 65<<20)})
	if e := failure(t, "bomb.docx", bomb); e.Code != importer.ErrTooLarge {
		t.Errorf("docx: %v", e)
	}
	bomb = zipped(map[string]string{"xl/workbook.xml": strings.Repeat(" ", 65<<20)})
	if e := failure(t, "bomb.xlsx", bomb); e.Code != importer.ErrTooLarge {
		t.Errorf("xlsx: %v", e)
	}
}

func TestMarkupCannotClaimMuchWithAFewBytes(t *testing.T) {
	for name, markup := range map[string]string{
		"columns": "<table><tr>" + strings.Repeat("<td colspan=999999999>x", 100) + "</table>",
		"rows":    strings.Repeat("<table><tr><td rowspan=999999999>x</td></tr></table>", 10),
		"nesting": strings.Repeat("<table><tr><td>", 1000),
	} {
		failure(t, name+".html", []byte(markup))
	}
}

func TestAnErrorNamesTheSheet(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	for _, sheet := range []string{"封面", "项目"} {
		if _, err := book.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.SetSheetRow("项目", "A7", &[]any{"项目编码", "P001", "项目名称", "会议费"}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	e := failure(t, "a.xlsx", b.Bytes())
	if e.Sheet != "项目" || e.Line != 7 || !strings.Contains(e.Error(), "工作表“项目” 第 7 行") {
		t.Errorf("%v", e)
	}
}

func TestTheUserMayStateWhatTheDocumentDoesNot(t *testing.T) {
	document := strings.NewReplacer("2025年度", "", "2025年12月15日", "12月15日", "单位：万元", "").Replace(small)
	draft, err := importer.ReadTargets("a.txt", []byte(document), importer.Options{FiscalYear: 2026, AmountUnit: 100})
	if err != nil {
		t.Fatal(err)
	}
	p := only(t, draft)
	if draft.FiscalYear != 2026 || p.FiscalYear != 2026 || p.Budget != 5_850 || p.Indicators[1].DueOn.String() != "2026-12-15" {
		t.Errorf("%+v", p)
	}
}
