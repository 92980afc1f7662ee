package importer_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"duban/importer"
	"duban/models"
	"duban/models/calendar"
)

const paymentHeader = "项目编码,项目名称,支付日期,支付金额,凭证号,收款人,摘要\n"

func payments(t *testing.T, name string, data []byte) *importer.PaymentSheet {
	t.Helper()
	sheet, err := importer.ReadPayments(name, data, importer.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return sheet
}

func TestPaymentsAreReadByTheirHeader(t *testing.T) {
	want := importer.PaymentRow{
		FiscalYear: 2025, ProjectCode: "P001", ProjectName: "会议费", PaidOn: calendar.MustDate(2025, 3, 20),
		Amount: 123_450_00, VoucherNo: "记-0012", Payee: "某某公司", Summary: "场地费",
	}
	for _, c := range []struct{ name, file, content string }{
		{"as in the template", "a.csv", paymentHeader + "P001,会议费,2025-03-20,123450,记-0012,某某公司,场地费\n"},
		{"synonyms and other order", "a.csv", "凭证编号,记账日期,项目代码,项目名称,收款单位,用途,支出金额（万元）\n记-0012,2025/3/20,P001,会议费,某某公司,场地费,12.345\n"},
		{"titles above", "a.csv", "某某中心支出明细\n单位：万元\n" + paymentHeader + "P001,会议费,2025年3月20日,12.345,记-0012,某某公司,场地费\n"},
		{"figures as printed", "a.csv", paymentHeader + "P001,会议费,20250320,\"￥123,450.00\",记-0012,某某公司,场地费\n"},
		{"a time of day", "a.csv", paymentHeader + "P001,会议费,2025-03-20 14:05:33,123450.00元,记-0012,某某公司,场地费\n"},
		{"a serial number", "a.csv", paymentHeader + "P001,会议费,45736,12.345万元,记-0012,某某公司,场地费\n"},
		{"tabs", "a.txt", strings.ReplaceAll(paymentHeader+"P001,会议费,2025.3.20,123450,记-0012,某某公司,场地费\n", ",", "\t")},
		{"tabs called csv", "a.csv", strings.ReplaceAll(paymentHeader+"P001,会议费,2025.3.20,123450,记-0012,某某公司,场地费\n", ",", "\t")},
		{"totals and blank rows", "a.csv", "\ufeff" + paymentHeader + "P001,会议费,2025-03-20,123450,记-0012,某某公司,场地费\n,,,,,,\n合 计,,,123450,,,\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sheet := payments(t, c.file, []byte(c.content))
			if len(sheet.Rows) != 1 || len(sheet.Rejected) != 0 {
				t.Fatalf("%+v", sheet)
			}
			got := sheet.Rows[0]
			got.Line, got.Cells = 0, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v; want %+v", got, want)
			}
		})
	}
}

func TestAWorkbookOfPaymentsIsReadExactly(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	style := func(format string) int {
		id, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for cell, value := range map[string]any{
		"A1": "支出明细（截至2025年9月30日）",
		"A2": "项目编码", "B2": "付款日期", "C2": "金额", "D2": "凭证号", "E2": "年度",
		"A3": "P001", "B3": time.Date(2025, 3, 20, 0, 0, 0, 0, time.UTC), "C3": 1234.56, "D3": "1", "E3": 2024,
		"A4": "P001", "B4": 45737, "C4": -0.1, "D4": 2,
	} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	for cell, format := range map[string]string{"B3": "m/d/yy", "C3": "#,##0", "C4": "0"} {
		if err := book.SetCellStyle("Sheet1", cell, cell, style(format)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	sheet := payments(t, "a.xlsx", b.Bytes())
	for i := range sheet.Rows {
		sheet.Rows[i].Cells = nil
	}
	want := []importer.PaymentRow{
		{Line: 3, FiscalYear: 2024, ProjectCode: "P001", PaidOn: calendar.MustDate(2025, 3, 20), Amount: 123_456, VoucherNo: "1"},
		{Line: 4, FiscalYear: 2025, ProjectCode: "P001", PaidOn: calendar.MustDate(2025, 3, 21), Amount: -10, VoucherNo: "2"},
	}
	if !reflect.DeepEqual(sheet.Rows, want) || len(sheet.Rejected) != 0 || sheet.AsOf != calendar.MustDate(2025, 9, 30) {
		t.Errorf("%+v; want %+v", sheet, want)
	}
}

func TestPaymentsThatCannotBeReadAreRejectedWithTheReason(t *testing.T) {
	rows := []struct{ cells, reason string }{
		{"P001,,2025-03-20,100,记-1,,", ""},
		{"P001,,2025-02-30,100,记-2,,", "支付日期“2025-02-30”"},
		{"P001,,3月,100,记-3,,", "支付日期“3月”"},
		{"P001,,2025-03-20,一百,记-4,,", "支付金额“一百”"},
		{"P001,,2025-03-20,0.001,记-5,,", "支付金额“0.001”"},
		{"P001,,2025-03-20,,记-6,,", "支付金额"},
		{"P001,,2025-03-20,100,,,", "没有凭证号"},
		{",,2025-03-20,100,记-8,,", "没有项目编码"},
		{"P001,,2025-03-21,100,记-1,,", "第 2 行已经用于同一项目"},
		{"P001,,2025-03-20,100,记-1,,", "与第 2 行完全相同"},
		{"P002,,2025-03-20,100,记-1,,", ""},
	}
	content := paymentHeader
	var contentSb114 strings.Builder
	for _, r := range rows {
		contentSb114.WriteString(r.cells + "\n")
	}
	content += contentSb114.String()
	sheet := payments(t, "a.csv", []byte(content))
	rejected := map[int]importer.Rejected{}
	for _, r := range sheet.Rejected {
		rejected[r.Line] = r
	}
	for i, r := range rows {
		got := rejected[i+2]
		if (r.reason == "") != (got.Reason == "") || !strings.Contains(got.Reason, r.reason) {
			t.Errorf("%s: reason %q; want %q", r.cells, got.Reason, r.reason)
		}
		if got.Reason != "" && strings.Join(got.Cells, ",") != r.cells {
			t.Errorf("cells %q; want %q", got.Cells, r.cells)
		}
	}
	if len(sheet.Rows) != 2 {
		t.Errorf("rows %+v; want 2", sheet.Rows)
	}
}

func TestAListWithoutItsHeaderIsRefused(t *testing.T) {
	_, err := importer.ReadPayments("a.csv", []byte("支出明细\n项目编码,支付日期,支付金额\nP001,2025-03-20,1\n"), importer.Options{})
	var e *importer.Error
	if !errors.As(err, &e) || e.Code != importer.ErrHeaderMissing || e.Line != 2 || !strings.Contains(e.Error(), "“凭证号”") ||
		strings.Contains(e.Error(), "支付日期") {
		t.Errorf("%v; want that only the voucher is missing, at line 2", err)
	}
	if _, err := importer.ReadPeople("a.csv", []byte("一,二\n")); !errors.As(err, &e) || e.Code != importer.ErrHeaderMissing {
		t.Errorf("people: %v", err)
	}
	if _, err := importer.ReadAssignments("a.csv", nil); !errors.As(err, &e) || e.Code != importer.ErrUnsupportedFormat {
		t.Errorf("empty: %v", err)
	}
}

func TestPeopleAreReadWithTheirRoles(t *testing.T) {
	sheet, err := importer.ReadPeople("a.csv", []byte("账号,姓名,邮箱,手机,单位编码,角色,语言\n"+
		"zhang,张三,zhang@example.com,138-0000-0000,603001,项目负责人/经办人、科室负责人,\n"+
		"li,李四,,,,\"财务科，办公室,分管领导；管理员\",英文\n"+
		"zhang,张三,,,,经办人,\n"+
		"a b,,not an address,abc,,保安,法文\n"+
		"wang,王五,,,,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []importer.PersonRow{
		{
			Line: 2, Account: "zhang", Name: "张三", Email: "zhang@example.com", Mobile: "13800000000", UnitCode: "603001",
			Roles: []models.Role{models.RoleOwner, models.RoleManager}, Language: models.Chinese,
		},
		{
			Line: 3, Account: "li", Name: "李四", Language: models.English,
			Roles: []models.Role{models.RoleFinance, models.RoleOffice, models.RoleLeader, models.RoleAdmin},
		},
	}
	for i := range sheet.Rows {
		sheet.Rows[i].Cells = nil
	}
	if !reflect.DeepEqual(sheet.Rows, want) {
		t.Errorf("rows %+v; want %+v", sheet.Rows, want)
	}
	if len(sheet.Rejected) != 3 {
		t.Fatalf("rejected %+v", sheet.Rejected)
	}
	for i, reasons := range [][]string{{"第 2 行已经有了"}, {"账号“a b”", "没有姓名", "邮箱", "手机“abc”", "角色“保安”", "语言“法文”"}, {"角色“”"}} {
		for _, reason := range reasons {
			if !strings.Contains(sheet.Rejected[i].Reason, reason) {
				t.Errorf("reason %q does not say %q", sheet.Rejected[i].Reason, reason)
			}
		}
	}
}

func TestAssignmentsAreRead(t *testing.T) {
	sheet, err := importer.ReadAssignments("a.csv", []byte("项目编码,项目负责人,科室负责人,年度\nP001,zhang,李四,2025\nP002,,李四,\nP001,wang,,2025年\nP003,,,\n,zhang,,\nP001,zhang,,明年\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []importer.AssignmentRow{
		{Line: 2, FiscalYear: 2025, ProjectCode: "P001", Owner: "zhang", Manager: "李四"},
		{Line: 3, ProjectCode: "P002", Manager: "李四"},
	}
	for i := range sheet.Rows {
		sheet.Rows[i].Cells = nil
	}
	if !reflect.DeepEqual(sheet.Rows, want) || len(sheet.Rejected) != 4 {
		t.Errorf("%+v; want %+v and 4 rejected", sheet, want)
	}
}

func TestRejectedRowsAreWrittenSafely(t *testing.T) {
	var b bytes.Buffer
	rows := []importer.Rejected{{Line: 7, Cells: []string{"=HYPERLINK(\"x\")", "-12.50", "@a", "+86 1", "-cmd|x"}, Reason: "没有凭证号"}, {Line: 9, Reason: "空"}}
	if err := importer.WriteRejected(&b, []string{"项目编码", "支付金额"}, rows); err != nil {
		t.Fatal(err)
	}
	want := "\ufeff项目编码,支付金额,,,,行号,原因\r\n\"'=HYPERLINK(\"\"x\"\")\",-12.50,'@a,'+86 1,'-cmd|x,7,没有凭证号\r\n,,,,,9,空\r\n"
	if b.String() != want {
		t.Errorf("%q; want %q", b.String(), want)
	}
}

func TestARejectedFileCanBeCorrectedAndReadAgain(t *testing.T) {
	sheet := payments(t, "a.csv", []byte(paymentHeader+"P001,会议费,昨天,-100,记-1,,\n"))
	var b bytes.Buffer
	if err := importer.WriteRejected(&b, sheet.Header, sheet.Rejected); err != nil {
		t.Fatal(err)
	}
	again := payments(t, "b.csv", bytes.Replace(b.Bytes(), []byte("昨天"), []byte("2025-03-20"), 1))
	if len(again.Rows) != 1 || again.Rows[0].Amount != -100_00 {
		t.Errorf("%+v", again)
	}
}

func TestTemplatesCanBeReadBackAndHoldNoRecords(t *testing.T) {
	readers := map[string]func(string, []byte) (rows, rejected int, err error){
		"payments": func(name string, data []byte) (int, int, error) {
			s, err := importer.ReadPayments(name, data, importer.Options{})
			if err != nil {
				return 0, 0, err
			}
			return len(s.Rows), len(s.Rejected), nil
		},
		"people": func(name string, data []byte) (int, int, error) {
			s, err := importer.ReadPeople(name, data)
			if err != nil {
				return 0, 0, err
			}
			return len(s.Rows), len(s.Rejected), nil
		},
		"assignments": func(name string, data []byte) (int, int, error) {
			s, err := importer.ReadAssignments(name, data)
			if err != nil {
				return 0, 0, err
			}
			return len(s.Rows), len(s.Rejected), nil
		},
	}
	for kind, readBack := range readers {
		var xlsx, csv bytes.Buffer
		if err := errors.Join(importer.Template(kind, &xlsx), importer.TemplateCSV(kind, &csv)); err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"t.xlsx": xlsx.Bytes(), "t.csv": csv.Bytes()} {
			if rows, rejected, err := readBack(name, data); err != nil || rows != 0 || rejected != 0 {
				t.Errorf("%s %s: %d rows, %d rejected, %v; want none", kind, name, rows, rejected, err)
			}
		}
		filled := bytes.Replace(csv.Bytes(), []byte("示例行，导入时忽略"), nil, 1)
		if rows, rejected, err := readBack("t.csv", filled); err != nil || rows != 1 || rejected != 0 {
			t.Errorf("the example of %s: %d rows, %d rejected, %v; want one row", kind, rows, rejected, err)
		}
	}
	if err := importer.Template("other", &bytes.Buffer{}); err == nil {
		t.Error("there is no such template")
	}
}

func TestTheKindOfAFileIsKnownFromItsContent(t *testing.T) {
	var people, assignments, paid bytes.Buffer
	if err := errors.Join(importer.Template("people", &people), importer.Template("assignments", &assignments), importer.Template("payments", &paid)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		data        []byte
		want        models.ImportKind
		assignments bool
	}{
		{"a.txt", []byte(small), models.ImportTargets, false},
		{"a.docx", asDocx(blocksOf("1.会议费绩效目标表\n")), models.ImportTargets, false},
		{"a.csv", []byte("支出明细\n" + paymentHeader), models.ImportPayments, false},
		{"b.xlsx", paid.Bytes(), models.ImportPayments, false},
		{"c.xlsx", people.Bytes(), models.ImportPeople, false},
		{"d.xlsx", assignments.Bytes(), models.ImportPeople, true},
	} {
		got, err := importer.Kind(c.name, c.data)
		if err != nil || got != c.want || importer.IsAssignments(c.name, c.data) != c.assignments {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
	for name, content := range map[string]string{"note.txt": "明天开会\n", "a.pdf": "%PDF-1.4"} {
		var e *importer.Error
		if got, err := importer.Kind(name, []byte(content)); !errors.As(err, &e) {
			t.Errorf("%s: %s, %v; want an error", name, got, err)
		}
	}
}

func TestAMisspeltColumnIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ header, like, lacks string }{
		"a payment list without a date":    {"项目编码,支付日其,支付金额,凭证号", "支出明细", "支付日期"},
		"a payment list without an amount": {"项目编码,支付日期,凭证号", "支出明细", "支付金额"},
		"a list of people without roles":   {"账号,姓名,角色名", "人员", "角色"},
		"holidays without a kind":          {"日期,类别,名称", "节假日安排", "类型"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := importer.Kind("list.csv", []byte("标题\n"+c.header+"\n1,2,3,4\n"))
			var bad *importer.Error
			if !errors.As(err, &bad) || bad.Code != importer.ErrHeaderMissing || bad.Line != 2 ||
				!strings.Contains(bad.Expected, c.like) || !strings.Contains(bad.Expected, c.lacks) {
				t.Errorf("got %v", err)
			}
		})
	}
}
