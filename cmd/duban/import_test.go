package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duban/models"
)

const sampleDir = "../../deploy/sample/"

// desk is an environment with a database of its own, a folder for messages,
// and the store to look at what commands left.
type desk struct {
	t       *testing.T
	dir     string
	environ []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	return &desk{t, dir, []string{"DUBAN_DATABASE_DSN=" + filepath.Join(dir, "duban.db"), "DUBAN_OUTBOX_DIR=" + filepath.Join(dir, "outbox")}}
}

// newOffice is a desk with the whole sample imported.
func newOffice(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	must(t, d.environ, "import", sampleDir+"targets-2025.txt", sampleDir+"people.csv", sampleDir+"assignments-2025.csv", sampleDir+"payments-2025.csv")
	return d
}

func (d *desk) must(args ...string) string {
	d.t.Helper()
	return must(d.t, d.environ, args...)
}

// fails runs a command that has to fail, with words in what it says.
func (d *desk) fails(want int, says []string, args ...string) string {
	d.t.Helper()
	code, out, errOut := duban(d.t, d.environ, args...)
	if code != want {
		d.t.Errorf("duban %s: exit %d; want %d\n%s%s", strings.Join(args, " "), code, want, out, errOut)
	}
	contains(d.t, errOut, says...)
	return out
}

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func (d *desk) file(name, content string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (d *desk) store() *models.Store {
	d.t.Helper()
	s, err := models.Open(d.t.Context(), models.Options{DSN: filepath.Join(d.dir, "duban.db")})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = s.Close() })
	return s
}

// rows counts what all commands together have left in some tables.
func (d *desk) rows(tables ...string) int64 {
	d.t.Helper()
	s := d.store()
	var sum int64
	for _, table := range tables {
		var n int64
		q := s.Read(d.t.Context()).Table(table)
		if table == "audit_entries" { // a new database publishes the built-in workflows
			q = q.Where("action <> 'workflow.published'")
		}
		if err := q.Count(&n).Error; err != nil {
			d.t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// everything are the tables that an import writes.
var everything = []string{
	"units", "users", "projects", "targets", "indicators", "goals", "payments", "data_problems", "obligations", "import_batches", "audit_entries",
}

func TestTheFiguresOfAnImportedDocumentArePrinted(t *testing.T) {
	for _, document := range []string{sampleDir + "targets-2025.txt", "../../../shared/seeds/tangshan-hpf-2025.txt"} {
		t.Run(filepath.Base(document), func(t *testing.T) {
			if _, err := os.Stat(document); err != nil {
				t.Skip("the document is not at hand")
			}
			d := newDesk(t)
			contains(t, d.must("import", document),
				"2025 年", "19 个项目", "108 项指标", "预算 774.85 万元",
				"3月底 累计目标 122.42 万元（8 格空白，无目标）", "6月底 累计目标 393.73 万元（2 格空白，无目标）",
				"10月底 累计目标 595.2925 万元\n", "12月底 累计目标 774.85 万元\n",
				"2024年10月22日", "新增 19，变更 0，不变 0", "新问题 1")
			before := d.rows(everything...)
			contains(t, d.must("import", document), "没有变化", "不变 19")
			if after := d.rows(everything...); after != before {
				t.Errorf("the second import left %d rows", after-before)
			}
		})
	}
}

func TestTheSampleOfListsIsImportedOnce(t *testing.T) {
	d := newOffice(t)
	before := d.rows(everything...)
	for name, want := range map[string]string{"people.csv": "已有 9", "assignments-2025.csv": "已有 19", "payments-2025.csv": "已有 117"} {
		contains(t, d.must("import", sampleDir+name), "没有变化", "新增 0，变更 0", want, "退回 0")
	}
	if after := d.rows(everything...); after != before {
		t.Errorf("importing again left %d rows", after-before)
	}
}

func TestFilesAreImportedInTheOrderInWhichTheyNeedEachOther(t *testing.T) {
	d := newDesk(t)
	all := []string{"assignments-2025.csv", "payments-2025.csv", "people.csv", "targets-2025.txt"} // as a shell lists them
	for i, name := range all {
		all[i] = sampleDir + name
	}
	out := d.must(append([]string{"import"}, all...)...)
	contains(t, out, "新增 19", "新增 9", "新增 117", "退回 0")
	if again := d.must(append([]string{"import"}, all...)...); strings.Count(again, "没有变化") != len(all) {
		t.Errorf("imported again: %s", again)
	}
}

func TestADryRunOfAnyFileWritesNothing(t *testing.T) {
	d := newDesk(t)
	contains(t, d.must("import", "--dry-run", sampleDir+"targets-2025.txt"), "试运行，未写入", "新增 19")
	if n := d.rows(everything...); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	d.must("import", sampleDir+"targets-2025.txt")
	before := d.rows(everything...)
	contains(t, d.must("import", "--dry-run", sampleDir+"people.csv"), "试运行，未写入", "新增 9")
	contains(t, d.must("import", "--dry-run", sampleDir+"payments-2025.csv"), "试运行，未写入", "新增 117")
	payments := d.file("payments.csv", badPayments)
	for _, more := range [][]string{nil, {"--accept-partial"}} {
		code, out, errOut := duban(t, d.environ, append([]string{"import", "--dry-run", payments}, more...)...)
		if (code == exitOK) != (more != nil) {
			t.Errorf("%v: exit %d", more, code)
		}
		contains(t, out+errOut, "第 3 行", "第 4 行") // every bad row is told of, since no file is
	}
	if after := d.rows(everything...); after != before {
		t.Errorf("%d rows are left", after-before)
	}
	if files, _ := filepath.Glob(filepath.Join(d.dir, "*rejected*")); len(files) > 0 {
		t.Errorf("%v are left", files)
	}
}

func TestACorrectedDocumentShowsItsDifference(t *testing.T) {
	d := newOffice(t)
	corrected := strings.NewReplacer("	—	—	50%	100%", "	—	10%	60%	100%", "2024年10月22日", "2025年10月22日").
		Replace(read(t, sampleDir+"targets-2025.txt"))
	path := d.file("corrected.txt", corrected)
	for _, args := range [][]string{{"import", "--dry-run", path}, {"import", path}} {
		contains(t, d.must(args...), "会议费", "— → 10%", "50% → 60%", "2024年10月22日 → ", "变更 2，不变 17", "已更正问题 1")
	}
	contains(t, d.must("import", path), "没有变化", "不变 19")
	d.must("audit", "verify")
}

func TestABadFileIsRefusedAsAWholeAndSaysWhereAndWhy(t *testing.T) {
	sample := read(t, sampleDir+"targets-2025.txt")
	lines := strings.SplitAfter(sample, "\n")
	for name, c := range map[string]struct {
		content string
		says    []string
	}{
		"twice.txt":      {sample + sample, []string{"第 323 行", "重复", "应为："}},
		"checkpoint.txt": {strings.Replace(sample, "3月底", "三月末尾", 1), []string{"第 ", "三月末尾", "应为：3月底"}},
		"nocode.txt":     {strings.Replace(sample, "项目编码\t13020025P00260010003Q", "项目编码\t", 1), []string{"第 60 行", "没有项目编码", "应为："}},
		"cut.txt":        {strings.Join(lines[:64], ""), []string{"不完整", "应为："}},
		"letter.txt":     {"各单位：\n请按时报送。\n", []string{"表格样式不支持", "应为："}},
		"empty.xlsx":     {"", []string{"空文件", "应为："}},
		"noise.docx":     {"PK\x03\x04 not a zip", []string{"应为："}},
		"headless.csv":   {"甲,乙,丙\n1,2,3\n", []string{"表格样式不支持", "应为："}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			// The good one after it is imported all the same.
			out := d.fails(exitUsage, append(c.says, name), "import", d.file(name, c.content))
			if strings.Contains(out, "已导入") {
				t.Errorf("says %s", out)
			}
			if n := d.rows(everything...); n != 0 {
				t.Errorf("%d rows are left", n)
			}
		})
	}
}

func TestOneBadFileDoesNotKeepTheOthersOut(t *testing.T) {
	d := newDesk(t)
	out := d.fails(exitUsage, []string{"nosuch.txt", "bad.txt："}, "import",
		filepath.Join(d.dir, "nosuch.txt"), d.file("bad.txt", "hello\n"), sampleDir+"targets-2025.txt")
	contains(t, out, "新增 19")
	if _, _, errOut := duban(t, d.environ, "import", d.file("bad.txt", "hello\n"), d.file("worse.txt", "hello\n")); strings.Contains(errOut, "usage") {
		t.Errorf("says %s", errOut)
	}
}

const badPayments = `项目编码,项目名称,支付日期,支付金额,凭证号,收款人,摘要
13020025P00N46L10003R,劳务派遣费用,2025-01-09,131200.00,甲-1,某公司,工资
13020025P00N46L10003R,劳务派遣费用,2025-13-09,131200.00,甲-2,=HYPERLINK("x"),工资
NOSUCH,无此项目,2025-01-09,1.00,甲-3,某公司,工资
13020025P00N46L10003R,劳务派遣费用,2025-02-09,-200.5,甲-4,某公司,退款
`

func TestPaymentsWithBadRowsAreRefusedUnlessAskedFor(t *testing.T) {
	d := newDesk(t)
	d.must("import", sampleDir+"targets-2025.txt")
	before := d.rows(everything...)
	payments := d.file("payments.csv", badPayments)

	out := d.fails(exitUsage, []string{"payments.csv 第 3 行", "2025-13-09", "应如", "退回的 2 行已写入", "整个文件未导入", "--accept-partial"}, "import", payments)
	contains(t, out, "未导入", "退回 2")
	if after := d.rows(everything...); after != before {
		t.Errorf("%d rows are left", after-before)
	}
	rejected := read(t, payments+".rejected.csv")
	contains(t, rejected, "\ufeff项目编码", "行号", "原因", "2025-13-09", ",3,", "NOSUCH", ",4,", `"'=HYPERLINK`)

	d.fails(exitUsage, []string{"不能写回原文件"}, "import", "--rejected", payments, payments)
	if read(t, payments) != badPayments {
		t.Fatal("the person's own file was overwritten")
	}
	d.fails(exitUsage, []string{"--rejected"}, "import", "--rejected", filepath.Join(d.dir, "r.csv"), payments, payments)

	elsewhere := filepath.Join(d.dir, "elsewhere.csv")
	contains(t, d.must("import", "--accept-partial", "--rejected", elsewhere, payments), "已导入", "新增 2", "退回 2", "elsewhere.csv")
	if read(t, elsewhere) != rejected || d.rows("payments") != 2 {
		t.Errorf("%d payments, and rejected:\n%s", d.rows("payments"), read(t, elsewhere))
	}
	// The mended rejects are a file that can be imported.
	mended := strings.NewReplacer("2025-13-09", "2025-03-09", "NOSUCH,无此项目", "13020025P00260010003Q,会议费").Replace(rejected)
	contains(t, d.must("import", d.file("mended.csv", mended)), "新增 2")
}

func TestTemplatesCanBeFilledInAndImported(t *testing.T) {
	d := newDesk(t)
	for _, kind := range []string{"payments", "people", "assignments"} {
		for _, ext := range []string{".xlsx", ".csv"} {
			path := filepath.Join(d.dir, kind+ext)
			contains(t, d.must("template", kind, "-o", path), path)
			contains(t, d.must("import", path), "没有变化", "退回 0")
			was := read(t, path)
			d.fails(exitUsage, []string{path}, "template", kind, "-o", path)
			if read(t, path) != was {
				t.Errorf("%s was overwritten", path)
			}
		}
	}
	d.fails(exitUsage, []string{"nothing", "payments"}, "template", "nothing", "-o", filepath.Join(d.dir, "nothing.xlsx"))
	if _, err := os.Stat(filepath.Join(d.dir, "nothing.xlsx")); err == nil {
		t.Error("an empty template is left")
	}
}
