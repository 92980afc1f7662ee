package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"duban/models"
)

func TestADelegateActsForSomebodyOnLeave(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	manager, head := b.as("manager"), b.as("head")
	lend := url.Values{"to": {b.number("head")}, "first": {"2025-07-01"}, "last": {"2025-07-05"}, "reason": {"年休假<b>"}}
	w := manager.post("/delegations", with(lend, "last", "2025-06-01"))
	if expect(t, w, http.StatusUnprocessableEntity, "已过"); !strings.Contains(w.Body.String(), `value="年休假&lt;b&gt;"`) {
		t.Error("the reason is lost")
	}
	expect(t, manager.post("/delegations", with(lend, "to", "")), http.StatusUnprocessableEntity, "没有这个在用的账号")
	expect(t, manager.post("/delegations", with(lend, "from", b.number("owner"))), http.StatusForbidden, "只能委托本人的待办")
	expect(t, manager.post("/delegations", lend), http.StatusSeeOther, "/delegations")
	expect(t, manager.get("/delegations"), http.StatusOK, "周强 → 高建", "2025-07-01 — 2025-07-05", "全部流程", "生效中", "撤销")
	if text := words(b.as("owner").get("/delegations")); strings.Contains(text, "周强 → 高建") {
		t.Errorf("others see %s", text)
	}
	expect(t, head.get("/tasks"), http.StatusOK, "代周强")
	expect(t, head.get(at(in)), http.StatusOK, "办理 代周强")
	expect(t, head.decide(in, "approve").w, http.StatusSeeOther)
	expect(t, b.as("owner").get(at(in)), http.StatusOK, "高建 代周强 同意")
	expect(t, head.get("/tasks/decided"), http.StatusOK, "代周强")
	expect(t, b.as("owner").post("/delegations/1/revoke", nil), http.StatusForbidden)
	expect(t, manager.post("/delegations/1/revoke", nil), http.StatusSeeOther)
	expect(t, manager.get("/delegations"), http.StatusOK, "没有委托")
	expect(t, manager.post("/delegations/9/revoke", nil), http.StatusNotFound)
	// A loop is refused.
	expect(t, manager.post("/delegations", lend), http.StatusSeeOther)
	expect(t, head.post("/delegations", with(lend, "to", b.number("manager"))), http.StatusUnprocessableEntity, "循环")
	// An administrator lends for others.
	expect(t, b.as("admin").post("/delegations", with(lend, "from", b.number("owner"), "to", b.number("second"), "workflow", "extension")), http.StatusSeeOther)
	expect(t, b.as("admin").get("/delegations"), http.StatusOK, "全部委托", "王芳 → 李军", "完成时限延期")
}

func TestALeaversWorkIsHandedOver(t *testing.T) {
	b := newBureau(t)
	b.submitted()
	b.open("monitoring", models.Monitoring)
	admin := b.as("admin")
	expect(t, b.as("owner").get("/handover"), http.StatusForbidden)
	expect(t, b.as("owner").post("/handover", nil), http.StatusForbidden)
	expect(t, admin.get("/handover"), http.StatusOK, "王芳（经办人）")
	values := url.Values{"from": {b.number("owner")}, "to": {b.number("manager")}}
	expect(t, admin.post("/handover", values), http.StatusUnprocessableEntity, "理由")
	// The manager decides the first one, and so cannot take it over.
	expect(t, admin.post("/handover", with(values, "reason", "调岗")), http.StatusOK, "王芳移交周强", "未移交", "不能接手为申请人", "已移交")
	expect(t, admin.post("/handover", with(values, "to", b.number("second"), "reason", "调岗")), http.StatusOK, "已移交")
	expect(t, b.as("second").get("/tasks/started"), http.StatusOK, "支出纠偏")
}

func TestBoxesAreForThoseWhoHaveThem(t *testing.T) {
	b := newBureau(t)
	b.submitted()
	for account, want := range map[string]map[string]int{
		"owner": {"/tasks/overdue": 403, "/tasks/unassigned": 403, "/tasks/started": 200},
		"clerk": {"/tasks/overdue": 200, "/tasks/unassigned": 403},
		"admin": {"/tasks/overdue": 200, "/tasks/unassigned": 200},
	} {
		for path, status := range want {
			expect(t, b.as(account).get(path), status)
		}
	}
	expect(t, b.as("owner").get("/tasks"), http.StatusOK, "没有待您办理的事项")
	expect(t, b.as("owner").get("/tasks/decided?before=x"), http.StatusBadRequest)
}
