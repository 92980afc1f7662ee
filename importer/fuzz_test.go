package importer_test

import (
	"bytes"
	"errors"
	"testing"

	"duban/deploy"
	"duban/importer"
)

// fuzzDocuments are small documents in every format.
func fuzzDocuments(f *testing.F) map[string][]byte {
	f.Helper()
	blocks := []block{
		{text: "2025年度预算绩效目标"},
		{text: "一、总体绩效目标"},
		{text: "2025年归集115亿元，6月底前细化代编预算。"},
		{text: "1.会议费绩效目标表"},
		{rows: [][]string{
			{"603001某某市住房公积金管理中心本级"},
			{"单位：万元"},
			{"项目编码", "P001", "项目名称", "会议费"},
			{"预算规模及资金用途", "预算数", "1.40", "其中：财政资金", "1.40", "其他资金", ""},
			{"", "会议场地支出"},
			{"资金支出计划（%）", "3月底", "6月底", "10月底", "12月底"},
			{"", "", "50%", "75%", "100%"},
			{"绩效目标", "开好会议"},
			{"一级指标", "二级指标", "三级指标", "绩效指标描述", "指标值", "指标值确定依据"},
			{"产出指标", "时效指标", "完成时限", "完成时限", "2025年12月15日前", "工作计划"},
		}},
	}
	return map[string][]byte{
		"a.txt":  []byte(listed(blocks)),
		"b.txt":  []byte(small),
		"c.md":   []byte(separated(blocks, "| ", " | ", " |")),
		"d.html": asHTML(blocks),
		"e.docx": asDocx(blocks),
		"f.xlsx": asXlsx(f, blocks),
		"g.csv":  []byte(separated(blocks, "", ",", "")),
	}
}

func FuzzReadTargets(f *testing.F) {
	for name, data := range fuzzDocuments(f) {
		f.Add(name, data)
	}
	sample, err := deploy.Sample.ReadFile("sample/targets-2025.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("sample.txt", sample[:4000])
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		draft, err := importer.ReadTargets(name, data, importer.Options{})
		var e *importer.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Errorf("%v is no importer.Error", err)
		case err != nil && e.Error() == "":
			t.Error("an error without words")
		case err == nil && draft.FiscalYear == 0:
			t.Error("a draft without a year")
		case err == nil:
			again, err := importer.ReadTargets(name, data, importer.Options{})
			if err != nil || len(again.Units) != len(draft.Units) || len(again.Problems) != len(draft.Problems) {
				t.Errorf("a second reading differs: %v", err)
			}
		}
	})
}

func FuzzParseTimeEffect(f *testing.F) {
	for _, text := range []string{
		"2025年12月15日", "2025.12.31", "2025-12-31", "6月底前", "每月10日前", "按月发放", "每季度末",
		"合同签订后30日内", "<24 小时", "≥95%", "1月-12月", "前三季度", "上半年", "2025年年底前",
	} {
		f.Add(text, 2025)
	}
	f.Fuzz(func(t *testing.T, text string, year int) {
		got, err := importer.ParseTimeEffect(text, year)
		switch {
		case err != nil && !errors.Is(err, importer.ErrNeedsDate):
			t.Errorf("%q: %v is not ErrNeedsDate", text, err)
		case err != nil && got != (importer.TimeEffect{}):
			t.Errorf("%q: %+v beside an error", text, got)
		case !got.DueOn.IsZero() && got.Recurrence != "":
			t.Errorf("%q: both a day and a recurrence, %+v", text, got)
		}
	})
}

func FuzzReadPayments(f *testing.F) {
	f.Add("a.csv", []byte(paymentHeader+"P001,会议费,2025-03-20,123450,记-0012,某某公司,场地费\n合计,,,123450,,,\n"))
	f.Add("b.txt", []byte("截至2025年9月30日\n项目编码\t日期\t金额（万元）\t凭证号\nP001\t45736\t1.5\t记-1\nP001\t45736\t1.5\t记-1\n"))
	var template bytes.Buffer
	if err := importer.Template("payments", &template); err != nil {
		f.Fatal(err)
	}
	f.Add("c.xlsx", template.Bytes())
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		sheet, err := importer.ReadPayments(name, data, importer.Options{})
		var e *importer.Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Errorf("%v is no importer.Error", err)
			}
			return
		}
		for _, r := range sheet.Rows {
			if r.PaidOn.IsZero() || r.VoucherNo == "" || r.FiscalYear == 0 || r.ProjectCode+r.ProjectName == "" {
				t.Errorf("an incomplete row was taken: %+v", r)
			}
		}
		var b bytes.Buffer
		if err := importer.WriteRejected(&b, sheet.Header, sheet.Rejected); err != nil {
			t.Error(err)
		}
	})
}
