package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"duban/models"
	"duban/workflows"
)

func at(in workflows.Instance) string { return fmt.Sprintf("/instances/%d", in.ID) }

// decide posts the decision form of a page.
func (v *visitor) decide(in workflows.Instance, kind string, values ...string) *postAnswer {
	page := v.get(at(in))
	return &postAnswer{v.post(at(in)+"/actions", with(hidden(page.Body.String()), append(values, "kind", kind)...)), page.Body.String()}
}

func TestEveryWorkflowPageShowsInBothLanguages(t *testing.T) {
	b := newBureau(t, demo)
	for _, p := range b.furnish() {
		for _, lang := range []string{"", "en"} {
			v := b.visitor()
			if p.account != "" {
				v = b.as(p.account)
			}
			target := p.path
			if lang != "" && !strings.Contains(target, "lang=") {
				target += map[bool]string{true: "&", false: "?"}[strings.Contains(target, "?")] + "lang=en"
			}
			w := v.get(target)
			if w.Code >= http.StatusInternalServerError {
				t.Errorf("%s: GET %s: %d %s", p.name, target, w.Code, words(w))
			}
			checkPage(t, target, w)
			for _, key := range []string{"act.", "did.", "status.", "station.", "refusal.", "event."} {
				if strings.Contains(words(w), " "+key) {
					t.Errorf("GET %s shows a key: %s", target, words(w))
				}
			}
		}
	}
}

func TestAnInstanceTellsItsStory(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	v := b.as("manager")
	expect(t, v.get(at(in)), http.StatusOK,
		"支出纠偏", "办理中", "已办 填报纠偏措施 王芳", "进行中 科室负责人确认 周强", "待办 财务科核对金额", "条件：支出差额 ≥ 500 万元",
		"计划 50%", "实际 18.8%", "1,825,000.00", "支出记录截至 2025-06-30", "500,000.00 元", "为什么由我办理", "本步骤由项目科室负责人办理：周强",
		"系统 发起", "王芳 提交", "办理时限 2025-07-03")
	w := v.get(at(in) + "/graph.svg")
	expect(t, w, http.StatusOK, "科室负责人确认")
	if w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Error(w.Header())
	}
	expect(t, v.decide(in, "approve", "comment", `好<img src=x onerror=alert(1)>`).w, http.StatusSeeOther)
	page := b.as("leader").get(at(in))
	expect(t, page, http.StatusOK, "周强 同意", "好&lt;img")
	if strings.Contains(page.Body.String(), "<img src=x") {
		t.Error("a comment is markup")
	}
	messages, err := b.store.NotificationsAfter(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	last := fmt.Sprintf("/messages/%d", messages[len(messages)-1].ID)
	if text := words(b.visitor().get(last)); strings.Contains(text, "onerror") || !strings.Contains(text, "有权查看流程的人员才能阅读") {
		t.Errorf("a stranger reads %s", text)
	}
	expect(t, b.as("finance").get(last), http.StatusOK, "好")
}

func TestOnlyThoseConcernedSeeAnInstance(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	for account, want := range map[string]int{
		"owner": 200, "manager": 200, "finance": 200, "clerk": 200, "leader": 200, "head": 200, "admin": 200, "second": 403, "stranger": 403,
	} {
		v := b.as(account)
		expect(t, v.get(at(in)), want)
		expect(t, v.get(at(in)+"/graph.svg"), want)
		expect(t, v.get("/api/v1"+at(in)), want)
		if want == http.StatusForbidden {
			expect(t, v.post(at(in)+"/actions", url.Values{"kind": {"comment"}, "comment": {"x"}}), want)
			expect(t, v.json("/api/v1"+at(in)+"/actions", `{"kind":"comment","comment":"x"}`), want)
		}
	}
	expect(t, b.visitor().get(at(in)), http.StatusSeeOther, "/login?next=%2Finstances%2F1")
	expect(t, b.as("owner").get("/instances/99"), http.StatusNotFound)
}

func TestARefusalKeepsWhatWasEntered(t *testing.T) {
	b := newBureau(t)
	in := b.open("monitoring", models.Monitoring)
	v := b.as("owner")
	w := v.decide(in, "submit", "spending", "已支付110万元", "deviation", "minor", "actuals.1.actual", "3次", "actuals.1.note", "推迟<b>", "comment", "请审").w
	expect(t, w, http.StatusUnprocessableEntity, "绩效目标完成情况：必填", "第 2 行（完成时间）“完成值”：必填")
	for _, want := range []string{"已支付110万元", `value="minor" checked`, "3次", "推迟&lt;b&gt;", "请审", `href="#f-actuals"`, `id="f-actuals"`, `href="#f-goals"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
	w = v.decide(in, "submit", "spending", "已支付110万元", "goals", "正常", "deviation", "minor", "actuals.1.actual", "3次", "actuals.2.actual", "10月").w
	expect(t, w, http.StatusSeeOther)
	expect(t, v.get(at(in)), http.StatusOK, "3次", "指标值 ≥4次", "轻微偏离")

	in = b.open("refinement", models.Refinement)
	w = v.decide(in, "submit", "breakdown.0.name", "设备", "breakdown.0.amount", "1,000.5", "breakdown.3.name", "物业", "breakdown.3.amount", "abc").w
	if expect(t, w, http.StatusUnprocessableEntity, "“金额”：应为以元计的金额"); !strings.Contains(w.Body.String(), `value="1,000.5"`) {
		t.Error("the amount is lost")
	}
	w = v.decide(in, "submit", "breakdown.paste", "A-1\t设备\t5,000.00\t到位\n\t物业\t12.30").w
	expect(t, w, http.StatusSeeOther)
	expect(t, v.get(at(in)), http.StatusOK, "5,000.00 元", "12.30 元", "细化合计 5,012.30 元")
	manager := b.as("manager")
	expect(t, manager.decide(in, "reject").w, http.StatusUnprocessableEntity, "请写明理由", "必填")
	expect(t, manager.decide(in, "send_back", "comment", "请补编码", "step", "apply").w, http.StatusSeeOther)
	page := v.get(at(in))
	for _, want := range []string{`value="A-1"`, `value="5,000.00"`, `value="12.30"`} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the form that was sent back lacks %s", want)
		}
	}
}

func TestALateClickLearnsWhoWasFirst(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	manager := b.as("manager")
	page := hidden(manager.get(at(in)).Body.String())
	expect(t, manager.post(at(in)+"/actions", with(page, "kind", "approve")), http.StatusSeeOther)
	b.clock.Advance(time.Hour)
	expect(t, manager.post(at(in)+"/actions", with(page, "kind", "approve")), http.StatusConflict, "周强已于 2025-07-01 09:00 处理", "查看流程")
	expect(t, b.as("leader").post(at(in)+"/actions", url.Values{"kind": {"approve"}, "task": {"3"}, "task_version": {"2"}}), http.StatusForbidden, "这是陈雪的待办")
	owner := b.as("owner")
	expect(t, owner.post(at(in)+"/actions", url.Values{"kind": {"urge"}}), http.StatusSeeOther)
	expect(t, owner.post(at(in)+"/actions", url.Values{"kind": {"urge"}}), http.StatusTooManyRequests, "之后再试")
	for _, kind := range []string{"open", "deadline", "hand_over", "x", ""} {
		expect(t, b.as("admin").post(at(in)+"/actions", url.Values{"kind": {kind}, "comment": {"x"}}), http.StatusUnprocessableEntity, "这种操作")
	}
}

func TestEveryActionHasItsButton(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	owner, manager, admin, second := b.as("owner"), b.as("manager"), b.as("admin"), b.number("second")
	act := func(v *visitor, want int, pairs ...string) {
		t.Helper()
		values := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			values.Add(pairs[i], pairs[i+1])
		}
		is, err := b.engine.View(t.Context(), in.ID)
		if err != nil {
			t.Fatal(err)
		}
		if task := values.Get("task"); task != "" {
			for _, known := range is.State.Tasks {
				if strconv.Itoa(known.ID) == task {
					values.Set("task_version", strconv.Itoa(known.Version))
				}
			}
		}
		expect(t, v.post(at(in)+"/actions", values), want)
	}
	expect(t, manager.get(at(in)), http.StatusOK, "转办", "委派", "加签", "评论", "抄送", "同意", "驳回", "退回")
	expect(t, owner.get(at(in)), http.StatusOK, "撤回", "催办", "评论")
	expect(t, admin.get(at(in)), http.StatusOK, "转办", "调整时限", "挂起", "终止")
	act(owner, 303, "kind", "comment", "comment", "已对账")
	act(owner, 422, "kind", "comment", "comment", " ")
	act(owner, 303, "kind", "copy", "to", b.number("leader"), "to", second)
	expect(t, b.as("second").get("/tasks/copies"), http.StatusOK, "未读")
	expect(t, b.as("second").get(at(in)), http.StatusOK, "标为已阅", "抄送给刘明、李军")
	act(b.as("second"), 303, "kind", "mark_read")
	if text := words(b.as("second").get("/tasks/copies")); strings.Contains(text, "未读") {
		t.Errorf("read, yet %s", text)
	}
	act(manager, 303, "kind", "delegate", "task", "2", "to", second)
	act(manager, 409, "kind", "approve", "task", "2")
	expect(t, b.as("second").get(at(in)), http.StatusOK, "交回", "由周强委派")
	act(b.as("second"), 303, "kind", "return", "task", "2", "comment", "已核")
	act(manager, 422, "kind", "add_signer", "task", "2", "place", "before")
	act(manager, 303, "kind", "add_signer", "task", "2", "place", "after", "to", second)
	expect(t, manager.get(at(in)), http.StatusOK, "减签", "加签（在我之后）李军")
	act(manager, 303, "kind", "remove_signer", "task", "3")
	act(admin, 422, "kind", "transfer", "task", "2", "to", second)
	act(admin, 303, "kind", "reschedule", "task", "2", "due_on", "2025-07-20", "comment", "出差")
	expect(t, admin.get(at(in)), http.StatusOK, "调整时限至 2025-07-20")
	act(manager, 403, "kind", "suspend", "comment", "x")
	act(admin, 303, "kind", "suspend", "comment", "等待审计")
	expect(t, manager.get(at(in)), http.StatusOK, "已挂起", "等待审计")
	act(admin, 303, "kind", "resume", "comment", "审计完成")
	act(manager, 303, "kind", "transfer", "task", "2", "to", b.number("head"), "comment", "请代为审核")
	act(owner, 303, "kind", "withdraw", "comment", "重新测算")
	expect(t, owner.get(at(in)), http.StatusOK, "已撤回", "王芳 撤回", "重新测算")
	if _, err := b.store.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADutyShowsItsWorkflowsAndBeginsThem(t *testing.T) {
	b := newBureau(t)
	duty := b.duties[models.Completion]
	page := fmt.Sprintf("/obligations/%d", duty.ID)
	begin := page + "/begin/extension"
	if text := words(b.visitor().get(page)); !strings.Contains(text, "没有流程") || strings.Contains(text, "发起完成时限延期") {
		t.Errorf("a stranger sees %s", text)
	}
	owner := b.as("owner")
	expect(t, owner.get(page), http.StatusOK, "发起完成时限延期", "发起预算调剂")
	expect(t, owner.get(begin), http.StatusOK, "延期至", "延期理由", "证明材料")
	expect(t, b.as("leader").get(begin), http.StatusForbidden, "您不能为此事项发起“完成时限延期”")
	expect(t, b.as("leader").post(begin, nil), http.StatusForbidden)
	expect(t, owner.get(page+"/begin/refinement"), http.StatusForbidden)
	expect(t, owner.get(page+"/begin/nothing"), http.StatusNotFound)
	expect(t, owner.get("/obligations/999/begin/extension"), http.StatusNotFound)
	w := owner.post(begin, url.Values{"new_date": {"2025-01-01"}, "reason": {"到货<i>推迟"}, "comment": {"附合同"}})
	expect(t, w, http.StatusUnprocessableEntity, "不得早于 当天", "到货&lt;i&gt;推迟", "附合同")
	expect(t, owner.post(begin, url.Values{"new_date": {"2025-12-31"}, "reason": {"到货推迟"}}), http.StatusSeeOther, "/instances/1?did=submit")
	expect(t, owner.post(begin, url.Values{"new_date": {"2025-12-31"}, "reason": {"到货推迟"}}), http.StatusConflict, "正在办理", "查看流程")
	in := workflows.Instance{ID: 1}
	for _, account := range []string{"manager", "clerk", "leader"} {
		expect(t, b.as(account).decide(in, "approve").w, http.StatusSeeOther)
	}
	expect(t, owner.get(page), http.StatusOK, "原定 2025-11-30，延至 2025-12-31", "已通过", "到货推迟")
	project := fmt.Sprintf("/projects/%d", duty.ProjectID)
	b.adjust()
	expect(t, owner.get(project), http.StatusOK, "预算调整", "5,850,000.00", "6,000,000.00", "2025-12-31：100% → 90%", "新增等保测评")
}

// adjust changes the project's budget.
func (b *bureau) adjust() {
	b.t.Helper()
	in := b.must(b.engine.Begin(b.t.Context(), "adjustment", b.duties[models.Completion].ID, workflows.Action{
		Kind: workflows.Submit, By: b.id("owner"), Form: workflows.Form{"new_budget": "600000000", "reason": "新增等保测评", "plan": `[["2025-12-31","90"]]`},
	}))
	in = b.act(in, "manager", workflows.Approve, nil)
	in = b.act(in, "finance", workflows.Approve, workflows.Form{"finance_opinion": "金额无误"})
	in = b.act(in, "clerk", workflows.Approve, nil)
	b.act(in, "leader", workflows.Approve, nil)
}

func TestReportsAreForTheUnit(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	in = b.act(in, "manager", workflows.Approve, nil)
	in = b.act(in, "finance", workflows.Approve, workflows.Form{"checked_amount": "500000"})
	in = b.act(in, "clerk", workflows.Approve, nil)
	b.act(in, "leader", workflows.Approve, nil)
	page := fmt.Sprintf("/obligations/%d", b.duties[models.SpendingTarget].ID)
	var missed models.Obligation
	if err := b.store.Read(t.Context()).Where("kind = ? AND due_on = ?", models.SpendingTarget, "2025-06-30").Take(&missed).Error; err == nil {
		page = fmt.Sprintf("/obligations/%d", missed.ID)
	}
	expect(t, b.as("second").get(page), http.StatusOK, "合同签订推迟", "财务核对的差额 5,000.00 元")
	for _, v := range []*visitor{b.visitor(), b.as("stranger")} {
		if text := words(v.get(page)); strings.Contains(text, "合同签订推迟") {
			t.Errorf("others read %s", text)
		}
	}
}
