package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"duban/models"
)

// remind puts a reminder about the missed target into the outbox, as sent.
func (b *bureau) remind(account string, as models.Audience) models.Notification {
	b.t.Helper()
	now := b.clock.Now().UTC()
	n := models.Notification{
		DedupKey: fmt.Sprintf("%s|%d", account, now.UnixNano()), ObligationID: b.duties[models.Completion].ID, RecipientID: b.id(account), Channel: models.ChannelFile,
		Day: b.store.Today(), Template: "reminder_overdue", Language: models.Chinese, State: models.NotificationSent, SentAt: &now, NextAttemptAt: now,
		Payload: models.Reminder{Kind: models.Completion, Title: "完成时间", DueOn: july, AsOf: july, Audience: as},
	}
	err := b.store.Tx(b.t.Context(), "system", func(tx *models.Tx) error { n.ID = 0; return tx.Create(&n) })
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestADutyIsAcknowledgedOnItsPage(t *testing.T) {
	b := newBureau(t)
	duty := b.duties[models.Completion] // due on 30 November
	page := fmt.Sprintf("/obligations/%d", duty.ID)
	send := page + "/acknowledgements"
	owner := b.as("owner")
	expect(t, owner.get(page), http.StatusOK, "暂停催办", "1 个工作日（至 2025年7月2日 周三）", "5 个工作日（至 2025年7月8日 周二）", "也不报告科室负责人和分管领导")
	expect(t, b.visitor().get(page), http.StatusOK, "登录 后可点“已阅”")
	if text := words(b.as("leader").get(page)); strings.Contains(text, "暂停催办") {
		t.Errorf("nobody has told the leader, and yet %s", text)
	}
	for _, account := range []string{"leader", "stranger", "admin", "clerk"} {
		expect(t, b.as(account).post(send, url.Values{"days": {"1"}}), http.StatusForbidden, "没有提醒过您")
	}
	expect(t, b.visitor().post(send, url.Values{"days": {"1"}}), http.StatusUnauthorized)
	const evil = `知道了<img src=x onerror=alert(1)>`
	w := owner.post(send, url.Values{"days": {"6"}, "note": {evil}})
	if expect(t, w, http.StatusUnprocessableEntity, "应为 1 至 5 个"); !strings.Contains(w.Body.String(), "知道了&lt;img") {
		t.Error("the note is lost")
	}
	expect(t, owner.post(send, url.Values{"days": {"3"}, "note": {evil}}), http.StatusSeeOther, page+"#ack")
	w = owner.get(page)
	expect(t, w, http.StatusOK, "王芳 经办人 已阅，催办暂停至 2025-07-04", "暂停中", "您已阅，催办暂停到 2025-07-04", "知道了&lt;img")
	checkPage(t, page, w)
	if text := words(b.as("stranger").get(page)); strings.Contains(text, "知道了") || !strings.Contains(text, "已阅，催办暂停至") {
		t.Errorf("another unit reads %s", text)
	}
	expect(t, owner.post(send, url.Values{"days": {"1"}}), http.StatusConflict, "您已阅")
	expect(t, owner.post("/obligations/999/acknowledgements", url.Values{"days": {"1"}}), http.StatusNotFound)
	expect(t, owner.post(send+"?lang=en", url.Values{"days": {"1"}}), http.StatusConflict, "It is paused already")
	// A form of another website.
	v := b.as("manager")
	v.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	expect(t, v.post(send, url.Values{"days": {"1"}}), http.StatusForbidden)
}

func TestAReminderLeadsToTheAcknowledgement(t *testing.T) {
	b := newBureau(t)
	n := b.remind("leader", models.ToLeader)
	page := fmt.Sprintf("/messages/%d", n.ID)
	expect(t, b.as("leader").get(page), http.StatusOK, "暂停期间不再提醒您；经办人和科室负责人仍会收到提醒")
	for _, v := range []*visitor{b.visitor(), b.as("owner")} { // it is not theirs
		if text := words(v.get(page)); strings.Contains(text, "暂停催办") {
			t.Errorf("offered: %s", text)
		}
	}
	expect(t, b.as("leader").post(fmt.Sprintf("/obligations/%d/acknowledgements", n.ObligationID), url.Values{"days": {"1"}}), http.StatusSeeOther)
}

func TestProgramsAcknowledge(t *testing.T) {
	b := newBureau(t)
	target := fmt.Sprintf("/api/v1/obligations/%d/acknowledgements", b.duties[models.Completion].ID)
	owner := b.as("owner")
	for name, c := range map[string]struct {
		who    *visitor
		body   string
		status int
		code   string
	}{
		"a stranger":       {b.visitor(), `{"days":1}`, http.StatusUnauthorized, "login_required"},
		"of another unit":  {b.as("stranger"), `{"days":1}`, http.StatusForbidden, "not_told"},
		"too many days":    {owner, `{"days":6}`, http.StatusUnprocessableEntity, "pause_days"},
		"no days":          {owner, `{}`, http.StatusUnprocessableEntity, "pause_days"},
		"a note too long":  {owner, `{"days":1,"note":"` + strings.Repeat("长", 201) + `"}`, http.StatusUnprocessableEntity, "note_invalid"},
		"for another":      {owner, `{"days":1,"user":1}`, http.StatusBadRequest, "bad_request"},
		"until a day":      {owner, `{"days":1,"untilOn":"2026-01-01"}`, http.StatusBadRequest, "bad_request"},
		"days of a string": {owner, `{"days":"1"}`, http.StatusBadRequest, "bad_request"},
	} {
		if r := read(t, c.who.json(target, c.body), c.status); r.Code != c.code || r.Message == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	w := owner.json(target, `{"days":2,"note":"已安排"}`)
	read(t, w, http.StatusOK)
	want := fmt.Sprintf(`{"id":1,"obligation":%d,"user":%d,"audience":"owner","ackedOn":"2025-07-01","untilOn":"2025-07-03","note":"已安排"}`, b.duties[models.Completion].ID, b.id("owner"))
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if r := read(t, owner.json(target, `{"days":1}`), http.StatusConflict); r.Code != "acknowledged_already" {
		t.Errorf("%+v", r)
	}
	b.clock.Advance(3 * 24 * 3600e9)
	owner = b.as("owner") // the session is over
	if r := read(t, owner.json(target, `{"days":1}`), http.StatusConflict); r.Code != "nothing_said_since" {
		t.Errorf("%+v", r)
	}
	b.remind("owner", models.ToOwner)
	read(t, owner.json(target, `{"days":1}`), http.StatusOK)
	read(t, owner.json("/api/v1/obligations/999/acknowledgements", `{"days":1}`), http.StatusNotFound)
	b.clock.Advance(30 * 24 * 3600e9)
	owner = b.as("owner")
	if err := b.store.Tx(t.Context(), "clerk", func(tx *models.Tx) error {
		return tx.WaiveObligation(b.duties[models.Completion].ID, "合同解除")
	}); err != nil {
		t.Fatal(err)
	}
	if r := read(t, owner.json(target, `{"days":1}`), http.StatusConflict); r.Code != "duty_settled" {
		t.Errorf("%+v", r)
	}
}
