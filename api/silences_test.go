package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"duban/models"
)

// inForce returns the silences that are not over.
func (b *bureau) inForce() []models.Silence {
	b.t.Helper()
	list, err := b.store.Silences(b.t.Context(), false, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func TestADutyIsSilencedFromItsPage(t *testing.T) {
	b := newBureau(t)
	duty := b.duties[models.Completion]
	page := fmt.Sprintf("/obligations/%d", duty.ID)
	clerk := b.as("clerk")
	way := fmt.Sprintf("/silences/new?obligation=%d", duty.ID)
	if w := clerk.get(page); !strings.Contains(w.Body.String(), `href="`+way+`"`) {
		t.Error("no way to silence it")
	}
	if w := b.as("owner").get(page); strings.Contains(w.Body.String(), "/silences/new") {
		t.Error("its owner can silence it")
	}
	w := clerk.get(way)
	expect(t, w, http.StatusOK, "完成时间", "只对本单位生效：唐山市住房公积金管理中心")
	checkPage(t, way, w)
	const evil = `年末<script>alert(1)</script>`
	form := url.Values{"kind": {"silence"}, "obligation": {itoa(duty.ID)}, "last": {"2025-07-31"}, "reason": {evil}}
	expect(t, clerk.post("/silences", with(form, "do", "try")), http.StatusOK, "14 天内", "尚未保存")
	if n := len(b.inForce()); n != 0 {
		t.Fatalf("trying it out began %d", n)
	}
	expect(t, clerk.post("/silences", form), http.StatusSeeOther, "/silences")
	all := b.inForce()
	if len(all) != 1 || all[0].ObligationID != duty.ID || all[0].UnitID != duty.UnitID || all[0].AuthorID != b.id("clerk") ||
		!all[0].EndsAt.Equal(july.AddDays(31).At(0, 0)) || !all[0].StartsAt.Equal(b.clock.Now()) {
		t.Fatalf("%+v", all)
	}
	list := clerk.get("/silences")
	expect(t, list, http.StatusOK, "完成时间", "何静", "生效中", "2025-07-31 24:00", "年末&lt;script&gt;")
	checkPage(t, "/silences", list)
	expect(t, b.as("owner").get(page), http.StatusOK, "静默中：提醒不发送，至 2025-07-31 24:00。原因：年末")
	if w := b.as("stranger").get(page); !strings.Contains(words(w), "静默中") || strings.Contains(words(w), "年末") {
		t.Errorf("another unit reads %s", words(w))
	}
	end := fmt.Sprintf("/silences/%d/end", all[0].ID)
	expect(t, clerk.post(end, nil), http.StatusUnprocessableEntity, "没有勾选确认")
	expect(t, b.as("owner").post(end, url.Values{"sure": {"1"}}), http.StatusForbidden)
	expect(t, clerk.post(end, url.Values{"sure": {"1"}}), http.StatusSeeOther)
	expect(t, clerk.post(end, url.Values{"sure": {"1"}}), http.StatusNotFound)
	expect(t, clerk.get("/silences"), http.StatusOK, "没有静默", "已结束", "何静提前结束")
	expect(t, clerk.post("/silences/99/end", url.Values{"sure": {"1"}}), http.StatusNotFound)
}

func TestAMistypedNumberSilencesNoDuty(t *testing.T) {
	b := newBureau(t)
	duty, clerk := b.duties[models.Completion], b.as("clerk")
	form := url.Values{"kind": {"silence"}, "last": {"2025-07-31"}, "reason": {"搬迁"}}
	number := itoa(duty.ID)
	for _, wrong := range []string{"abc", "事项" + number, "0", "-1", number + "号", "99999999999999999999", "1.0"} {
		expect(t, clerk.post("/silences", with(form, "obligation", wrong)), http.StatusUnprocessableEntity, "没有这个项目或事项")
	}
	if n := len(b.inForce()); n != 0 {
		t.Fatalf("mistyped numbers began %d", n)
	}
	full := strings.Map(func(r rune) rune { return r - '0' + '０' }, number)
	for i, typed := range []string{number + " ", full} {
		expect(t, clerk.post("/silences", with(form, "obligation", typed)), http.StatusSeeOther)
		if all := b.inForce(); len(all) != i+1 || all[0].ObligationID != duty.ID || all[i].ObligationID != duty.ID {
			t.Errorf("%q: %+v", typed, all)
		}
	}
}

func TestAManagerMutesTheirProjectAndNoOther(t *testing.T) {
	b := newBureau(t)
	manager, project := b.as("manager"), b.duties[models.Completion].ProjectID
	if w := manager.get(fmt.Sprintf("/projects/%d", project)); !strings.Contains(w.Body.String(), fmt.Sprintf("/silences/new?kind=mute&amp;project=%d", project)) {
		t.Error("no way to mute it")
	}
	expect(t, manager.get(fmt.Sprintf("/silences/new?kind=mute&project=%d", project)), http.StatusOK, "由谁负责盯办", "住房公积金归集")
	for _, path := range []string{"/silences/new", "/silences/new?kind=window"} {
		expect(t, manager.get(path), http.StatusForbidden)
	}
	form := url.Values{"kind": {"mute"}, "project": {" 13020025P001 "}, "owner": {b.number("manager")}, "reason": {"合同诉讼中"}}
	for name, wrong := range map[string]url.Values{
		"no project":          with(form, "project", ""),
		"a project of nobody": with(form, "project", "X"),
		"nobody answers":      with(form, "owner", ""),
		"no reason":           with(form, "reason", " "),
		"a day of the past":   with(form, "last", "2025-06-01"),
		"no day at all":       with(form, "last", "七月底"),
	} {
		w := manager.post("/silences", wrong)
		if expect(t, w, http.StatusUnprocessableEntity, "需要修改"); len(b.inForce()) != 0 {
			t.Fatalf("%s: it began", name)
		}
		checkPage(t, name, w)
	}
	expect(t, manager.post("/silences", with(form, "owner", b.number("stranger"))), http.StatusUnprocessableEntity, "不属于这个单位")
	expect(t, manager.post("/silences", with(form, "kind", "window", "until", "2025-07-02T08:00")), http.StatusForbidden)
	expect(t, manager.post("/silences", with(form, "kind", "silence", "last", "2025-07-31")), http.StatusForbidden)
	expect(t, manager.post("/silences", with(form, "kind", "x")), http.StatusBadRequest)
	expect(t, manager.post("/silences", form), http.StatusSeeOther)
	all := b.inForce()
	if len(all) != 1 || all[0].Kind != models.Mute || all[0].ProjectID != project || all[0].OwnerID != b.id("manager") || all[0].EndsAt != nil {
		t.Fatalf("%+v", all)
	}
	expect(t, manager.get("/silences"), http.StatusOK, "项目免打扰", "由周强负责", "无结束时间")
	expect(t, b.as("owner").get(fmt.Sprintf("/projects/%d", project)), http.StatusOK, "项目免打扰：提醒不发送，没有结束时间")
	for account, status := range map[string]int{"owner": 403, "leader": 403, "stranger": 403} {
		expect(t, b.as(account).get("/silences"), status)
		expect(t, b.as(account).post("/silences", form), status)
		expect(t, b.as(account).post(fmt.Sprintf("/silences/%d/end", all[0].ID), url.Values{"sure": {"1"}}), status)
	}
	// The office of another unit: not its projects, whatever else the form names.
	b.change("stranger", func(u *models.User) { u.Roles = []models.Role{models.RoleOffice, models.RoleManager} })
	other := b.as("stranger")
	duty := itoa(b.duties[models.Completion].ID)
	for name, attack := range map[string]url.Values{
		"mute":                    with(form, "owner", b.number("stranger")),
		"mute with a duty":        with(form, "owner", b.number("stranger"), "obligation", duty),
		"silence of a duty":       {"kind": {"silence"}, "obligation": {duty}, "last": {"2025-07-31"}, "reason": {"x"}},
		"silence of the project":  {"kind": {"silence"}, "project": {"13020025P001"}, "last": {"2025-07-31"}, "reason": {"x"}},
		"duty, and a unit to see": {"kind": {"silence"}, "obligation": {duty}, "unit": {"1"}, "last": {"2025-07-31"}, "reason": {"x"}},
	} {
		if w := other.post("/silences", attack); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, w.Code, words(w))
		}
	}
	expect(t, other.post(fmt.Sprintf("/silences/%d/end", all[0].ID), url.Values{"sure": {"1"}}), http.StatusForbidden)
	if text := words(other.get("/silences")); strings.Contains(text, "合同诉讼中") {
		t.Errorf("another unit's silence is listed: %s", text)
	}
	// What a unit's people begin holds within the unit, whatever they send.
	expect(t, other.post("/silences", url.Values{"kind": {"silence"}, "unit": {"1"}, "duty_kind": {"completion"}, "last": {"2025-07-31"}, "reason": {"x"}}), http.StatusSeeOther)
	expect(t, other.post("/silences", url.Values{"kind": {"window"}, "unit": {""}, "until": {"2025-07-02T08:00"}, "reason": {"x"}}), http.StatusSeeOther)
	for _, one := range b.inForce() {
		if one.AuthorID == b.id("stranger") && one.UnitID != b.people["stranger"].UnitID {
			t.Errorf("it holds elsewhere: %+v", one)
		}
	}
	if n := len(b.inForce()); n != 3 {
		t.Errorf("%d are in force", n)
	}
	expect(t, manager.post(fmt.Sprintf("/silences/%d/end", all[0].ID), url.Values{"sure": {"1"}}), http.StatusSeeOther)
}

func TestAMaintenanceWindowIsSet(t *testing.T) {
	b := newBureau(t)
	routed(b)
	admin := b.as("admin")
	expect(t, admin.get("/silences/new?kind=window"), http.StatusOK, "预算单位", "不限", "短信", "留空则立即开始")
	form := url.Values{"kind": {"window"}, "channel": {"sms"}, "from": {"2025-07-05T22:00"}, "until": {"2025-07-06T06:00"}, "reason": {"短信网关升级"}}
	for name, wrong := range map[string]url.Values{
		"backwards":    with(form, "until", "2025-07-05T21:00"),
		"no end":       with(form, "until", ""),
		"nobody reads": with(form, "from", "x"),
		"over already": with(form, "from", "", "until", "2025-07-01T08:00"),
	} {
		w := admin.post("/silences", wrong)
		expect(t, w, http.StatusUnprocessableEntity, "静默设置有误")
		if !strings.Contains(w.Body.String(), "短信网关升级") {
			t.Errorf("%s: the reason is lost", name)
		}
	}
	expect(t, admin.post("/silences", with(form, "channel", "wecom")), http.StatusBadRequest)
	expect(t, admin.post("/silences", with(form, "unit", "99")), http.StatusBadRequest)
	expect(t, admin.post("/silences", form), http.StatusSeeOther)
	all := b.inForce()
	if len(all) != 1 || all[0].Channel != models.ChannelSMS || all[0].UnitID != 0 || !all[0].StartsAt.Equal(july.AddDays(4).At(22, 0)) || !all[0].EndsAt.Equal(july.AddDays(5).At(6, 0)) {
		t.Fatalf("%+v", all)
	}
	expect(t, admin.get("/silences"), http.StatusOK, "维护窗口", "短信", "未开始", "2025-07-05 22:00 — 2025-07-06 06:00")
	// It concerns every unit, so each office sees it; only those of all units end it.
	expect(t, b.as("clerk").get("/silences"), http.StatusOK, "短信网关升级")
	expect(t, b.as("clerk").post(fmt.Sprintf("/silences/%d/end", all[0].ID), url.Values{"sure": {"1"}}), http.StatusForbidden)
	expect(t, admin.post("/silences?lang=en", url.Values{"kind": {"silence"}, "last": {"2025-07-31"}, "reason": {"x"}}), http.StatusUnprocessableEntity, "This silence cannot be kept")
	expect(t, admin.get("/silences/new?obligation=999"), http.StatusOK, "督办事项编号")
	expect(t, admin.get("/silences/new?project=999"), http.StatusNotFound)
	expect(t, admin.get("/silences/new?obligation=x"), http.StatusBadRequest)
	expect(t, admin.get("/silences/new?kind=x"), http.StatusBadRequest)
}
