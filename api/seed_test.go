package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/api"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
	"duban/notifier"
)

// today is the day on which the tests look at the console.
var today = calendar.MustDate(2025, time.June, 20)

func testClock() clockwork.Clock { return clockwork.NewFakeClockAt(today.At(9, 0)) }

// newStore returns a store on a new SQLite database.
func newStore(t *testing.T) *models.Store {
	t.Helper()
	return modelstest.Open(t, models.SQLite, testClock())
}

// newConsole returns the console over the store, as of today.
func newConsole(t *testing.T, s *models.Store) http.Handler {
	t.Helper()
	return consoleOn(t, s, today)
}

func consoleOn(t *testing.T, s *models.Store, day calendar.Date) http.Handler {
	t.Helper()
	templates, err := notifier.NewTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	return api.New(api.Options{
		Store: s, Clock: clockwork.NewFakeClockAt(day.At(9, 0)), Logger: slog.New(slog.DiscardHandler), Library: notifier.NewLibrary(templates, s, slog.New(slog.DiscardHandler)),
		Version: "test", Notice: "演示模式：时钟停在 2025-06-20",
	})
}

// get asks for a page as a browser on this machine does.
func get(h http.Handler, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "127.0.0.1:8080"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wan is an amount in 万元.
func wan(n int64) money.Fen { return money.Fen(n) * money.Fen(money.TenThousand) }

func write(t *testing.T, s *models.Store, records ...any) {
	t.Helper()
	err := s.Tx(t.Context(), "test", func(tx *models.Tx) error {
		for _, r := range records {
			if err := tx.Create(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// plan describes a project of the seed by its checkpoints and payments.
type plan struct {
	name    string
	budget  money.Fen
	percent [4]int64 // at the end of March, June, October and December; −1 is blank
	paid    []money.Fen
	light   models.Light // of its checkpoints; not green means that March was missed
}

var checkpoints = []calendar.Date{
	calendar.MustDate(2025, time.March, 31), calendar.MustDate(2025, time.June, 30),
	calendar.MustDate(2025, time.October, 31), calendar.MustDate(2025, time.December, 31),
}

// seed fills the store with a unit as a bureau would have it in June.
func seed(t *testing.T, s *models.Store) {
	t.Helper()
	unit := &models.Unit{Code: "603001", Name: "唐山市住房公积金管理中心"}
	people := []*models.User{
		{Account: "zhang", Name: "张建国", Email: "zhang@example.cn", Language: models.Chinese, UnitID: 1, Roles: []models.Role{models.RoleOwner}, Active: true},
		{Account: "li", Name: "李秀英", Email: "li@example.cn", Language: models.Chinese, UnitID: 1, Roles: []models.Role{models.RoleManager}, Active: true},
	}
	write(t, s, unit, people)
	for i, p := range []plan{
		{"办公楼运转经费", wan(585), [4]int64{20, 50, 82, 100}, []money.Fen{wan(60), wan(30), wan(20)}, models.Blue},
		{"住房公积金归集业务委托手续费及银行结算系统使用服务费用", wan(1250) + 5_292_500, [4]int64{25, 50, 80, 100}, []money.Fen{wan(310), wan(330)}, models.Green},
		{"信息系统运行维护与网络安全等级保护测评", wan(774) + 8_500_000, [4]int64{20, 60, 90, 100}, []money.Fen{wan(20)}, models.Yellow},
		{"聘用人员经费", wan(320), [4]int64{-1, 50, 83, 100}, []money.Fen{wan(80), wan(27), wan(27)}, models.Green},
		{"代编项目（待细化）", wan(200), [4]int64{-1, -1, -1, 100}, nil, models.Green},
		{"无预算课题", 0, [4]int64{-1, -1, -1, 100}, nil, models.Green},
		{"档案数字化", wan(96), [4]int64{40, 70, 100, -1}, []money.Fen{wan(3), -wan(1)}, models.Red},
	} {
		seedProject(t, s, int64(i+1), p)
	}
	write(t, s, []*models.Obligation{{
		Subject: models.UnitSubject(unit.ID), UnitID: unit.ID, FiscalYear: 2025, Kind: models.Refinement, Title: "6月底前细化代编预算：" + unit.Name,
		DueOn: checkpoints[1], State: models.StateOpen, Light: models.Green, Source: "代编预算应于6月底前细化到具体单位和项目",
	}, {
		Subject: models.ProjectSubject(4), UnitID: unit.ID, ProjectID: 4, FiscalYear: 2025, Kind: models.Recurring, PeriodFrom: calendar.MustDate(2025, time.June, 1),
		Title: "聘用人员工资发放：6月（按月发放）", DueOn: calendar.MustDate(2025, time.June, 28), State: models.StateOpen, Light: models.Green,
	}}, []*models.DataProblem{
		{
			Fingerprint: "a", UnitID: 1, ProjectID: 3, FiscalYear: 2025, Code: "deadline_outside_year", Field: "时效指标", Value: "2024年10月22日",
			Message: "完成时限不在预算年度内，请核对年份", File: "tangshan-hpf-2025.txt", Line: 418, State: models.ProblemOpen,
		},
		{
			Fingerprint: "b", UnitID: 1, ProjectID: 5, FiscalYear: 2025, Code: "plan_blank", Field: "资金支出计划", Value: "",
			Message: "只列出了12月底的进度", File: "tangshan-hpf-2025.txt", Line: 733, State: models.ProblemOpen,
		},
	})
	seedMessages(t, s)
}

func seedProject(t *testing.T, s *models.Store, id int64, p plan) {
	t.Helper()
	write(t, s, &models.Project{
		FiscalYear: 2025, Code: fmt.Sprintf("13020025P%03d", id), Name: p.name, UnitID: 1, Budget: p.budget, Fiscal: p.budget,
		Purpose: "保障中心日常运转，支付水、电、取暖、物业等费用。", Goal: "保障机关正常运转。\n按时支付各项费用。",
		OwnerID: id % 3, ManagerID: 2, State: models.ProjectActive, Placeholder: p.percent[1] < 0,
	}, &models.Indicator{
		ProjectID: id, Sequence: 1, Level1: "产出指标", Level2: "时效指标", Level3: "完成时间", Description: "项目完成时间",
		ValueText: "2025年12月15日前", Basis: "合同约定", DueOn: calendar.MustDate(2025, time.December, 15),
	}, &models.Indicator{
		ProjectID: id, Sequence: 2, Level1: "满意度指标", Level2: "服务对象满意度", Level3: "职工满意度", Description: "职工对服务的满意程度",
		ValueText: "≥95%", Comparator: "≥", Number: "95", NumberUnit: "%", Basis: "历史标准",
	})
	labels := []string{"3月底", "6月底", "10月底", "12月底"}
	for i, percent := range p.percent {
		if percent < 0 {
			continue
		}
		share := money.PercentOf(percent)
		o := models.Obligation{
			Subject: models.ProjectSubject(id), UnitID: 1, ProjectID: id, FiscalYear: 2025, Kind: models.SpendingTarget,
			Title: labels[i] + "支出进度达到" + share.String(), DueOn: checkpoints[i], Percent: share, Amount: share.Of(p.budget),
			State: models.StateOpen, Light: p.light, Source: "资金支出计划 " + labels[i] + " " + share.String(), CheckedOn: today,
		}
		if i == 0 {
			o.State, o.SettledOn = models.StateMet, calendar.MustDate(2025, time.March, 20)
			if p.light != models.Green {
				o.State, o.SettledOn = models.StateMissed, calendar.Date{}
			}
		}
		write(t, s, &models.Target{ProjectID: id, DueOn: o.DueOn, Label: labels[i], Percent: share}, &o)
	}
	write(t, s, &models.Obligation{
		Subject: models.ProjectSubject(id), UnitID: 1, ProjectID: id, FiscalYear: 2025, Kind: models.Completion,
		Title: "完成时间：2025年12月15日", DueOn: calendar.MustDate(2025, time.December, 15), State: models.StateOpen, Light: models.Green,
	})
	for i, amount := range p.paid {
		write(t, s, &models.Payment{
			ProjectID: id, PaidOn: calendar.MustDate(2025, time.Month(1+2*i), 18), Amount: amount, VoucherNo: fmt.Sprintf("2025-%d-%03d", id, i+1),
			Payee: "河北某物业服务有限公司", Summary: "物业服务费", AsOf: calendar.MustDate(2025, time.June, 15),
		})
	}
}

func seedMessages(t *testing.T, s *models.Store) {
	t.Helper()
	sent := today.At(8, 31)
	facts := models.Reminder{
		Kind: models.SpendingTarget, Title: "6月底支出进度达到50%", UnitName: "唐山市住房公积金管理中心", ProjectName: "办公楼运转经费",
		ProjectCode: "13020025P001", ProjectID: 1, FiscalYear: 2025, DueOn: checkpoints[1], AsOf: today, DaysLeft: 10, Light: models.Blue,
		Budget: wan(585), Paid: wan(110), Plan: money.PercentOf(50), Actual: 188_000, Missing: wan(182) + 500_000,
		Audience: models.ToOwner, Source: "资金支出计划 6月底 50%",
	}
	for i, m := range []models.Notification{
		{State: models.NotificationSent, SentAt: &sent, Attempts: 1, ProviderID: "<1.abc@duban>"},
		{State: models.NotificationFailed, Attempts: 2, LastError: "454 4.7.1 relay not permitted, try again later"},
		{State: models.NotificationSuppressed, Reason: models.SuppressedStale},
		{State: models.NotificationDead, Attempts: 9, Uncertain: 1, LastError: "550 5.1.1 no such user"},
	} {
		m.DedupKey = fmt.Sprintf("o%d|r1|2025-06-30|-10|0|u1|email", i+1)
		m.ObligationID, m.RecipientID, m.Channel, m.Day, m.Template = int64(i+1), 1, models.ChannelEmail, today, "reminder_before"
		m.Language, m.Payload, m.NextAttemptAt = models.Chinese, facts, today.At(8, 30).UTC()
		write(t, s, &m)
	}
}
