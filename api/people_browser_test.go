package api_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"duban/models"
	"duban/models/modelstest"
)

// What people set up for themselves works on a phone and without a script, and
// every such page fits its screen.
func TestPeopleSetThingsUpOnAPhone(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	b := newBureau(t, demo)
	routed(b)
	b.change("owner", func(u *models.User) { u.Mobile = "13812348000" })
	n := b.remind("leader", models.ToLeader)
	server := httptest.NewServer(b.h)
	defer server.Close()
	ctx, said := browse(t, path)
	p := &handset{T: t, ctx: ctx, base: server.URL, said: said}
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	duty := fmt.Sprintf("%s/obligations/%d", p.base, b.duties[models.Completion].ID)

	p.enter(b, "owner")
	p.do(chromedp.Tap(`.me a[href="/settings"]`), chromedp.WaitVisible(`select[name="urgent1"]`),
		chromedp.SetValue(`select[name="urgent1"]`, "sms"), chromedp.SetValue(`select[name="urgent2"]`, "email"),
		chromedp.SetValue(`input[name="quiet_from"]`, "21:30"), chromedp.SetValue(`input[name="quiet_until"]`, "07:30"),
		chromedp.Tap(`form.decide button`), chromedp.WaitVisible(`.did`))
	p.look("people-settings-saved", 390)
	if u := b.person("owner"); u.Reach.QuietFrom != "21:30" || len(u.Reach.Urgent) != 2 {
		t.Errorf("%+v", u.Reach)
	}
	p.do(chromedp.Navigate(duty), chromedp.WaitVisible(`#days`), chromedp.SetValue(`#days`, "3"))
	p.fill("note", "已联系施工方，周五前完成。")
	p.look("people-acknowledge", 390)
	p.do(chromedp.Tap(`#ack form button`), chromedp.WaitVisible(`#ack .timeline`))
	p.look("people-acknowledged", 390)
	p.do(chromedp.Navigate(p.base+"/feeds"), chromedp.Tap(`form.decide button`), chromedp.WaitVisible(`#address`))
	p.look("people-feed-made", 390)
	p.leave()

	p.enter(b, "clerk")
	p.do(chromedp.Navigate(duty), chromedp.Tap(`a[href^="/silences/new"]`), chromedp.WaitVisible(`#reason`),
		chromedp.SetValue(`#last`, "2025-07-31"))
	p.fill("reason", "承建单位破产清算，等待法院裁定")
	p.do(chromedp.Tap(`button[value="try"]`), chromedp.WaitVisible(`.alert`))
	p.look("people-silence-tried", 390)
	p.do(chromedp.Tap(`button[value="save"]`), chromedp.WaitVisible(`.stack`))
	p.do(chromedp.Tap(`.stack details summary`), chromedp.WaitVisible(`.stack input[name="sure"]`))
	p.look("people-silences", 390)
	p.do(chromedp.Tap(`.stack input[name="sure"]`), chromedp.Tap(`.stack details button`), chromedp.WaitVisible(`details.card`))
	if len(b.inForce()) != 0 {
		t.Error("the silence goes on")
	}
	p.leave()

	manager := b.as("manager")
	mute := url.Values{"kind": {"mute"}, "project": {"13020025P001"}, "owner": {b.number("manager")}, "reason": {"合同诉讼中，结果出来之前由科室每周汇报一次进展"}}
	expect(t, manager.post("/silences", mute), 303)
	expect(t, b.as("admin").post("/silences", url.Values{"kind": {"window"}, "channel": {"sms"}, "until": {"2025-07-02T08:00"}, "reason": {"短信网关升级"}}), 303)
	b.as("clerk").subscribe(b.people["clerk"].UnitID)
	for _, width := range []int64{1280, 390} {
		p.do(chromedp.EmulateViewport(width, 844))
		for _, page := range []page{
			{"people-settings", "owner", "/settings"},
			{"people-settings-admin", "admin", "/settings/" + b.number("owner")},
			{"people-settings-english", "owner", "/settings?lang=en"},
			{"people-silences-clerk", "clerk", "/silences"},
			{"people-silences-english", "clerk", "/silences?lang=en"},
			{"people-silence-new", "admin", "/silences/new"},
			{"people-window-new", "admin", "/silences/new?kind=window"},
			{"people-mute-new", "manager", "/silences/new?kind=mute&project=1"},
			{"people-feeds", "clerk", "/feeds"},
			{"people-obligation", "owner", fmt.Sprintf("/obligations/%d", n.ObligationID)},
			{"people-project", "manager", "/projects/1"},
			{"people-message", "leader", fmt.Sprintf("/messages/%d", n.ID)},
		} {
			p.become(b, page.account)
			p.do(chromedp.Navigate(p.base+page.path), chromedp.WaitVisible(`#main`))
			p.look(page.name, width)
		}
	}
}
