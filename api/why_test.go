package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"duban/api"
	"duban/jobs"
	"duban/models"
)

// swept sweeps the bureau's morning as the scheduler does.
func (b *bureau) swept() {
	b.t.Helper()
	sw := &jobs.Sweeper{Store: b.store, Clock: b.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler), Engine: b.engine}
	if err := jobs.RunOnce(b.t.Context(), b.store, b.clock, models.JobSweep, jobs.SweepJob(sw, nil)); err != nil {
		b.t.Fatal(err)
	}
}

// said is an answer of /api/v1/why.
type said struct {
	Code       string
	Person     struct{ Name string }
	Obligation struct {
		ID    int64
		State string
	}
	Rule struct{ Scope string }
	Past []struct {
		Day, Cause string
		As         []string
		Addresses  []struct {
			Audience string
			Distance int
			People   []struct{ Name string }
		}
		Messages []struct {
			ID            int64
			State, Reason string
			Digest        *struct{ State string }
		}
	}
	Next   []struct{ Day, Cause string }
	NextOn *string
	Never  []string
}

func asked(t *testing.T, v *visitor, query string, status int) said {
	t.Helper()
	w := v.get("/api/v1/why?" + query)
	var s said
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != status {
		t.Fatalf("%s: %d, want %d: %v %s", query, w.Code, status, err, w.Body)
	}
	return s
}

func TestTheAPIExplainsWhySomebodyWasTold(t *testing.T) {
	b := newBureau(t)
	b.swept()
	duty := b.duties[models.Completion] // due on 30 November
	b.clock.Advance(july.AddDays(122).At(8, 30).Sub(b.clock.Now()))
	b.swept() // on 31 October
	question := func(account string) string { return fmt.Sprintf("person=%s&obligation=%d", account, duty.ID) }

	admin := b.as("admin")
	x := asked(t, admin, question("owner"), http.StatusOK)
	if x.Person.Name != "王芳" || x.Obligation.ID != duty.ID || x.Obligation.State != "open" || x.Rule.Scope != "kind" {
		t.Errorf("%+v", x)
	}
	if len(x.Past) != 1 || x.Past[0].Day != "2025-10-31" || x.Past[0].Cause != "waiting" || len(x.Past[0].Messages) != 1 ||
		x.Past[0].Messages[0].Reason != "digest" || x.Past[0].Messages[0].Digest.State != "pending" || x.Past[0].As[0] != "owner" || x.Past[0].Addresses[0].Distance != -30 {
		t.Errorf("%+v", x.Past)
	}
	if x.NextOn == nil || *x.NextOn != "2025-10-31" || len(x.Next) != 5 || x.Next[0].Cause != "will_hear" || len(x.Never) != 0 {
		t.Errorf("%+v %+v", x.Next, x.Never)
	}
	x = asked(t, admin, question(b.number("finance")), http.StatusOK)
	if x.NextOn != nil || len(x.Never) != 1 || x.Never[0] != "not_in_audience" || x.Past[0].Cause != "not_in_audience" || x.Past[0].Addresses[0].People[0].Name != "王芳" {
		t.Errorf("%+v", x)
	}
	// Of themselves everybody may ask, of others those who answer for it.
	asked(t, b.as("owner"), fmt.Sprintf("obligation=%d", duty.ID), http.StatusOK)
	for account, status := range map[string]int{"finance": 200, "clerk": 200, "manager": 403, "leader": 403, "stranger": 403} {
		if x := asked(t, b.as(account), question("owner"), status); status == 403 && x.Code != "forbidden" {
			t.Errorf("%s: %+v", account, x)
		}
	}
	asked(t, b.as("finance"), question("stranger"), http.StatusForbidden) // of another unit
	asked(t, b.as("owner"), question("nobody"), http.StatusForbidden)
	asked(t, admin, question("nobody"), http.StatusNotFound)
	staff := models.User{Name: "钱进", Account: b.number("owner"), Language: models.Chinese, Active: true} // the number of another person
	if err := b.store.Tx(t.Context(), "admin", func(tx *models.Tx) error { _, _, err := tx.SaveUser(&staff); return err }); err != nil {
		t.Fatal(err)
	}
	if x := asked(t, admin, question(b.number("owner")), http.StatusOK); x.Person.Name != staff.Name {
		t.Errorf("asked of account %s: %s", staff.Account, x.Person.Name)
	}
	asked(t, admin, "person=owner&obligation=999", http.StatusNotFound)
	asked(t, admin, "person=owner", http.StatusBadRequest)
	asked(t, admin, "person=owner&obligation=x", http.StatusBadRequest)
	asked(t, b.visitor(), question("owner"), http.StatusUnauthorized)
}

func TestThePageExplainsWhySomebodyWasTold(t *testing.T) {
	b := newBureau(t)
	b.swept()
	duty := b.duties[models.Completion]
	b.clock.Advance(july.AddDays(122).At(8, 30).Sub(b.clock.Now()))
	b.swept()
	admin := b.as("admin")
	page := fmt.Sprintf("/why?person=owner&obligation=%d", duty.ID)
	expect(t, admin.get(page), http.StatusOK, "王芳：结论", "2025年10月31日", "2025-11-14", "到期前 30 天", "消息还在等待发送", "该类事项的通用规则", "到期当天", "将提醒")
	expect(t, admin.get(page+"&lang=en"), http.StatusOK, "30 days before", "the message waits", "owner: 王芳")
	expect(t, admin.get(strings.Replace(page, "owner", "finance", 1)), http.StatusOK, "近期不会收到提醒", "不是这次提醒的对象", "经办人：王芳")
	expect(t, admin.get("/why"), http.StatusOK, "督办事项编号", "周强")
	expect(t, b.as("owner").get("/why"), http.StatusOK, "督办事项编号")
	if text := words(b.as("owner").get("/why")); strings.Contains(text, "周强") {
		t.Errorf("an owner may choose others: %s", text)
	}
	expect(t, b.as("owner").get(fmt.Sprintf("/why?obligation=%d", duty.ID)), http.StatusOK, "王芳：结论")
	expect(t, b.as("leader").get(page), http.StatusForbidden)
	expect(t, admin.get("/why?obligation=999"), http.StatusNotFound)
	expect(t, b.visitor().get(page), http.StatusSeeOther, "/login")
	// The ways there.
	expect(t, admin.get(fmt.Sprintf("/obligations/%d", duty.ID)), http.StatusOK, "为什么收到 / 没收到这件事的提醒")
	messages, err := b.store.Messages(t.Context(), models.MessageFilter{ObligationID: duty.ID, Limit: 1})
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	to := fmt.Sprintf("/why?obligation=%d&amp;person=%d", duty.ID, messages[0].RecipientID)
	for account, want := range map[string]bool{"admin": true, "owner": true, "leader": false} {
		if got := strings.Contains(b.as(account).get(fmt.Sprintf("/messages/%d", messages[0].ID)).Body.String(), to); got != want {
			t.Errorf("%s is led to %s: %t", account, to, got)
		}
	}
}

func TestTheConsoleShowsWhatWasNotSaid(t *testing.T) {
	b := newBureau(t)
	expect(t, b.as("clerk").get("/gaps"), http.StatusOK, "还没有核对过", "没有缺口")
	b.clock.Advance(july.AddDays(122).At(8, 30).Sub(b.clock.Now()))
	b.swept()
	duty := b.duties[models.Completion]
	lost := b.store.Read(t.Context()).Where("obligation_id = ? AND instance_id = 0", duty.ID).Delete(&models.Notification{})
	if lost.Error != nil || lost.RowsAffected != 1 {
		t.Fatalf("%d messages gone, %v", lost.RowsAffected, lost.Error)
	}
	b.clock.Advance(3 * time.Hour)
	if err := jobs.RunOnce(t.Context(), b.store, b.clock, models.JobAudit, jobs.AuditJob(b.store, b.clock, models.Only(models.ChannelFile))); err != nil {
		t.Fatal(err)
	}
	clerk := b.as("clerk")
	expect(t, clerk.get("/gaps"), http.StatusOK, "未闭合 1 项", "没有消息", "完成时间", "王芳", "2025-10-31", "最近一次核对 2025-10-31 11:30")
	expect(t, clerk.get("/gaps?lang=en"), http.StatusOK, "1 open", "no message")
	expect(t, b.as("owner").get("/gaps"), http.StatusForbidden)
	expect(t, b.as("admin").get("/messages"), http.StatusOK, "提醒核对")
	if text := words(b.as("owner").get("/messages")); strings.Contains(text, "提醒核对") {
		t.Error("an owner is led to the gaps")
	}
	expect(t, b.visitor().get("/gaps"), http.StatusSeeOther, "/login")
	// A console without workflows knows nobody, and has no such pages.
	templates := func(o *api.Options) { o.Engine = nil }
	expect(t, newBureau(t, templates).visitor().get("/gaps"), http.StatusNotFound)
}
