package api_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"duban/models"
	"duban/models/calendar"
)

// pages are the addresses of every page over the seed.
var pages = []string{
	"/", "/projects", "/projects/1", "/projects/3", "/projects/6", "/obligations", "/obligations?state=late", "/obligations/1",
	"/messages", "/messages?state=dead", "/messages/1", "/problems", "/problems?state=confirmed",
}

var (
	tag    = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// words returns the text of a page as a reader sees it.
func words(w *httptest.ResponseRecorder) string {
	return spaces.ReplaceAllString(tag.ReplaceAllString(w.Body.String(), " "), " ")
}

func TestEveryPageShowsInBothLanguages(t *testing.T) {
	s := newStore(t)
	seed(t, s)
	h := newConsole(t, s)
	for _, page := range pages {
		for _, lang := range []string{"", "en"} {
			target := page
			if lang != "" {
				target += map[bool]string{true: "&", false: "?"}[strings.Contains(page, "?")] + "lang=" + lang
			}
			w := get(h, target)
			if w.Code != http.StatusOK {
				t.Errorf("GET %s: %d\n%s", target, w.Code, words(w))
				continue
			}
			checkPage(t, target, w)
			if lang == "en" && !strings.Contains(w.Body.String(), `href="/projects?lang=en"`) {
				t.Errorf("GET %s: links forget the language", target)
			}
		}
	}
}

// checkPage looks for what no page may contain.
func checkPage(t *testing.T, target string, w *httptest.ResponseRecorder) {
	t.Helper()
	// A token is as good as random, so it may spell anything.
	body := regexp.MustCompile(`/links/[A-Za-z0-9_-]+`).ReplaceAllString(w.Body.String(), "/links/")
	for _, wrong := range []string{"NaN", "Inf", "%!", "<no value>", " style=", "<script", "ZgotmplZ", "<nil>"} {
		if strings.Contains(body, wrong) {
			t.Errorf("GET %s contains %q", target, wrong)
		}
	}
	if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("GET %s: headers are %v", target, w.Header())
	}
}

func TestAnEmptyDatabaseTellsTheNextStep(t *testing.T) {
	h := newConsole(t, newStore(t))
	for _, page := range []string{"/", "/projects", "/obligations"} {
		w := get(h, page)
		if text := words(w); w.Code != http.StatusOK || !strings.Contains(text, "duban import 文件") {
			t.Errorf("GET %s: %d %s", page, w.Code, text)
		}
		checkPage(t, page, w)
	}
	for _, page := range []string{"/messages", "/problems"} {
		checkPage(t, page, get(h, page))
	}
}

func TestTheOverviewSaysWhereWeStand(t *testing.T) {
	s := newStore(t)
	seed(t, s)
	text := words(get(newConsole(t, s), "/"))
	for _, want := range []string{
		"演示模式", "2025年6月20日 周五", "支出数据截至 2025-06-15", "还没有检查过",
		"累计支出 906.00 万元",   // exactly what was paid, a refund included
		"50% 18.8% 182.50", // 办公楼: paid of 585, and what 50 % still needs
		"张建国", "逾期 81 天",   // who is late
		"休息日，最后工作日 2025-06-27", // the 28th is a Saturday
		"3,238.7925",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestMissingHolidaysAreReported(t *testing.T) {
	s := newStore(t)
	if text := words(get(newConsole(t, s), "/")); strings.Contains(text, "放假安排") {
		t.Errorf("2025 is known, yet %s", text)
	}
	if text := words(get(consoleOn(t, s, calendar.MustDate(2031, time.March, 3)), "/")); !strings.Contains(text, "缺少 2031 年的放假安排") {
		t.Errorf("2031 is not known, yet %s", text)
	}
}

func TestPublishedTextsAreNeverMarkup(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=y>'`
	s := newStore(t)
	facts := models.Reminder{
		Kind: models.SpendingTarget, Title: evil, UnitName: evil, ProjectName: evil, ProjectCode: evil, DueOn: today, AsOf: today,
		DueOnHoliday: evil, Light: models.Light(evil), Audience: models.Audience(evil), Source: evil,
	}
	write(t, s,
		&models.Unit{Code: evil, Name: evil},
		&models.User{Account: "a", Name: evil, Roles: []models.Role{models.RoleOwner}, Active: true},
		&models.Project{FiscalYear: 2025, Code: "<b>", Name: evil, UnitID: 1, Budget: 100, Purpose: evil, Goal: evil, OwnerID: 1, ManagerID: 1, State: models.ProjectActive},
		&models.Target{ProjectID: 1, DueOn: checkpoints[0], Label: evil, Percent: 1},
		&models.Indicator{ProjectID: 1, Sequence: 1, Level1: evil, Level2: evil, Level3: evil, Description: evil, ValueText: evil, Basis: evil, Recurrence: "<i>"},
		&models.Payment{ProjectID: 1, PaidOn: today, Amount: 1, VoucherNo: "<u>", Payee: evil, Summary: evil, AsOf: today},
		&models.Obligation{
			Subject: "p1", UnitID: 1, ProjectID: 1, FiscalYear: 2025, Kind: "<kind>", Title: evil, DueOn: today, State: models.StateOpen,
			Light: "<light>", Source: evil, DoneOn: today, DoneBy: evil, DoneNote: evil,
		},
		&models.Obligation{Subject: "u1", UnitID: 1, FiscalYear: 2025, Kind: models.Custom, Title: evil, DueOn: calendar.MustDate(2025, time.January, 1), State: models.StateMissed, Light: models.Red},
		&models.Notification{
			DedupKey: evil, ObligationID: 1, RecipientID: 1, Channel: "<ch>", Day: today, Template: "<t>", Payload: facts,
			State: "<state>", Reason: evil, LastError: evil, ProviderID: evil, NextAttemptAt: today.At(8, 0),
		},
		&models.DataProblem{Fingerprint: "f", UnitID: 1, ProjectID: 1, FiscalYear: 2025, Code: evil, Field: evil, Value: evil, Message: evil, File: evil, State: models.ProblemOpen, ClosedNote: evil},
	)
	h := newConsole(t, s)
	for _, page := range []string{
		"/", "/projects", "/projects/1", "/obligations", "/obligations/1", "/messages", "/messages/1", "/problems",
		"/projects?after=" + "%22%3E%3Cscript%3E", "/?lang=%3Cscript%3E", "/obligations?state=%3Cscript%3E",
	} {
		body := get(h, page).Body.String()
		for _, raw := range []string{"<script", "<img", "<light>", "<kind>", "<ch>", "<t>", "<state>"} {
			if strings.Contains(body, raw) {
				t.Errorf("GET %s lets %s through", page, raw)
			}
		}
		if page[1:] != "" && !strings.Contains(page, "?") && !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("GET %s does not show the published text", page)
		}
	}
}

func TestBadAddressesGetAReadablePage(t *testing.T) {
	s := newStore(t)
	seed(t, s)
	h := newConsole(t, s)
	for target, want := range map[string]struct {
		code int
		text string
	}{
		"/obligations?state=done":         {400, `参数 state 的值 &#34;done&#34; 不对，应为：late, open, met, missed, waived`},
		"/obligations?kind=x":             {400, "参数 kind"},
		"/obligations?light=x":            {400, "参数 light"},
		"/obligations?after=x":            {400, "2025-06-30.42"},
		"/obligations?after=2025-02-30.1": {400, "参数 after"},
		"/messages?state=x":               {400, "参数 state"},
		"/messages?before=-1":             {400, "参数 before"},
		"/problems?after=x":               {400, "参数 after"},
		"/?year=x":                        {400, "参数 year"},
		"/?year=99999":                    {400, "参数 year"},
		"/?lang=fr":                       {400, "zh-CN, en"},
		"/obligations?state=x&lang=en":    {400, "expected: late"},
		"/projects/999":                   {404, "没有这条记录"},
		"/projects/x":                     {404, "没有这个页面"},
		"/messages/999":                   {404, "没有这条记录"},
		"/obligations/0":                  {404, "没有这个页面"},
		"/nothing":                        {404, "没有这个页面"},
	} {
		w := get(h, target)
		if w.Code != want.code || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("GET %s: %d %s", target, w.Code, words(w))
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/projects", nil)
	r.Host = "localhost:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed || !strings.Contains(words(w), "只能查看") {
		t.Errorf("POST: %d %s", w.Code, words(w))
	}
}

func TestYearsWithoutDataAreEmptyPages(t *testing.T) {
	s := newStore(t)
	seed(t, s)
	h := newConsole(t, s)
	for _, target := range []string{"/?year=2031", "/?year=1", "/?year=9998", "/projects?year=2031"} {
		w := get(h, target)
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d", target, w.Code)
		}
		checkPage(t, target, w)
	}
}
