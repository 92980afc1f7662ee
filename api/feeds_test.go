package api_test

import (
	"bytes"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"duban/api"
	"duban/models"
	"duban/workflows"
)

var feedPath = regexp.MustCompile(`value="https?://[^/"]+(/feeds/[a-z2-7]{52}\.ics)"`)

// subscribe makes a feed and returns where it is.
func (v *visitor) subscribe(unit int64) string {
	v.b.t.Helper()
	scope := ""
	if unit != 0 {
		scope = itoa(unit)
	}
	w := v.post("/feeds", url.Values{"unit": {scope}})
	m := feedPath.FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || m == nil {
		v.b.t.Fatalf("%d %s", w.Code, words(w))
	}
	return m[1]
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// event is one event of a calendar: its properties by name.
type event map[string]string

// calendarOf asks for a feed as a calendar program does, without a session,
// and reads the answer.
func (b *bureau) calendarOf(path string) (name string, events []event) {
	b.t.Helper()
	w := b.visitor().get(path)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/calendar; charset=utf-8" {
		b.t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	text := strings.ReplaceAll(w.Body.String(), "\r\n ", "")
	plain := strings.NewReplacer(`\n`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`)
	var current event
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		property, value, _ := strings.Cut(line, ":")
		switch {
		case line == "BEGIN:VEVENT":
			current = event{}
		case line == "END:VEVENT":
			events = append(events, current)
			current = nil
		case current != nil:
			current[property] = plain.Replace(value)
		case property == "X-WR-CALNAME":
			name = value
		}
	}
	if !strings.HasPrefix(text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:") || !strings.HasSuffix(text, "END:VCALENDAR\r\n") {
		b.t.Errorf("no calendar: %s", text)
	}
	return name, events
}

// find returns the event with a UID.
func find(t *testing.T, events []event, uid string) event {
	t.Helper()
	for _, e := range events {
		if e["UID"] == uid {
			return e
		}
	}
	t.Errorf("no %s among %d events", uid, len(events))
	return nil
}

func onDuban(o *api.Options) { o.BaseURL = "https://duban.example.cn" }

func TestAPersonsDutiesAreInTheirCalendar(t *testing.T) {
	b := newBureau(t, onDuban)
	owner := b.as("owner")
	expect(t, owner.get("/feeds"), http.StatusOK, "没有订阅", "我经办、负责的事项和待办时限")
	w := owner.post("/feeds", url.Values{"unit": {""}})
	expect(t, w, http.StatusOK, "地址只显示这一次")
	m := feedPath.FindStringSubmatch(w.Body.String())
	if m == nil || !strings.Contains(w.Body.String(), `href="webcal://duban.example.cn`+m[1]) {
		t.Fatalf("%s", w.Body)
	}
	checkPage(t, "/feeds", w)
	if page := owner.get("/feeds").Body.String(); strings.Contains(page, m[1]) {
		t.Error("the address is shown again")
	}
	name, events := b.calendarOf(m[1])
	if name != "督办 · 王芳" || len(events) != len(b.dutiesInWindow()) {
		t.Fatalf("%s: %d events, want %d", name, len(events), len(b.dutiesInWindow()))
	}
	duty := b.duties[models.SpendingTarget] // missed on 30 June
	e := find(t, events, fmt.Sprintf("obligation-%d@duban", duty.ID))
	for property, want := range map[string]string{
		"DTSTART;VALUE=DATE": "20250630", "TRANSP": "TRANSPARENT", "SEQUENCE": itoa(duty.Version),
		"URL":     fmt.Sprintf("https://duban.example.cn/obligations/%d", duty.ID),
		"SUMMARY": "[支出进度] 住房公积金归集业务委托手续费及银行结算系统使用服务费用：6月底支出进度达到50%",
		"DTSTAMP": duty.UpdatedAt.UTC().Format("20060102T150405Z"),
	} {
		if e[property] != want {
			t.Errorf("%s is %q, want %q", property, e[property], want)
		}
	}
	for _, want := range []string{"计划：50%", "实际：18.8%", "尚需支出：182.50 万元", "经办人：王芳", "公开原文：资金支出计划 6月底 50%"} {
		if !strings.Contains(e["DESCRIPTION"], want) {
			t.Errorf("%q is missing in %q", want, e["DESCRIPTION"])
		}
	}
	// What waits for a decision, with its limit.
	in := b.open("corrective_action", models.SpendingTarget)
	task := in.State.OpenTasks()[0]
	_, events = b.calendarOf(m[1])
	e = find(t, events, fmt.Sprintf("task-%d-%d@duban", in.ID, task.ID))
	if e["DTSTART;VALUE=DATE"] != strings.ReplaceAll(task.DueOn.String(), "-", "") || !strings.HasPrefix(e["SUMMARY"], "[办理时限] 支出纠偏：") ||
		e["URL"] != fmt.Sprintf("https://duban.example.cn/instances/%d", in.ID) {
		t.Errorf("%v", e)
	}
	// A settled one stays for a month, with a tick, and then goes.
	done := b.duties[models.Completion]
	uid := fmt.Sprintf("obligation-%d@duban", done.ID)
	done.State, done.SettledOn = models.StateMet, b.store.Today()
	if err := b.store.Tx(t.Context(), "system", func(tx *models.Tx) error { return tx.SaveChecked([]models.Obligation{done}) }); err != nil {
		t.Fatal(err)
	}
	_, events = b.calendarOf(m[1])
	if e := find(t, events, uid); !strings.HasPrefix(e["SUMMARY"], "✓ ") || e["CATEGORIES"] != "" || e["SEQUENCE"] != itoa(done.Version+1) {
		t.Errorf("%v", e)
	}
	b.clock.Advance(31 * 24 * time.Hour)
	_, events = b.calendarOf(m[1])
	for _, e := range events {
		if e["UID"] == uid {
			t.Error("what was settled a month ago is still there")
		}
	}
	// Somebody who answers for nothing has an empty calendar, not an error.
	if _, events := b.calendarOf(b.as("stranger").subscribe(0)); len(events) != 0 {
		t.Errorf("%d events of others", len(events))
	}
	if _, events := b.calendarOf(b.as("manager").subscribe(0)); len(events) == 0 {
		t.Error("the manager of the project sees nothing")
	}
	b.change("owner", func(u *models.User) { u.Language = models.English })
	if name, events := b.calendarOf(m[1]); name != "Duban · 王芳" || !strings.HasPrefix(events[0]["SUMMARY"], "[") || strings.Contains(events[0]["SUMMARY"], "支出进度]") {
		t.Errorf("in English: %s %v", name, events[0])
	}
}

// dutiesInWindow are the duties that calendars show.
func (b *bureau) dutiesInWindow() []models.Obligation {
	b.t.Helper()
	var all []models.Obligation
	err := b.store.Read(b.t.Context()).Where("due_on BETWEEN ? AND ?", b.store.Today().AddDays(-90), b.store.Today().AddDays(400)).Find(&all).Error
	if err != nil || len(all) < 5 {
		b.t.Fatalf("%d duties, %v", len(all), err)
	}
	return all
}

func TestAUnitsCalendarIsForThoseWhoSeeTheUnit(t *testing.T) {
	b := newBureau(t)
	unit, other := b.people["owner"].UnitID, b.people["stranger"].UnitID
	for _, account := range []string{"owner", "manager", "stranger"} {
		expect(t, b.as(account).post("/feeds", url.Values{"unit": {itoa(unit)}}), http.StatusForbidden)
		if strings.Contains(b.as(account).get("/feeds").Body.String(), "全部事项") {
			t.Errorf("%s is offered a unit's duties", account)
		}
	}
	clerk := b.as("clerk")
	expect(t, clerk.post("/feeds", url.Values{"unit": {itoa(other)}}), http.StatusForbidden)
	expect(t, b.as("admin").post("/feeds", url.Values{"unit": {"99"}}), http.StatusNotFound)
	path := clerk.subscribe(unit)
	name, events := b.calendarOf(path)
	if name != "督办 · 唐山市住房公积金管理中心" || len(events) != len(b.dutiesInWindow()) {
		t.Errorf("%s: %d events", name, len(events))
	}
	if _, events := b.calendarOf(b.as("admin").subscribe(other)); len(events) != 0 {
		t.Errorf("another unit's calendar has %d events of the first", len(events))
	}
	// It is judged anew each time: first the role is gone, then the unit.
	gone := func(change func(*models.User)) {
		t.Helper()
		was := b.person("clerk")
		b.change("clerk", change)
		expect(t, b.visitor().get(path), http.StatusNotFound)
		expect(t, b.as("clerk").get("/feeds"), http.StatusOK, "已无权查看")
		b.change("clerk", func(u *models.User) { u.Roles, u.UnitID = was.Roles, was.UnitID })
		b.calendarOf(path)
	}
	gone(func(u *models.User) { u.Roles = []models.Role{models.RoleOwner} })
	gone(func(u *models.User) { u.UnitID = other })
	b.change("clerk", func(u *models.User) { u.Active = false })
	expect(t, b.visitor().get(path), http.StatusNotFound)
}

func TestAFeedIsTakenBack(t *testing.T) {
	b := newBureau(t)
	owner := b.as("owner")
	path := owner.subscribe(0)
	expect(t, owner.get("/feeds"), http.StatusOK, "最近读取", "还没有")
	b.calendarOf(path)
	expect(t, owner.get("/feeds"), http.StatusOK, "2025-07-01 09:00")
	expect(t, b.as("manager").post("/feeds/1/revoke", nil), http.StatusNotFound)
	expect(t, b.as("admin").post("/feeds/1/revoke", nil), http.StatusNotFound)
	expect(t, owner.post("/feeds/1/revoke", nil), http.StatusSeeOther, "/feeds")
	expect(t, b.visitor().get(path), http.StatusNotFound)
	expect(t, owner.get("/feeds"), http.StatusOK, "没有订阅")
	for range models.MaxFeeds {
		owner.subscribe(0)
	}
	w := owner.post("/feeds", nil)
	expect(t, w, http.StatusUnprocessableEntity, "最多 10 个订阅")
	if feedPath.MatchString(w.Body.String()) {
		t.Error("an address is shown")
	}
	for _, strange := range []string{"/feeds/x.ics", "/feeds/.ics", "/feeds/" + strings.Repeat("a", 52) + ".ics", strings.TrimSuffix(path, ".ics"), "/feeds/" + strings.Repeat("a", 5000) + ".ics"} {
		expect(t, b.visitor().get(strange), http.StatusNotFound)
	}
	expect(t, b.visitor().get("/feeds"), http.StatusSeeOther, "/login")
}

func TestACalendarProgramAsksForWhatIsNew(t *testing.T) {
	var log bytes.Buffer
	b := newBureau(t, func(o *api.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	path := b.as("owner").subscribe(0)
	v := b.visitor()
	w := v.get(path)
	etag := w.Header().Get("ETag")
	if w.Code != http.StatusOK || etag == "" || w.Header().Get("Cache-Control") != "private, max-age=900" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	v.header = http.Header{"If-None-Match": {`"other", W/` + etag}}
	if w := v.get(path); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("unchanged: %d %d", w.Code, w.Body.Len())
	}
	if w := v.do(httptest.NewRequest(http.MethodHead, path, nil)); w.Code != http.StatusNotModified {
		t.Errorf("HEAD: %d", w.Code)
	}
	b.act(b.open("corrective_action", models.SpendingTarget), "owner", workflows.Submit, measures)
	b.open("monitoring", models.Monitoring)
	if w := v.get(path); w.Code != http.StatusOK || w.Header().Get("ETag") == etag {
		t.Errorf("changed: %d %s", w.Code, w.Header().Get("ETag"))
	}
	expect(t, v.get("/feeds/secretsecret.ics"), http.StatusNotFound)
	for _, method := range []string{"PROPFIND", http.MethodOptions, http.MethodPost, http.MethodPut} { // as some programs begin
		v.do(httptest.NewRequest(method, path, nil))
	}
	token := strings.TrimSuffix(strings.TrimPrefix(path, "/feeds/"), ".ics")
	if said := log.String(); strings.Contains(said, token) || strings.Contains(said, "secretsecret") || !strings.Contains(said, "/feeds/:token") {
		t.Errorf("the log says %s", said)
	}
}

func TestTextsInACalendarStayTexts(t *testing.T) {
	b := newBureau(t)
	evil := "</x>\r\nEND:VEVENT\r\nBEGIN:VALARM\r\nACTION:EMAIL;,\\" + html.EscapeString("<b>")
	o := models.Obligation{UnitID: 1, ProjectID: 1, FiscalYear: 2025, Kind: models.Custom, Title: evil, Source: evil, DueOn: july}
	if err := b.store.Tx(t.Context(), "admin", func(tx *models.Tx) error { return tx.AddObligation(&o) }); err != nil {
		t.Fatal(err)
	}
	_, events := b.calendarOf(b.as("owner").subscribe(0))
	e := find(t, events, fmt.Sprintf("obligation-%d@duban", o.ID))
	if e["ACTION"] != "" || !strings.Contains(e["SUMMARY"], "END:VEVENT\nBEGIN:VALARM") {
		t.Errorf("%v", e)
	}
	for _, e := range events {
		if e["UID"] == "" || e["DTSTAMP"] == "" || e["DTSTART;VALUE=DATE"] == "" {
			t.Errorf("broken off: %v", e)
		}
	}
}
