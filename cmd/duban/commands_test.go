package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"duban/models"
	"duban/notifier"
)

func parseCSV(t *testing.T, text string) [][]string {
	t.Helper()
	if !strings.HasPrefix(text, "\ufeff") {
		t.Error("no byte order mark")
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows
}

func parseJSON[T any](t *testing.T, text string) []T {
	t.Helper()
	var list []T
	if err := json.Unmarshal([]byte(text), &list); err != nil || list == nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return list
}

func TestCheckListsTheSameFindingsInThreeFormats(t *testing.T) {
	d := newOffice(t)
	before := d.rows(everything...)
	check := []string{"check", "--as-of", "2025-06-20"}

	table := d.must(check...)
	contains(t, table, "灯", "公积金业务系统改造升级", "3月底支出进度达到35%", "逾期", "2025-03-31", "-81", "截至 2025-06-20：14 项")

	findings := parseJSON[finding](t, d.must(append(check, "--format", "json")...))
	rows := parseCSV(t, d.must(append(check, "--format", "csv")...))
	if len(findings) != 14 || len(rows) != 15 {
		t.Fatalf("%d findings in JSON, %d in CSV; want 14", len(findings), len(rows)-1)
	}
	for i, f := range findings {
		if row := rows[i+1]; row[3] != f.DueOn.String() || row[6] != f.Title || row[7] != f.Target {
			t.Errorf("finding %d: %+v and %q", i, f, row)
		}
	}
	i := slices.IndexFunc(findings, func(f finding) bool {
		return f.Project == "公积金业务系统改造升级" && f.State == models.StateMissed
	})
	if i < 0 {
		t.Fatal("the missed target is not listed")
	}
	if f := findings[i]; f.Light != models.Yellow || f.DaysLeft != -81 || f.Target != "35%" || f.Actual != "10%" || f.Paid != "100000.00" || f.Budget != "1000000.00" {
		t.Errorf("%+v", f)
	}
	if all := parseJSON[finding](t, d.must(append(check, "--all", "--format", "json")...)); len(all) != 145 {
		t.Errorf("--all lists %d duties; want 145", len(all))
	}
	if none := parseJSON[finding](t, d.must("check", "--as-of", "2025-01-01", "--within", "0", "--format", "json")); len(none) != 0 {
		t.Errorf("on New Year's day %v is pressing", none)
	}
	if after := d.rows(everything...); after != before {
		t.Errorf("check left %d rows", after-before)
	}
	d.fails(exitUsage, []string{"--as-of", "2025-06-31", "2025-06-30"}, "check", "--as-of", "2025-06-31")
	d.fails(exitUsage, []string{"--format", "xml", "json"}, "check", "--format", "xml")
}

func TestPublishedTextIsNoFormulaInCSV(t *testing.T) {
	const formula = `=HYPERLINK("http://evil.example","点我")`
	d := newDesk(t)
	document := strings.Replace(read(t, sampleDir+"targets-2025.txt"), "项目名称\t会议费", "项目名称\t"+formula, 1)
	d.must("import", d.file("targets.txt", document))
	rows := append(parseCSV(t, d.must("check", "--all", "--as-of", "2025-06-20", "--format", "csv")),
		parseCSV(t, d.must("simulate", "--from", "2025-10-23", "--to", "2025-10-24", "--format", "csv"))...)
	neutral := 0
	for _, row := range rows {
		for _, cell := range row {
			switch {
			case cell == "'"+formula:
				neutral++
			case cell != "" && strings.ContainsRune("=+@\t\r", rune(cell[0])):
				t.Errorf("cell %q", cell)
			}
		}
	}
	if neutral < 2 {
		t.Errorf("the name is in %d cells", neutral)
	}
	// Numbers below zero stay numbers.
	if text := d.must("check", "--as-of", "2025-06-20", "--format", "csv"); !strings.Contains(text, ",-81,") {
		t.Errorf("days left: %.300s", text)
	}
}

func TestSimulateListsThePeriodAndWritesNothing(t *testing.T) {
	d := newOffice(t)
	tables := append([]string{"notifications", "job_runs"}, everything...)
	before := d.rows(tables...)
	period := []string{"simulate", "--from", "2025-06-23", "--to", "2025-06-30"}

	contains(t, d.must(period...), "收件人", "2025-06-23", "王芳", "6月底支出进度达到50%", "未发送任何消息")
	list := parseJSON[rehearsed](t, d.must(append(period, "--format", "json")...))
	rows := parseCSV(t, d.must(append(period, "--format", "csv")...))
	if len(list) != len(rows)-1 || len(list) < 30 {
		t.Fatalf("%d reminders in JSON, %d in CSV", len(list), len(rows)-1)
	}
	for i, r := range list {
		if row := rows[i+1]; row[0] != r.Day.String() || row[1] != r.To || row[4] != r.Title && r.Duties == 0 {
			t.Errorf("reminder %d: %+v and %q", i, r, row)
		}
	}
	// What a digest tells is listed with it, and adds up.
	told, tells := 0, 0
	for _, r := range list {
		if r.Suppressed == models.SuppressedDigest {
			told++
		}
		if r.Template == notifier.Digest {
			tells += r.Duties
		}
	}
	if tells < 2 || told != tells {
		t.Errorf("digests tell %d reminders, %d are told in digests", tells, told)
	}
	if after := d.rows(tables...); after != before {
		t.Errorf("simulate left %d rows", after-before)
	}
	if files, _ := filepath.Glob(filepath.Join(d.dir, "outbox", "*")); len(files) > 0 {
		t.Errorf("simulate sent %v", files)
	}
	d.fails(exitUsage, []string{"早于第一天"}, "simulate", "--from", "2025-06-20", "--to", "2025-06-10")
	d.fails(exitUsage, []string{"900"}, "simulate", "--from", "2020-06-20", "--to", "2025-06-10")
}

func TestSendWritesEachMessageIntoAFileOnce(t *testing.T) {
	d := newOffice(t)
	contains(t, d.must("send"), "已发送 0")
	contains(t, d.must("send", "--sweep"), "检查 145 项", "已发送 ")
	files, err := filepath.Glob(filepath.Join(d.dir, "outbox", "*.eml"))
	all, storeErr := d.store().NotificationsAfter(t.Context(), 0)
	if err != nil || storeErr != nil {
		t.Fatal(err, storeErr)
	}
	sent, digested := 0, 0
	for _, n := range all {
		switch {
		case n.State == models.NotificationSent:
			sent++
		case n.Reason == models.SuppressedDigest && n.DigestID != 0:
			digested++
		default:
			t.Errorf("message %d is %s (%s)", n.ID, n.State, n.Reason)
		}
	}
	if len(files) != sent || sent == 0 || digested == 0 {
		t.Errorf("%d files for %d messages, %d in digests", len(files), sent, digested)
	}
	contains(t, read(t, files[0]), "To: ", "Subject:", "Message-ID: ", "text/plain", "text/html")
	if info, err := os.Stat(filepath.Join(d.dir, "outbox")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the messages name people; their folder is %v, %v", info.Mode(), err)
	}
	contains(t, d.must("send", "--sweep"), "检查 0 项", "新消息 0", "已发送 0")
	contains(t, d.must("send", "--resend-dead"), "重新排队 0 条")
}

func TestADutyOrProblemIsClosedByItsNumber(t *testing.T) {
	d := newOffice(t)
	all := parseJSON[finding](t, d.must("check", "--all", "--as-of", "2025-06-20", "--format", "json"))
	id := func(kind models.Kind) string {
		i := slices.IndexFunc(all, func(f finding) bool { return f.Kind == kind })
		return strconv.FormatInt(all[i].ID, 10)
	}
	monitoring, spending := id(models.Monitoring), id(models.SpendingTarget)

	d.must("done", monitoring, "--note", "报告已交", "--on", "2025-08-20")
	contains(t, d.must("check", "--all", "--as-of", "2025-09-01", "--format", "json"), `"settled_on": "2025-08-20"`)
	d.must("waive", spending, "--note", "项目撤销")
	left := parseJSON[finding](t, d.must("check", "--all", "--as-of", "2025-06-20", "--format", "json"))
	if len(left) != len(all)-1 {
		t.Errorf("%d duties are left of %d", len(left), len(all))
	}
	d.must("confirm", "1", "--note", "原文如此")
	var problem models.DataProblem
	if err := d.store().Read(t.Context()).Take(&problem, 1).Error; err != nil || problem.State != models.ProblemConfirmed || problem.ClosedNote != "原文如此" {
		t.Errorf("the confirmed problem: %+v, %v", problem, err)
	}

	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "不能为空", []string{"waive", spending}},
		{exitUsage, "应为数字", []string{"done", "first", "--note", "x"}},
		{exitUsage, "需要 1 个参数", []string{"confirm", "--note", "x"}},
		{exitUsage, "2025-02-30", []string{"done", monitoring, "--note", "x", "--on", "2025-02-30"}},
		{exitUsage, "不晚于今天", []string{"done", monitoring, "--note", "x", "--on", "2999-01-01"}},
		{exitFailed, "没有这条记录", []string{"done", "999", "--note", "x"}},
		{exitFailed, "没有这条记录", []string{"waive", "999", "--note", "x"}},
		{exitFailed, "没有这条记录", []string{"confirm", "999", "--note", "x"}},
		{exitFailed, "以支出记录为准", []string{"done", id(models.SpendingTarget), "--note", "x"}},
		{exitFailed, "已不再要求", []string{"done", waivedMonitoring(t, d, all), "--note", "x"}},
	} {
		d.fails(c.code, []string{c.says}, c.args...)
	}
	contains(t, d.must("audit", "verify"), "审计链完整")
}

// waivedMonitoring waives the last monitoring duty and returns its number.
func waivedMonitoring(t *testing.T, d *desk, all []finding) string {
	t.Helper()
	for _, f := range slices.Backward(all) {
		if f.Kind == models.Monitoring {
			number := strconv.FormatInt(f.ID, 10)
			d.must("waive", number, "--note", "并入其他项目")
			return number
		}
	}
	t.Fatal("no monitoring duty")
	return ""
}

func TestAuditVerifyFindsAnEdit(t *testing.T) {
	d := newOffice(t)
	contains(t, d.must("audit", "verify"), "审计链完整，共 ")
	s := d.store()
	if err := s.Read(t.Context()).Exec("UPDATE audit_entries SET detail = '{}' WHERE seq = 7").Error; err != nil {
		t.Fatal(err)
	}
	d.fails(exitFailed, []string{"第 7 条", "edited"}, "audit", "verify")
}

func TestSchedulesAreShownCheckedAndChanged(t *testing.T) {
	d := newDesk(t)
	contains(t, d.must("schedule", "list"), "sweep  30 8 * * *  Asia/Shanghai  启用", " 08:30 ")
	contains(t, d.must("schedule", "preview", "0 9 1 * *"), "-01 09:00 ")
	contains(t, d.must("schedule", "preview", "0 9 1 * 1"), "注意：", "满足其一")
	for expression, want := range map[string]string{
		"TZ=UTC 0 9 * * *": "时区", "TZ=Asia/Shanghai": "时区", "0 9 L * *": "不支持 L", "@every 1h": "不支持 @every",
		"0 9 31 2 *": "永远不会到来", "30 8": "五段", "61 8 * * *": "无法识别",
	} {
		d.fails(exitUsage, []string{want}, "schedule", "preview", expression)
		d.fails(exitUsage, []string{want}, "schedule", "set", "sweep", expression)
	}
	d.fails(exitUsage, []string{"Mars/Base"}, "schedule", "preview", "0 9 * * *", "--zone", "Mars/Base")
	d.fails(exitUsage, []string{`"nosuch"`}, "schedule", "set", "nosuch", "0 9 * * *")

	d.must("schedule", "set", "sweep", "0 7 * * *", "--zone", "Asia/Tokyo", "--enabled=false")
	contains(t, d.must("schedule", "list"), "sweep  0 7 * * *  Asia/Tokyo  停用", " 07:00 ")
	d.must("schedule", "set", "sweep", "15 7 * * *") // what is not said stays
	contains(t, d.must("schedule", "list"), "sweep  15 7 * * *  Asia/Tokyo  停用")

	// One that was spoiled by hand does not hide the others.
	if err := d.store().Read(t.Context()).Exec("UPDATE schedules SET cron = 'L', job = 'a' WHERE job = 'sweep'").Error; err != nil {
		t.Fatal(err)
	}
	err := d.store().Tx(t.Context(), "tester", func(tx *models.Tx) error {
		return tx.SaveSchedule(&models.Schedule{Job: "b", Cron: "5 5 * * *", TimeZone: "Asia/Shanghai", Enabled: true, Misfire: models.MisfireSkip})
	})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, d.must("schedule", "list"), "a  L  Asia/Tokyo", "不支持 L", "b  5 5 * * *", " 05:05 ")
}

func TestMigrateTellsAndRaisesTheVersion(t *testing.T) {
	d := newDesk(t)
	contains(t, d.must("migrate", "--status"), "数据库结构版本 0，本程序 ")
	contains(t, d.must("migrate"), "数据库结构版本 4，本程序 4")
	contains(t, d.must("migrate", "--status"), "数据库结构版本 4，本程序 4")

	// A newer program has been here: this one keeps its hands off.
	if err := d.store().Read(t.Context()).Exec("INSERT INTO schema_versions (version_id, is_applied, tstamp) VALUES (99, 1, '2026-01-01')").Error; err != nil {
		t.Fatal(err)
	}
	contains(t, d.must("migrate", "--status"), "数据库结构版本 99，本程序 4")
	d.environ = append(d.environ, "DUBAN_SERVER_LISTEN=127.0.0.1:0")
	for _, args := range [][]string{{"migrate"}, {"check"}, {"serve"}, {"send", "--sweep"}} {
		d.fails(exitFailed, []string{"版本 99", "较新的 duban"}, args...)
	}
}

func TestConfigCheckSaysWhatHoldsAndWhatIsWrong(t *testing.T) {
	d := newDesk(t)
	const secret = "hunter2-correct-horse"
	bad := d.file("bad.yaml", "database:\n  driver: sqlite\nmail:\n  host: smtp.example.cn\n  from: a@example.cn\n  port: many\n  password: "+secret+"\n  pasword: x\n")
	d.fails(exitUsage, []string{bad, "6", "mail.port", "8", "mail.pasword"}, "--config", bad, "config", "check")
	d.fails(exitUsage, []string{"nosuch.yaml", "文件不存在"}, "--config", filepath.Join(d.dir, "nosuch.yaml"), "check")
	d.fails(exitUsage, []string{"server.listen"}, "--config", d.file("open.yaml", "server:\n  listen: 0.0.0.0:8080\n"), "serve")

	good := d.file("good.yaml", "mail:\n  host: smtp.example.cn\n  from: a@example.cn\n  username: a\n  password: "+secret+"\n")
	mysql := []string{"DUBAN_DATABASE_DRIVER=mysql", "DUBAN_DATABASE_DSN=duban:" + secret + "@tcp(127.0.0.1:1)/duban?timeout=1s"}
	for _, environ := range [][]string{d.environ, mysql} {
		code, out, errOut := duban(t, environ, "--config", good, "config", "check")
		if code != exitOK {
			t.Errorf("exit %d: %s", code, errOut)
		}
		said := []string{out}
		contains(t, out, "mail.host: smtp.example.cn  # "+good+":2\n", "mail.password: ******", "DUBAN_DATABASE_DSN", "outbox.workers: 2  # 默认值")
		for _, args := range [][]string{{"--config", bad, "config", "check"}, {"--config", good, "check"}, {"--config", good, "serve"}} {
			if args[2] != "config" && environ[0] != mysql[0] {
				continue
			}
			code, out2, errOut := duban(t, environ, args...)
			if code == exitOK {
				t.Errorf("%v: exit 0", args)
			}
			said = append(said, out2, errOut)
		}
		if out := strings.Join(said, "\n"); strings.Contains(out, secret) {
			t.Errorf("the password is shown:\n%s", out)
		}
	}
}

func TestTheCommandLineIsJudgedBeforeAnythingIsDone(t *testing.T) {
	d := newDesk(t)
	for _, args := range [][]string{
		{"fly"},
		{"schedule", "fly"},
		{"config", "fly"},
		{"audit", "fly"},
		{"check", "--fly"},
		{"--fly"},
		{"check", "now"},
		{"import"},
		{"serve", "--as-of", "x"},
		{"version", "--language", "fr"},
		{"check", "--within", "soon"},
		{"import", "--unit", "亿元", sampleDir + "targets-2025.txt"},
		{"demo", "--as-of", "2024-01-01"},
		{"demo", "--dir", sampleDir},
		{"demo", "--listen", "nowhere"},
	} {
		code, _, errOut := duban(t, d.environ, args...)
		if code != exitUsage || errOut == "" || strings.Contains(errOut, "usage") {
			t.Errorf("duban %s: exit %d, %q; want exit 2 and a reason", strings.Join(args, " "), code, errOut)
		}
	}
	if code, _, _ := duban(t, []string{"DUBAN_NO_SUCH=1"}, "config", "check"); code != exitUsage {
		t.Errorf("an unknown variable: exit %d", code)
	}
	for _, group := range []string{"schedule", "config", "audit"} {
		contains(t, d.must(group), "Available Commands")
	}
	contains(t, d.must("version"), "duban ")
	contains(t, d.must("completion", "bash"), "bash completion", "__start_duban")
	contains(t, d.must("__complete", "sch"), "schedule")
}

func TestEnglishIsSpokenWhereItIsAskedFor(t *testing.T) {
	d := newDesk(t)
	contains(t, d.must("--help"), "督办")
	contains(t, d.must("--language", "en", "--help"), "imports, checks and reminds")
	contains(t, d.must("import", "--language=en", sampleDir+"targets-2025.txt"), "19 projects, 108 indicators, budget 774.85", "cumulative target 122.42", "8 blank cells: no target", "imported: 19 added")
	contains(t, must(t, append(d.environ, "DUBAN_LANGUAGE=en"), "check", "--as-of", "2025-06-20"), "DAYS LEFT", "overdue", "as of 2025-06-20")
	contains(t, d.must("simulate", "--language", "en", "--from", "2025-06-20", "--to", "2025-06-21"), "nothing was sent")
	contains(t, d.must("audit", "verify", "--language", "en"), "the chain is intact")
	d.fails(exitUsage, []string{"needs 1 arguments, got 0"}, "--language", "en", "done")
}

func TestACommandThatIsInterruptedDoesNotPassForDone(t *testing.T) {
	d := newDesk(t)
	d.must("import", sampleDir+"targets-2025.txt")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut strings.Builder
	if code := run(ctx, []string{"import", sampleDir + "payments-2025.csv"}, &out, &errOut, d.environ); code != exitFailed {
		t.Errorf("exit %d, %s", code, errOut.String())
	}
	contains(t, errOut.String(), "已中断")
	if n := d.rows("payments"); n != 0 {
		t.Errorf("%d payments are stored", n)
	}
}
