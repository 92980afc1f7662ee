package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"duban/models"
	"duban/workflows"
)

// hidden returns the hidden fields of a page's decision form.
func hidden(body string) url.Values {
	values := url.Values{}
	for _, m := range forms.FindAllStringSubmatch(body, -1) {
		if attributes(m[1])["id"] != "decide" {
			continue
		}
		for _, f := range field.FindAllStringSubmatch(m[2], -1) {
			if a := attributes(f[1]); a["type"] == "hidden" {
				values.Set(a["name"], a["value"])
			}
		}
	}
	return values
}

func with(values url.Values, pairs ...string) url.Values {
	all := url.Values{}
	for k, v := range values {
		all[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		all.Set(pairs[i], pairs[i+1])
	}
	return all
}

func TestAWholeWorkflowByLinksAndCodes(t *testing.T) {
	b := newBureau(t)
	in := b.open("corrective_action", models.SpendingTarget)
	for _, step := range []struct {
		account, kind string
		values        []string
		shows         string
	}{
		{"owner", "submit", []string{
			"cause", "合同签订推迟", "measures", "7月完成支付", "promised_on", "2025-07-31", "promised_amount", "500,000.50", "comment", "请审批",
		}, "滞后原因"},
		{"manager", "approve", nil, "500,000.50 元"},
		{"finance", "approve", []string{"checked_amount", "１,８２５,０００"}, "财务核对的差额"},
		{"clerk", "approve", nil, "1,825,000.00 元"},
		{"leader", "approve", []string{"comment", "抓紧"}, "为什么由我办理"},
	} {
		token, code := b.mail(step.account)
		v := b.visitor()
		page := v.get("/links/" + token)
		expect(t, page, http.StatusOK, "住房公积金归集业务", "支出记录截至", "2025-06-30", "1,825,000.00", "验证码", step.shows, b.people[step.account].Name)
		checkPage(t, step.account, page)
		w := v.post("/links/"+token, with(hidden(page.Body.String()), append(step.values, "kind", step.kind, "code", code)...))
		expect(t, w, http.StatusSeeOther, fmt.Sprintf("/instances/%d?did=%s", in.ID, step.kind))
		// The code was right, so the person is in.
		expect(t, v.get(w.Header().Get("Location")), http.StatusOK, "已办理", "办理记录", b.people[step.account].Name)
		expect(t, v.get("/links/"+token), http.StatusGone, "该待办已由"+b.people[step.account].Name+"于 2025-07-01 09:00")
	}
	v, err := b.engine.View(t.Context(), in.ID)
	if err != nil || v.State.Outcome != workflows.Approved || v.State.Form["checked_amount"] != "182500000" || v.State.Form["promised_amount"] != "50000050" {
		t.Fatalf("%+v, %v", v.State, err)
	}
	if _, err := b.store.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWrongCodesLockALink(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	token, code := b.mail("manager")
	v := b.visitor()
	page := hidden(v.get("/links/" + token).Body.String())
	for range 5 {
		w := v.post("/links/"+token, with(page, "kind", "approve", "comment", "<b>同意</b>", "code", "000000x"))
		expect(t, w, http.StatusUnprocessableEntity, "验证码不对", "&lt;b&gt;同意")
	}
	expect(t, v.post("/links/"+token, with(page, "kind", "approve", "code", code)), http.StatusGone, "错误次数过多", "登录")
	expect(t, v.get("/links/"+token), http.StatusGone, "错误次数过多", "查看流程")
	if len(v.cookies) > 0 {
		t.Errorf("a wrong code lets in: %v", v.cookies)
	}
	if is, err := b.engine.View(t.Context(), in.ID); err != nil || is.State.Sequence != in.State.Sequence {
		t.Errorf("the instance has moved: %v", err)
	}
}

func TestLinksThatLeadNowhereSayWhy(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	token, code := b.mail("manager")
	v := b.visitor()
	page := hidden(v.get("/links/" + token).Body.String())

	for _, forged := range []string{"x", token[:len(token)-3] + "abc", strings.Repeat("A", 150), "%00"} {
		expect(t, v.get("/links/"+forged), http.StatusNotFound, "链接无效", "登录")
		expect(t, v.post("/links/"+forged, with(page, "kind", "approve", "code", code)), http.StatusNotFound)
	}
	foreign := b.as("leader")
	expect(t, foreign.get("/links/"+token), http.StatusForbidden, "此链接是发给周强的", "刘明的身份")
	expect(t, foreign.post("/links/"+token, with(page, "kind", "approve", "code", code)), http.StatusForbidden)

	// What the form says must be what the link is bound to.
	expect(t, v.post("/links/"+token, with(page, "kind", "approve", "code", code, "task_version", "9")), http.StatusConflict, "过时")
	expect(t, v.post("/links/"+token, with(page, "kind", "approve", "code", code, "form_hash", "beef")), http.StatusConflict, "有改动")
	expect(t, v.post("/links/"+token, with(page, "kind", "withdraw", "code", code)), http.StatusConflict)
	expect(t, v.post("/links/"+token, with(page, "kind", "deadline", "code", code)), http.StatusUnprocessableEntity)

	// Somebody else has it by now.
	task := in.State.OpenTasks()[0]
	in, err := b.engine.Act(t.Context(), in.ID, workflows.Action{
		Kind: workflows.Transfer, By: b.id("admin"), Task: task.ID, TaskVersion: task.Version, To: []int64{b.id("head")}, Comment: "出差",
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, v.get("/links/"+token), http.StatusConflict, "有变化", "管理员", "2025-07-01 09:00")
	expect(t, v.post("/links/"+token, with(page, "kind", "approve", "code", code)), http.StatusConflict, "管理员")
	b.act(in, "head", workflows.Approve, nil)
	expect(t, v.post("/links/"+token, with(page, "kind", "approve", "code", code)), http.StatusConflict, "该待办已由高建于 2025-07-01 09:00 同意")

	late, lateCode := b.mail("finance")
	b.clock.Advance(31 * 24 * time.Hour)
	expect(t, v.get("/links/"+late), http.StatusGone, "已过期", "查看流程")
	expect(t, v.post("/links/"+late, with(page, "kind", "approve", "code", lateCode)), http.StatusGone, "已过期")
}

func TestALinkWithAnotherFormAsksToLogIn(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	l := models.Link{
		UserID: b.id("manager"), InstanceID: in.ID, Task: 2, TaskVersion: in.State.Tasks[1].Version, FormHash: "an older form",
		ExpiresAt: july.AddDays(3).At(0, 0), Nonce: models.NewNonce(),
	}
	token := b.key.Token(l)
	v := b.visitor()
	w := v.get("/links/" + token)
	expect(t, w, http.StatusOK, "填报内容有改动")
	if strings.Contains(w.Body.String(), `name="code"`) {
		t.Error("the page offers to decide about another form")
	}
	values := url.Values{"kind": {"approve"}, "task_version": {strconv.Itoa(l.TaskVersion)}, "form_hash": {in.State.FormHash}, "code": {b.key.Code(token)}}
	expect(t, v.post("/links/"+token, values), http.StatusConflict, "有改动")
	// Logged in, the person decides about the form as it is.
	own := b.as("manager")
	page := hidden(own.get("/links/" + token).Body.String())
	expect(t, own.post("/links/"+token, with(page, "kind", "approve")), http.StatusSeeOther)
}

func TestOneOfManyClicksOnALinkCounts(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	token, code := b.mail("manager")
	page := hidden(b.visitor().get("/links/" + token).Body.String())
	var mu sync.Mutex
	counts := map[int]int{}
	var clicks sync.WaitGroup
	for range 8 {
		clicks.Go(func() {
			w := b.visitor().post("/links/"+token, with(page, "kind", "approve", "code", code))
			mu.Lock()
			defer mu.Unlock()
			counts[w.Code]++
			if w.Code != http.StatusSeeOther && !strings.Contains(words(w), "周强") {
				t.Errorf("%d does not say who decided: %s", w.Code, words(w))
			}
		})
	}
	clicks.Wait()
	if counts[http.StatusSeeOther] != 1 || counts[http.StatusConflict]+counts[http.StatusGone] != 7 {
		t.Errorf("answers %v", counts)
	}
	if v, err := b.engine.View(t.Context(), in.ID); err != nil || v.State.Sequence != in.State.Sequence+1 {
		t.Errorf("sequence %d, %v", v.State.Sequence, err)
	}
}

func TestWhatWasRefusedComesBackWithoutTheCode(t *testing.T) {
	b := newBureau(t)
	b.open("corrective_action", models.SpendingTarget)
	token, code := b.mail("owner")
	v := b.visitor()
	page := hidden(v.get("/links/" + token).Body.String())
	w := v.post("/links/"+token, with(page, "kind", "submit", "code", code, "cause", `合同"><script>推迟`, "promised_amount", "五十万", "promised_on", "2025-01-01"))
	expect(t, w, http.StatusUnprocessableEntity, "纠偏措施：必填", "应为以元计的金额", "不得早于 当天")
	body := w.Body.String()
	for _, want := range []string{`value="五十万"`, `合同&#34;&gt;&lt;script&gt;推迟`, `href="#f-measures"`, `value="2025-01-01"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(body, `name="code"`) || v.cookies["duban_session"] == nil {
		t.Error("the code is asked for again, although it was right")
	}
	w = v.post("/links/"+token, with(hidden(body), "kind", "submit", "cause", "合同推迟", "measures", "抓紧", "promised_amount", "50万元", "promised_on", "2025-07-31"))
	expect(t, w, http.StatusSeeOther)
}

func TestALoginLinkLetsIn(t *testing.T) {
	b := newBureau(t)
	b.visitor().post("/login", url.Values{"account": {"owner"}})
	token, code := b.mail("owner")
	v := b.visitor()
	expect(t, v.get("/links/"+token), http.StatusOK, "输入消息中的验证码")
	expect(t, v.post("/links/"+token, url.Values{"code": {"1"}}), http.StatusUnprocessableEntity, "验证码不对")
	expect(t, v.post("/links/"+token, url.Values{"code": {code}}), http.StatusSeeOther, "/tasks")
	expect(t, v.get("/tasks"), http.StatusOK, "王芳")
	expect(t, b.visitor().post("/links/"+token, url.Values{"code": {code}}), http.StatusGone, "已使用过")
}

func TestASuspendedTaskCannotBeDecidedByLink(t *testing.T) {
	b := newBureau(t)
	in := b.submitted()
	token, code := b.mail("manager")
	v := b.visitor()
	page := hidden(v.get("/links/" + token).Body.String())
	if _, err := b.engine.Act(t.Context(), in.ID, workflows.Action{Kind: workflows.Suspend, By: b.id("admin"), Comment: "等待审计"}); err != nil {
		t.Fatal(err)
	}
	expect(t, v.get("/links/"+token), http.StatusOK, "已挂起", "等待审计")
	expect(t, v.post("/links/"+token, with(page, "kind", "approve", "code", code)), http.StatusConflict, "挂起")
	if _, err := b.engine.Act(t.Context(), in.ID, workflows.Action{Kind: workflows.Terminate, By: b.id("admin"), Comment: "不再需要"}); err != nil {
		t.Fatal(err)
	}
	expect(t, v.get("/links/"+token), http.StatusConflict, "已终止")
}
