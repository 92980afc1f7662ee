package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"duban/api"
	"duban/models"
	"duban/workflows"
)

func TestALinkShowsNothingToWhoMayDecideNoLonger(t *testing.T) {
	b := newBureau(t)
	absence, err := b.engine.Lend(t.Context(), b.id("manager"), models.Delegation{
		FromID: b.id("manager"), ToID: b.id("head"), FirstDay: july, LastDay: july.AddDays(3), Reason: "出差",
	})
	if err != nil {
		t.Fatal(err)
	}
	b.submitted()
	token, code := b.mail("head")
	v := b.visitor()
	page := v.get("/links/" + token)
	expect(t, page, http.StatusOK, "合同签订推迟")
	if err := b.engine.Revoke(t.Context(), b.id("manager"), absence.ID); err != nil {
		t.Fatal(err)
	}
	refused := func(token, code string) {
		t.Helper()
		w := v.get("/links/" + token)
		expect(t, w, http.StatusForbidden, "您现在不能办理此待办")
		if strings.Contains(w.Body.String(), "合同签订推迟") {
			t.Error("the case is shown")
		}
		expect(t, v.post("/links/"+token, with(hidden(page.Body.String()), "kind", "approve", "code", code)), http.StatusForbidden)
	}
	refused(token, code)

	token, code = b.mail("manager")
	expect(t, v.get("/links/"+token), http.StatusOK)
	left := b.people["manager"]
	left.Active = false
	if err := b.store.Tx(t.Context(), "admin", func(tx *models.Tx) error { _, _, err := tx.SaveUser(&left); return err }); err != nil {
		t.Fatal(err)
	}
	refused(token, code)
}

func TestBehindAnotherNameNobodyIsLocal(t *testing.T) {
	b := newBureau(t, func(o *api.Options) { o.BaseURL = "https://duban.example.cn" })
	// A proxy on this machine that sets no header of its own.
	r := httptest.NewRequest(http.MethodGet, "/messages", nil)
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:40000"
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	expect(t, w, http.StatusSeeOther)
}

func TestWhatPeopleReportedIsForTheirUnit(t *testing.T) {
	b := newBureau(t)
	in, err := b.engine.Begin(t.Context(), "monitoring", b.duties[models.Monitoring].ID, workflows.Action{
		Kind: workflows.Submit, By: b.id("owner"), Form: workflows.Form{
			"spending": "正常", "goals": "正常", "deviation": "none", "actuals": `[["1","机密完成值",""],["2","10月",""]]`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	in = b.act(in, "manager", workflows.Approve, nil)
	in = b.act(in, "finance", workflows.Approve, workflows.Form{"paid": "100"})
	b.act(in, "clerk", workflows.Approve, nil)
	project := "/projects/1"
	expect(t, b.as("owner").get(project), http.StatusOK, "机密完成值")
	for name, v := range map[string]*visitor{"a stranger": b.visitor(), "another unit": b.as("stranger")} {
		if w := v.get(project); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "机密完成值") {
			t.Errorf("%s: %d, sees the actuals: %v", name, w.Code, strings.Contains(w.Body.String(), "机密完成值"))
		}
	}
}

func TestTheOverdueListIsTheUnits(t *testing.T) {
	b := newBureau(t)
	in := b.open("corrective_action", models.SpendingTarget)
	for range 30 { // the ladder climbs to its top
		b.clock.Advance(24 * 3600e9)
		if _, err := b.engine.FireTimers(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, b.as("clerk").get("/tasks/overdue"), http.StatusOK, in.State.Case.Plan.String())
	other := b.people["stranger"]
	other.Roles = []models.Role{models.RoleOffice}
	if err := b.store.Tx(t.Context(), "admin", func(tx *models.Tx) error { _, _, err := tx.SaveUser(&other); return err }); err != nil {
		t.Fatal(err)
	}
	if w := b.as("stranger").get("/tasks/overdue"); strings.Contains(w.Body.String(), "/instances/1\"") {
		t.Error("another unit's task is listed")
	}
}
