package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"duban/models"
	"duban/models/modelstest"
	"duban/workflows"
)

// handset is a person with a browser on a phone.
type handset struct {
	*testing.T
	ctx  context.Context //nolint:containedctx // of the browser
	base string
	said func() []string
	n    int
}

func (p *handset) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatalf("%d: %v", p.n, err)
	}
}

// look checks that the page fits, says nothing in the console, and has buttons
// for a thumb, and takes its picture.
func (p *handset) look(name string, width int64) {
	p.Helper()
	s, err := chromedp.Run(p.ctx, chromedp.Evaluate[sight](measure))
	if err != nil {
		p.Fatal(err)
	}
	if s.Wide > width {
		p.Errorf("%s is %d px wide on a screen of %d px, because of %s", name, s.Wide, width, s.Widest)
	}
	small, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll('.decision-bar button')].filter(b => {
		const r = b.getBoundingClientRect(); return r.height < 44 || r.bottom > innerHeight + 1 || r.top < 0;
	}).map(b => b.outerHTML).join()`))
	if err != nil || small != "" {
		p.Errorf("%s: out of reach of a thumb: %s %v", name, small, err)
	}
	for _, said := range p.said() {
		// A form that comes back, or a page that is not theirs, is told as an
		// error of the network.
		if !strings.Contains(said, "responded with a status of 4") {
			p.Errorf("%s: the console says %q", name, said)
		}
	}
	screen, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fatal(err)
	}
	p.n++
	save(p.T, fmt.Sprintf("http://x/%02d-%s-screen", p.n, name), width, screen)
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.Fatal(err)
	}
	save(p.T, fmt.Sprintf("http://x/%02d-%s", p.n, name), width, picture)
}

// enter logs a person in, in the demonstration.
func (p *handset) enter(b *bureau, account string) {
	p.Helper()
	p.do(chromedp.Navigate(p.base+"/login"), chromedp.Tap(fmt.Sprintf(`.people button[value="%d"]`, b.id(account))),
		chromedp.WaitVisible(`.chips`))
}

// leave logs the person out.
func (p *handset) leave() {
	p.Helper()
	p.do(chromedp.Tap(`.me button`), chromedp.WaitVisible(`#account`))
}

func (p *handset) fill(field, value string) {
	p.Helper()
	p.do(chromedp.ScrollIntoView("#"+field), chromedp.SetValue("#"+field, value))
}

// A corrective action goes from 王芳 to the leader in charge, on a phone and
// without a script.
func TestADecisionIsTakenOnAPhone(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	b := newBureau(t, demo)
	in := b.open("corrective_action", models.SpendingTarget)
	server := httptest.NewServer(b.h)
	defer server.Close()
	ctx, said := browse(t, path)
	p := &handset{T: t, ctx: ctx, base: server.URL, said: said}
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))

	p.do(chromedp.Navigate(p.base + "/login"))
	p.look("login", 390)
	p.enter(b, "owner")
	p.look("tasks", 390)
	p.do(chromedp.Tap(`.entry a`), chromedp.WaitVisible(`.decision-bar button`))
	p.look("apply", 390)
	p.fill("f-cause", "合同签订推迟")
	p.fill("f-measures", "7月15日前完成结算并支付，每周报告进度。")
	p.fill("f-promised_on", "2025-07-31")
	p.fill("f-promised_amount", "五十万")
	p.do(chromedp.Tap(`.decision-bar button[value="submit"]`), chromedp.WaitVisible(`.flaws`))
	p.look("apply-refused", 390)
	p.fill("f-promised_amount", "1,825,000")
	p.do(chromedp.Tap(`.decision-bar button[value="submit"]`), chromedp.WaitVisible(`.did`))
	p.look("submitted", 390)
	p.leave()

	p.enter(b, "manager")
	p.do(chromedp.Tap(`.entry a`), chromedp.WaitVisible(`.decision-bar button`))
	p.look("manager", 390)
	p.do(chromedp.Tap(`.decision-bar button[value="reject"]`), chromedp.WaitVisible(`.flaws`))
	p.look("reject-needs-reason", 390)
	p.do(chromedp.Tap(`.decision-bar button[value="approve"]`), chromedp.WaitVisible(`.did`))
	p.leave()
	for _, account := range []string{"finance", "clerk", "leader"} {
		p.enter(b, account)
		p.do(chromedp.Tap(`.entry a`), chromedp.WaitVisible(`.decision-bar button`))
		if account == "finance" {
			p.fill("f-checked_amount", "1825000")
		}
		p.look(account, 390)
		p.do(chromedp.Tap(`.decision-bar button[value="approve"]`), chromedp.WaitVisible(`.did`))
		if account == "leader" {
			p.look("approved", 390)
		}
		p.leave()
	}
	v, err := b.engine.View(t.Context(), in.ID)
	if err != nil || v.State.Outcome != workflows.Approved || v.State.Form["promised_amount"] != "182500000" {
		t.Errorf("%+v, %v", v.State, err)
	}
}

// Every page about workflows fits its screen and leaves the console empty.
func TestWorkflowPagesFitTheirScreens(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	b := newBureau(t, demo)
	paths := b.furnish()
	server := httptest.NewServer(b.h)
	defer server.Close()
	ctx, said := browse(t, path)
	p := &handset{T: t, ctx: ctx, base: server.URL, said: said}
	for _, width := range []int64{1280, 390} {
		p.do(chromedp.EmulateViewport(width, 844))
		for _, page := range paths {
			p.become(b, page.account)
			p.do(chromedp.Navigate(p.base+page.path), chromedp.WaitVisible(`main`))
			p.look(page.name, width)
		}
	}
}

// become makes the browser a person's, or a stranger's.
func (p *handset) become(b *bureau, account string) {
	p.Helper()
	p.do(chromedp.Navigate(p.base + "/login"))
	if account != "" {
		p.do(chromedp.Click(fmt.Sprintf(`.people button[value="%d"]`, b.id(account))), chromedp.WaitVisible(`.chips`))
		return
	}
	known, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](`!!document.querySelector('.me button')`))
	if err != nil {
		p.Fatal(err)
	}
	if known {
		p.do(chromedp.Click(`.me button`), chromedp.WaitNotPresent(`.me button`))
	}
}

// page is a page about workflows as somebody looks at it.
type page struct{ name, account, path string }

// furnish brings about every kind of thing that a page shows, and returns the
// pages that show them.
func (b *bureau) furnish() []page {
	b.t.Helper()
	corrective := b.submitted()
	token, _ := b.mail("manager")
	monitoring := b.open("monitoring", models.Monitoring)
	selfEvaluation := b.open("self_evaluation", models.SelfEvaluation)
	b.must(b.engine.Act(b.t.Context(), corrective.ID, workflows.Action{Kind: workflows.Comment, By: b.id("owner"), Comment: "请尽快审批，合同约定7月10日前支付首付款。\n已与银行对账。"}))
	b.must(b.engine.Act(b.t.Context(), corrective.ID, workflows.Action{Kind: workflows.CopyTo, By: b.id("owner"), To: []int64{b.id("leader")}}))
	b.must(b.engine.Lend(b.t.Context(), b.id("manager"), models.Delegation{FromID: b.id("manager"), ToID: b.id("head"), FirstDay: july, LastDay: july.AddDays(9), Reason: "年休假"}))
	extension := b.must(b.engine.Begin(b.t.Context(), "extension", b.duties[models.Completion].ID, workflows.Action{
		Kind: workflows.Submit, By: b.id("owner"), Form: workflows.Form{"new_date": "2025-12-31", "reason": "设备到货推迟"}, Comment: "附合同",
	}))
	for _, account := range []string{"manager", "clerk", "leader"} {
		extension = b.act(extension, account, workflows.Approve, nil)
	}
	adjustment := b.must(b.engine.Begin(b.t.Context(), "adjustment", b.duties[models.Completion].ID, workflows.Action{
		Kind: workflows.Submit, By: b.id("owner"), Form: workflows.Form{"new_budget": "600000000", "reason": "新增等保测评", "plan": `[["2025-12-31","90"]]`},
	}))
	adjustment = b.act(adjustment, "manager", workflows.Approve, nil)
	adjustment = b.act(adjustment, "finance", workflows.Approve, workflows.Form{"finance_opinion": "金额无误"})
	for _, account := range []string{"clerk", "leader"} {
		adjustment = b.act(adjustment, account, workflows.Approve, nil)
	}
	refinement := b.open("refinement", models.Refinement) // one change of the budget at a time
	refinement = b.act(refinement, "owner", workflows.Submit, workflows.Form{
		"breakdown": `[["13020025P101","办公设备购置","300000000","配备到位"],["","物业服务费","285000000",""]]`, "note": "按处室细化",
	})
	monitoringTask := monitoring.State.OpenTasks()[0]
	at := func(in workflows.Instance) string { return fmt.Sprintf("/instances/%d", in.ID) }
	duty := func(kind models.Kind) string { return fmt.Sprintf("/obligations/%d", b.duties[kind].ID) }
	return []page{
		{"login", "", "/login"},
		{"link", "", "/links/" + token},
		{"link-forged", "", "/links/x"},
		{"tasks-owner", "owner", "/tasks"},
		{"tasks-manager", "manager", "/tasks"},
		{"tasks-stand-in", "head", "/tasks"},
		{"decided", "manager", "/tasks/decided"},
		{"started", "owner", "/tasks/started"},
		{"copies", "leader", "/tasks/copies"},
		{"overdue", "clerk", "/tasks/overdue"},
		{"unassigned", "admin", "/tasks/unassigned"},
		{"instance-manager", "manager", at(corrective)},
		{"instance-owner", "owner", at(corrective)},
		{"instance-admin", "admin", at(corrective)},
		{"instance-copy", "leader", at(corrective)},
		{"instance-approved", "owner", at(extension)},
		{"instance-english", "manager", at(corrective) + "?lang=en"},
		{"monitoring", "owner", at(monitoring) + fmt.Sprintf("?task=%d", monitoringTask.ID)},
		{"refinement", "manager", at(refinement)},
		{"self-evaluation", "owner", at(selfEvaluation)},
		{"adjustment", "head", at(adjustment)},
		{"begin-refused", "leader", duty(models.Completion) + "/begin/extension"},
		{"begin-extension", "owner", duty(models.Completion) + "/begin/extension"},
		{"begin-refinement", "owner", duty(models.Refinement) + "/begin/refinement"},
		{"begin-adjustment", "owner", duty(models.SpendingTarget) + "/begin/adjustment"},
		{"obligation", "owner", duty(models.Completion)},
		{"project", "owner", fmt.Sprintf("/projects/%d", b.duties[models.Completion].ProjectID)},
		{"delegations", "manager", "/delegations"},
		{"delegations-admin", "admin", "/delegations"},
		{"handover", "admin", "/handover"},
	}
}

// must is for what no test expects to fail.
func (b *bureau) must(in any, err error) workflows.Instance {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	is, _ := in.(workflows.Instance)
	return is
}
