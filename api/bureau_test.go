package api_test

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/api"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
	"duban/notifier"
	"duban/workflows"
)

// july is a Tuesday, one day after the target of the end of June was missed.
var july = calendar.MustDate(2025, time.July, 1)

// bureau is a unit with people, projects and workflows, and its console.
type bureau struct {
	t      testing.TB
	store  *models.Store
	clock  *clockwork.FakeClock
	engine *workflows.Engine
	key    models.LinkKey
	h      http.Handler
	people map[string]models.User // by account
	duties map[models.Kind]models.Obligation
	woken  int
}

func newBureau(t testing.TB, change ...func(*api.Options)) *bureau {
	t.Helper()
	b := &bureau{t: t, clock: clockwork.NewFakeClockAt(july.At(9, 0)), people: map[string]models.User{}, duties: map[models.Kind]models.Obligation{}}
	b.store = modelstest.Open(t, models.SQLite, b.clock)
	b.engine = &workflows.Engine{Store: b.store, Clock: b.clock, Routing: models.Only(models.ChannelFile)}
	if err := b.engine.PublishBuiltin(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.seed()
	var err error
	if b.key, err = b.store.LinkKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	templates, err := notifier.NewTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	options := api.Options{
		Store: b.store, Clock: b.clock, Logger: slog.New(slog.DiscardHandler), Library: notifier.NewLibrary(templates, b.store, slog.New(slog.DiscardHandler)), Version: "test",
		Engine: b.engine, LinkKey: b.key, Wake: func() { b.woken++ },
	}
	for _, fn := range change {
		fn(&options)
	}
	b.h = api.New(options)
	return b
}

// demo lets everybody in.
func demo(o *api.Options) { o.Demo = true }

// seed adds the people, a project with a missed target, and one duty of each kind.
func (b *bureau) seed() {
	b.t.Helper()
	err := b.store.Tx(b.t.Context(), "system", func(tx *models.Tx) error {
		unit := models.Unit{Code: "603001", Name: "唐山市住房公积金管理中心", RecordsAsOf: july.AddDays(-1)}
		other := models.Unit{Code: "603002", Name: "另一单位"}
		for _, u := range []*models.Unit{&unit, &other} {
			if err := tx.SaveUnit(u); err != nil {
				return err
			}
		}
		for _, p := range []struct {
			account, name string
			unit          int64
			roles         []models.Role
		}{
			{"owner", "王芳", unit.ID, []models.Role{models.RoleOwner}},
			{"manager", "周强", unit.ID, []models.Role{models.RoleManager}},
			{"finance", "陈雪", unit.ID, []models.Role{models.RoleFinance}},
			{"clerk", "何静", unit.ID, []models.Role{models.RoleOffice}},
			{"leader", "刘明", unit.ID, []models.Role{models.RoleLeader}},
			{"head", "高建", unit.ID, []models.Role{models.RoleHead}},
			{"admin", "管理员", 0, []models.Role{models.RoleAdmin}},
			{"second", "李军", unit.ID, []models.Role{models.RoleOwner}},
			{"stranger", "外人", other.ID, []models.Role{models.RoleOwner}},
		} {
			u := models.User{Account: p.account, Name: p.name, Email: p.account + "@example.cn", UnitID: p.unit, Roles: p.roles, Language: models.Chinese, Active: true}
			if _, _, err := tx.SaveUser(&u); err != nil {
				return err
			}
			b.people[p.account] = u
		}
		r := &models.ProjectRecord{
			Project: models.Project{
				FiscalYear: 2025, Code: "13020025P001", Name: "住房公积金归集业务委托手续费及银行结算系统使用服务费用", UnitID: unit.ID,
				Budget: wan(585), Fiscal: wan(585), OwnerID: b.id("owner"), ManagerID: b.id("manager"), State: models.ProjectActive, Placeholder: true,
			},
			Targets: []models.Target{
				{DueOn: calendar.MustDate(2025, 6, 30), Label: "6月底", Percent: money.PercentOf(50)},
				{DueOn: calendar.MustDate(2025, 12, 31), Label: "12月底", Percent: money.PercentOf(100)},
			},
			Indicators: []models.Indicator{
				{Sequence: 1, Level1: "产出指标", Level2: "数量指标", Level3: "会议次数", ValueText: "≥4次"},
				{Sequence: 2, Level1: "产出指标", Level2: "时效指标", Level3: "完成时间", ValueText: "2025年11月底前", DueOn: calendar.MustDate(2025, 11, 30)},
			},
		}
		if err := tx.AddProjects([]*models.ProjectRecord{r}); err != nil {
			return err
		}
		if err := tx.Create(&models.Payment{ProjectID: r.ID, PaidOn: july.AddDays(-30), Amount: wan(110), VoucherNo: "1", AsOf: july.AddDays(-1)}); err != nil {
			return err
		}
		_, err := tx.ReconcileDuties([]string{r.Subject()}, r.Duties(), "", b.store.Today())
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	var duties []models.Obligation
	if err := b.store.Read(b.t.Context()).Order("due_on DESC").Find(&duties).Error; err != nil {
		b.t.Fatal(err)
	}
	for _, d := range duties {
		b.duties[d.Kind] = d
	}
}

func (b *bureau) id(account string) int64 { return b.people[account].ID }

// number is a person's id as forms send it.
func (b *bureau) number(account string) string { return strconv.FormatInt(b.id(account), 10) }

// open lets the system begin a workflow about the duty of a kind.
func (b *bureau) open(workflow string, kind models.Kind) workflows.Instance {
	b.t.Helper()
	in, err := b.engine.Begin(b.t.Context(), workflow, b.duties[kind].ID, workflows.Action{Kind: workflows.Open})
	if err != nil {
		b.t.Fatal(err)
	}
	return in
}

// measures is the form of a corrective action.
var measures = workflows.Form{
	"cause": "合同签订推迟", "measures": "7月完成支付", "promised_on": "2025-07-31", "promised_amount": "50000000",
}

// act takes an action on the one open task of an instance.
func (b *bureau) act(in workflows.Instance, account string, kind workflows.ActionKind, form workflows.Form) workflows.Instance {
	b.t.Helper()
	t := in.State.OpenTasks()[0]
	next, err := b.engine.Act(b.t.Context(), in.ID, workflows.Action{
		Kind: kind, By: b.id(account), Task: t.ID, TaskVersion: t.Version, Form: form,
	})
	if err != nil {
		b.t.Fatalf("%s by %s at %s: %v", kind, account, in.State.Step, err)
	}
	return next
}

// submitted is a corrective action that waits for the manager.
func (b *bureau) submitted() workflows.Instance {
	b.t.Helper()
	return b.act(b.open("corrective_action", models.SpendingTarget), "owner", workflows.Submit, measures)
}

// mail returns the link and the code of the last message that asks a person.
func (b *bureau) mail(account string) (token, code string) {
	b.t.Helper()
	messages, err := b.store.NotificationsAfter(b.t.Context(), 0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range messages {
		switch {
		case m.RecipientID != b.id(account):
		case m.Payload.Login != nil:
			token = b.key.Token(m.Payload.Login.Link)
		case m.Payload.Approval != nil && m.Payload.Approval.Link != nil:
			token = b.key.Token(*m.Payload.Approval.Link)
		}
	}
	if token == "" {
		b.t.Fatalf("no message with a link for %s", account)
	}
	return token, b.key.Code(token)
}

// visitor is a browser with its cookies.
type visitor struct {
	b       *bureau
	cookies map[string]*http.Cookie
	header  http.Header
}

func (b *bureau) visitor() *visitor {
	return &visitor{b: b, cookies: map[string]*http.Cookie{}, header: http.Header{}}
}

// as is a browser in which a person is logged in.
func (b *bureau) as(account string) *visitor {
	b.t.Helper()
	v := b.visitor()
	err := b.store.Tx(b.t.Context(), account, func(tx *models.Tx) error {
		secret, err := tx.StartSession(b.id(account))
		v.cookies["duban_session"] = &http.Cookie{Name: "duban_session", Value: secret}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (v *visitor) do(r *http.Request) *httptest.ResponseRecorder {
	r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:40000"
	for name, values := range v.header {
		r.Header[name] = values
	}
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	v.b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}

func (v *visitor) get(target string) *httptest.ResponseRecorder {
	return v.do(httptest.NewRequest(http.MethodGet, target, nil))
}

func (v *visitor) post(target string, values url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r)
}

// upload posts a form with a file as its proof.
func (v *visitor) upload(target string, values url.Values, name string, content []byte) *httptest.ResponseRecorder {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for key, list := range values {
		for _, value := range list {
			_ = m.WriteField(key, value)
		}
	}
	part, _ := m.CreateFormFile("proof", name)
	_, _ = part.Write(content)
	_ = m.Close()
	r := httptest.NewRequest(http.MethodPost, target, &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return v.do(r)
}

// expect checks the status of an answer and what it says.
func expect(t testing.TB, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s %s", w.Code, status, w.Header().Get("Location"), words(w))
		return
	}
	for _, text := range texts {
		if !strings.Contains(words(w), text) && !strings.Contains(w.Header().Get("Location"), text) {
			t.Errorf("%q is missing in %s %s", text, w.Header().Get("Location"), words(w))
		}
	}
}

// postAnswer is the answer to a form, with the page that it stood on.
type postAnswer struct {
	w    *httptest.ResponseRecorder
	page string
}

// json posts a body to the API.
func (v *visitor) json(target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return v.do(r)
}
