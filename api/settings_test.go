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

// routed gives the bureau several channels.
func routed(b *bureau) {
	b.engine.Routing = models.Routing{
		Configured: []models.Channel{models.ChannelEmail, models.ChannelSMS, models.ChannelDingTalk},
		Normal:     []models.Channel{models.ChannelEmail}, Urgent: []models.Channel{models.ChannelSMS, models.ChannelEmail},
	}
}

// person is somebody as they are stored.
func (b *bureau) person(account string) models.User {
	b.t.Helper()
	u, ok, err := b.store.UserByAccount(b.t.Context(), account)
	if err != nil || !ok {
		b.t.Fatal(account, ok, err)
	}
	return u
}

// change stores a person anew.
func (b *bureau) change(account string, fn func(*models.User)) {
	b.t.Helper()
	u := b.person(account)
	fn(&u)
	if err := b.store.Tx(b.t.Context(), "admin", func(tx *models.Tx) error { _, _, err := tx.SaveUser(&u); return err }); err != nil {
		b.t.Fatal(err)
	}
}

func TestAPersonSaysHowTheyAreReached(t *testing.T) {
	b := newBureau(t, func(o *api.Options) {
		o.Patience = func(u models.Urgency) time.Duration {
			return map[models.Urgency]time.Duration{models.Normal: 2 * time.Hour, models.Urgent: 15 * time.Minute}[u]
		}
	})
	routed(b)
	b.change("owner", func(u *models.User) { u.Mobile = "13812348000" })
	owner := b.as("owner")
	page := owner.get("/settings")
	expect(t, page, http.StatusOK, "普通提醒 ：先发邮件 （ow***@example.cn）", "紧急提醒 ：先发短信 （138****8000） ；15 分钟发不出去时改发邮件", "管理员")
	checkPage(t, "/settings", page)
	for _, secret := range []string{"13812348000", "owner@example.cn"} {
		if strings.Contains(page.Body.String(), secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	form := url.Values{
		"normal1": {"sms"}, "normal3": {"dingtalk"}, "quiet_from": {"21:30"}, "quiet_until": {"07:30"}, "digest": {"weekly"}, "language": {"en"},
	}
	expect(t, owner.post("/settings", form), http.StatusSeeOther, "/settings?saved=1")
	expect(t, owner.get("/settings?saved=1"), http.StatusOK, "已保存", "普通提醒 ：先发短信 （138****8000） ；2 小时发不出去时改发钉钉群 （群里的人都能看到）")
	u := b.person("owner")
	want := models.Reach{
		Normal: []models.Channel{models.ChannelSMS, models.ChannelDingTalk}, QuietFrom: "21:30", QuietUntil: "07:30",
		Digest: models.DigestWeekly, Language: models.English,
	}
	if got := u.Reach; len(got.Normal) != 2 || got.Normal[0] != want.Normal[0] || got.Normal[1] != want.Normal[1] || len(got.Urgent) != 0 ||
		got.QuietFrom != want.QuietFrom || got.Digest != want.Digest || u.Language != models.English {
		t.Errorf("%+v", u)
	}
	// Back to what the server does by itself.
	expect(t, owner.post("/settings", url.Values{"digest": {"daily"}, "language": {"zh-CN"}}), http.StatusSeeOther)
	if u := b.person("owner"); u.Reach.Digest != models.DigestDaily || u.Reach.QuietFrom != "" || len(u.Reach.Normal) != 0 || u.Language != models.Chinese {
		t.Errorf("%+v", u)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	b := newBureau(t)
	routed(b)
	visitors := []*visitor{b.visitor(), b.as("owner"), b.as("manager"), b.as("clerk"), b.as("admin")}
	was := b.dump()
	for _, v := range visitors {
		for _, page := range []string{
			"/settings", "/settings?saved=1", "/settings/" + b.number("owner"), "/silences", "/silences/new", "/silences/new?kind=mute&project=1",
			"/silences/new?kind=window", "/feeds", "/obligations/1", "/messages/1",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				v.do(httptest.NewRequest(method, page, nil))
			}
		}
	}
	if b.dump() != was {
		t.Error("something was stored")
	}
}

func TestSettingsThatMakeNoSenseComeBack(t *testing.T) {
	b := newBureau(t)
	routed(b)
	owner := b.as("owner")
	for field, value := range map[string]string{
		"normal1": "pigeon", "urgent1": "wecom", "quiet_from": "21:30", "digest": "<script>", "language": "fr",
	} {
		w := owner.post("/settings", url.Values{field: {value}, "urgent2": {"email"}})
		expect(t, w, http.StatusUnprocessableEntity, "需要修改")
		checkPage(t, "/settings", w)
		if !strings.Contains(w.Body.String(), `<option value="email" selected>`) {
			t.Errorf("%s: what else was chosen is lost", field)
		}
	}
	expect(t, owner.post("/settings?lang=en", url.Values{"quiet_from": {"21:30"}}), http.StatusUnprocessableEntity, "These settings cannot be kept")
	expect(t, owner.post("/settings", url.Values{"normal1": {"sms"}, "normal2": {"sms"}}), http.StatusUnprocessableEntity, "重复")
	if u := b.person("owner"); u.Version != b.people["owner"].Version {
		t.Errorf("something was stored: %+v", u)
	}
}

func TestSettingsAreOnesOwnOrAnAdministrators(t *testing.T) {
	b := newBureau(t)
	at := "/settings/" + b.number("owner")
	form := url.Values{"quiet_from": {"22:00"}, "quiet_until": {"06:00"}, "digest": {"off"}, "language": {"zh-CN"}}
	expect(t, b.visitor().get("/settings"), http.StatusSeeOther, "/login")
	expect(t, b.visitor().post("/settings", form), http.StatusUnauthorized)
	for _, account := range []string{"manager", "clerk", "stranger"} {
		w := b.as(account).get(at)
		if expect(t, w, http.StatusForbidden); strings.Contains(w.Body.String(), "example.cn") {
			t.Error("an address is shown")
		}
		expect(t, b.as(account).post(at, form), http.StatusForbidden)
	}
	b.change("stranger", func(u *models.User) { u.Roles = []models.Role{models.RoleAdmin} }) // of another unit
	expect(t, b.as("stranger").get(at), http.StatusForbidden)
	expect(t, b.as("stranger").post(at, form), http.StatusForbidden)
	if strings.Contains(b.as("stranger").get("/settings").Body.String(), "王芳") {
		t.Error("people of another unit are listed")
	}
	admin := b.as("admin")
	expect(t, admin.get("/settings"), http.StatusOK, "其他人的提醒设置", "王芳")
	expect(t, admin.get(at), http.StatusOK, "王芳的提醒")
	expect(t, admin.post(at, form), http.StatusSeeOther, at+"?saved=1")
	expect(t, admin.get("/settings/999"), http.StatusNotFound)
	if u := b.person("owner"); u.Reach.QuietFrom != "22:00" {
		t.Errorf("%+v", u.Reach)
	}
	var audited models.AuditEntry
	if err := b.store.Read(t.Context()).Where("action = ?", "user.reach").Take(&audited).Error; err != nil || audited.Actor != "admin" || strings.Contains(audited.Detail, "example.cn") {
		t.Errorf("%+v, %v", audited, err)
	}
	// Nobody's post reaches somebody else through a field.
	expect(t, b.as("manager").post("/settings", url.Values{"id": {b.number("owner")}, "digest": {"weekly"}}), http.StatusSeeOther)
	if u := b.person("owner"); u.Reach.Digest != models.DigestOff {
		t.Errorf("%+v", u.Reach)
	}
}

func TestWhoHasNoAddressIsToldWhomToAsk(t *testing.T) {
	b := newBureau(t)
	routed(b)
	b.engine.Routing.Configured = b.engine.Routing.Configured[:2]
	b.change("owner", func(u *models.User) { u.Email = "" })
	expect(t, b.as("owner").get("/settings"), http.StatusOK, "没有可用的渠道", "邮箱 没有登记", "请联系系统管理员：管理员")
	b.engine.Routing = models.Only(models.ChannelFile)
	expect(t, b.as("owner").get("/settings"), http.StatusOK, "先发文件", "只配置了一个渠道")
	routed(b) // of which nobody knows the patience
	b.change("second", func(u *models.User) { u.Mobile = "13900001111" })
	expect(t, b.as("second").get("/settings"), http.StatusOK, "迟迟发不出去时改发邮件")
}
