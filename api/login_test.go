package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"duban/api"
	"duban/models"
)

func TestACodeLetsAPersonInAndOutAgain(t *testing.T) {
	b := newBureau(t)
	v := b.visitor()
	expect(t, v.get("/tasks/decided"), http.StatusSeeOther, "/login?next=%2Ftasks%2Fdecided")
	expect(t, v.get("/login?next=%2Ftasks%2Fdecided"), http.StatusOK, "账号", "获取验证码")
	expect(t, v.post("/login?next=%2Ftasks%2Fdecided", url.Values{"account": {" owner "}}), http.StatusSeeOther, "/login/code?next=%2Ftasks%2Fdecided")
	if b.woken != 1 {
		t.Errorf("the dispatcher was woken %d times", b.woken)
	}
	expect(t, v.get("/login/code"), http.StatusOK, "如果账号存在，验证码已发出", "验证码")
	_, code := b.mail("owner")
	w := v.post("/login/code?next=%2Ftasks%2Fdecided", url.Values{"code": {code[:3] + " " + code[3:]}})
	expect(t, w, http.StatusSeeOther, "/tasks/decided")
	c := v.cookies["duban_session"]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure {
		t.Fatalf("session cookie %+v", c)
	}
	if v.cookies["duban_login"] != nil {
		t.Error("the pending login stays")
	}
	expect(t, v.get("/tasks/decided"), http.StatusOK, "王芳", "待我审批", "退出")
	secret := c.Value
	expect(t, v.post("/logout", nil), http.StatusSeeOther, "/login")
	v.cookies["duban_session"] = &http.Cookie{Name: "duban_session", Value: secret}
	expect(t, v.get("/tasks"), http.StatusSeeOther, "/login")
}

func TestACodeWorksOnceAndNotForever(t *testing.T) {
	b := newBureau(t)
	v, again := b.visitor(), b.visitor()
	v.post("/login", url.Values{"account": {"owner"}})
	again.cookies["duban_login"] = v.cookies["duban_login"]
	_, code := b.mail("owner")
	expect(t, v.post("/login/code", url.Values{"code": {code}}), http.StatusSeeOther, "/tasks")
	expect(t, again.post("/login/code", url.Values{"code": {code}}), http.StatusGone, "重新获取")

	b.clock.Advance(time.Hour)
	v = b.visitor()
	v.post("/login", url.Values{"account": {"owner"}})
	_, code = b.mail("owner")
	b.clock.Advance(11 * time.Minute)
	expect(t, v.post("/login/code", url.Values{"code": {code}}), http.StatusGone, "10 分钟")
}

func TestGuessingCodesIsBounded(t *testing.T) {
	b := newBureau(t)
	for _, account := range []string{"owner", "nobody"} {
		v := b.visitor()
		v.post("/login", url.Values{"account": {account}})
		for range 5 {
			expect(t, v.post("/login/code", url.Values{"code": {"x"}}), http.StatusUnprocessableEntity, "验证码不对")
		}
		expect(t, v.post("/login/code", url.Values{"code": {"x"}}), http.StatusGone, "错误次数过多")
	}
	// Asking again gives no more guesses: one code a minute, and few an hour.
	for range 100 {
		b.visitor().post("/login", url.Values{"account": {"owner"}})
		b.clock.Advance(20 * time.Second)
	}
	messages, err := b.store.NotificationsAfter(t.Context(), 0)
	if err != nil || len(messages) != 6 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
}

func TestAnAccountCannotBeFoundOutByAsking(t *testing.T) {
	b := newBureau(t)
	answers := map[string]string{}
	for _, account := range []string{"owner", "nobody", ""} {
		v := b.visitor()
		for range 2 { // the second time within a minute
			w := v.post("/login", url.Values{"account": {account}})
			c := v.cookies["duban_login"]
			if c == nil || len(c.Value) < 60 {
				t.Fatalf("%q: cookie %+v", account, c)
			}
			answers[account] += strings.ReplaceAll(w.Header().Get("Set-Cookie"), c.Value, "…") + w.Header().Get("Location") + string(rune(len(c.Value)))
		}
		answers[account] += v.get("/login/code").Body.String()
	}
	if answers["owner"] != answers["nobody"] || answers["owner"] != answers[""] {
		t.Errorf("the answers differ: %q", answers)
	}
}

func TestASecondAskingKeepsTheCodeThatWasSent(t *testing.T) {
	b := newBureau(t)
	v := b.visitor()
	v.post("/login", url.Values{"account": {"owner"}})
	v.post("/login", url.Values{"account": {"owner"}})
	_, code := b.mail("owner")
	expect(t, v.post("/login/code", url.Values{"code": {code}}), http.StatusSeeOther, "/tasks")
	// Another browser in the same minute gets no code, and the first one's is
	// not its own.
	v = b.visitor()
	v.post("/login", url.Values{"account": {"owner"}})
	expect(t, v.post("/login/code", url.Values{"code": {code}}), http.StatusUnprocessableEntity)
}

func TestAfterLoginNobodyIsLedElsewhere(t *testing.T) {
	b := newBureau(t, demo)
	for _, next := range []string{
		"https://evil.example", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:alert(1)", "evil", "", "/\n/evil.example", " /tasks",
		"http:evil.example", `\\evil.example`,
	} {
		w := b.visitor().post("/login/as?"+url.Values{"next": {next}}.Encode(), url.Values{"user": {"1"}})
		if at := w.Header().Get("Location"); w.Code != http.StatusSeeOther || at != "/tasks" {
			t.Errorf("next %q leads to %q (%d)", next, at, w.Code)
		}
	}
	w := b.visitor().post("/login/as?"+url.Values{"next": {"/instances/3?task=2"}}.Encode(), url.Values{"user": {"1"}})
	expect(t, w, http.StatusSeeOther, "/instances/3?task=2")
}

func TestOnlyTheDemonstrationNeedsNoCode(t *testing.T) {
	b := newBureau(t, demo)
	expect(t, b.visitor().get("/login"), http.StatusOK, "以王芳（经办人）的身份进入", "以管理员（系统管理员）的身份进入")
	real := newBureau(t)
	if text := words(real.visitor().get("/login")); strings.Contains(text, "王芳") {
		t.Errorf("the login names people: %s", text)
	}
	expect(t, real.visitor().post("/login/as", url.Values{"user": {"1"}}), http.StatusNotFound)
	expect(t, b.visitor().post("/login/as", url.Values{"user": {"99"}}), http.StatusBadRequest)
}

func TestOtherWebsitesCannotPost(t *testing.T) {
	b := newBureau(t, func(o *api.Options) { o.BaseURL = "https://duban.example.cn" })
	in := b.submitted()
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
	} {
		v := b.as("manager")
		v.header = header
		for _, path := range []string{"/logout", "/login", "/tasks/approve", "/delegations", "/instances/1/actions", "/api/v1/instances/1/actions"} {
			expect(t, v.post(path, url.Values{"kind": {"approve"}}), http.StatusForbidden, "其他网站")
		}
	}
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"same-origin"}}, {"Origin": {"http://localhost:8080"}}, {"Origin": {"https://duban.example.cn"}}} {
		v := b.as("manager")
		v.header = header
		expect(t, v.post("/instances/1/actions", url.Values{"kind": {"comment"}, "comment": {"已知悉"}}), http.StatusSeeOther)
	}
	if v, err := b.engine.View(t.Context(), in.ID); err != nil || len(v.History) != 5 {
		t.Errorf("%d actions, %v", len(v.History), err)
	}
	w := b.visitor()
	w.post("/login", url.Values{"account": {"owner"}})
	if c := w.cookies["duban_login"]; c == nil || !c.Secure {
		t.Errorf("cookie over https %+v", c)
	}
}

func TestALostSessionSaysThatNothingWasSaved(t *testing.T) {
	b := newBureau(t)
	expect(t, b.visitor().post("/tasks/approve", nil), http.StatusUnauthorized, "没有保存", "登录")
	if err := b.store.Tx(t.Context(), "test", func(tx *models.Tx) error {
		u := b.people["owner"]
		u.Active = false
		_, _, err := tx.SaveUser(&u)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	expect(t, b.as("owner").get("/tasks"), http.StatusSeeOther, "/login")
	v := b.visitor()
	v.post("/login", url.Values{"account": {"owner"}})
	expect(t, v.post("/login/code", url.Values{"code": {"123456"}}), http.StatusUnprocessableEntity)
}

func TestWithoutWorkflowsNobodyLogsIn(t *testing.T) {
	h := newConsole(t, newStore(t))
	for _, path := range []string{"/login", "/tasks", "/api/v1/tasks", "/links/x"} {
		if w := get(h, path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	if strings.Contains(get(h, "/").Body.String(), "/login") {
		t.Error("a page leads to a login that is not there")
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "localhost"
	r.AddCookie(&http.Cookie{Name: "duban_session", Value: "x"})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	expect(t, w, http.StatusOK)
}
