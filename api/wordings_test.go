package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"duban/api"
	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

const (
	reminderWords = "/templates/reminder_before?language=zh-CN&form=text"
	reminderSMS   = "/templates/reminder_before?language=zh-CN&form=sms"
	taskWords     = "/templates/workflow_task?language=zh-CN&form=text"
	loginSMS      = "/templates/login_code?language=zh-CN&form=sms"
)

// reworded returns words for a reminder with the given lead.
func reworded(lead string) string {
	return `{{define "accent"}}#1f4e79{{end}}
{{define "headline"}}还有{{.DaysLeft}}天{{end}}
{{define "subject"}}【督办】{{template "headline" .}}：{{template "topic" .}}{{end}}
{{define "lead"}}` + lead + `{{end}}
{{define "ask"}}请按期办理。{{end}}
`
}

func editing(do, source string, seen int) url.Values {
	return url.Values{"do": {do}, "source": {strings.ReplaceAll(source, "\n", "\r\n")}, "seen": {strconv.Itoa(seen)}}
}

// reminded puts a reminder for the owner into the outbox.
func (b *bureau) reminded() models.Notification {
	b.t.Helper()
	n := models.Notification{
		DedupKey: "reminded", ObligationID: b.duties[models.SpendingTarget].ID, RecipientID: b.id("owner"), Channel: models.ChannelEmail,
		Day: b.store.Today(), Template: notifier.ReminderBefore, Language: models.Chinese, State: models.NotificationPending, NextAttemptAt: b.clock.Now(),
		Payload: models.Reminder{Kind: models.Completion, Title: "真实的事项", UnitName: "真实的单位", DueOn: july.AddDays(10), AsOf: july, DaysLeft: 10, Light: models.Green},
	}
	if err := b.store.Tx(b.t.Context(), "test", func(tx *models.Tx) error { return tx.Create(&n) }); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestOnlyAdministratorsSeeTemplates(t *testing.T) {
	b := newBureau(t)
	owner, admin, stranger := b.as("owner"), b.as("admin"), b.visitor()
	for _, page := range []string{"/templates", reminderWords} {
		expect(t, owner.get(page), http.StatusForbidden, "您无权查看")
		expect(t, stranger.get(page), http.StatusSeeOther, "/login")
		expect(t, admin.get(page), http.StatusOK, "到期提醒")
	}
	expect(t, owner.post(reminderWords, editing("publish", reworded("x"), 0)), http.StatusForbidden)
	expect(t, owner.post("/templates/reminder_before/restore", url.Values{"number": {"0"}}), http.StatusForbidden)
	expect(t, stranger.post(reminderWords, editing("publish", reworded("x"), 0)), http.StatusUnauthorized)
	for page, status := range map[string]int{
		"/templates/reminder_never":                      http.StatusNotFound,
		"/templates/reminder_before?language=fr":         http.StatusBadRequest,
		"/templates/reminder_before?form=voice":          http.StatusBadRequest,
		"/templates/reminder_before?number=9":            http.StatusNotFound,
		"/templates/reminder_before?number=x":            http.StatusBadRequest,
		"/templates/reminder_before?done=<script>":       http.StatusBadRequest,
		"/templates/reminder_before?language=en&lang=en": http.StatusOK,
	} {
		expect(t, admin.get(page), status)
	}
	expect(t, admin.post(reminderWords, editing("burn", reworded("请看"), 0)), http.StatusBadRequest)
	if list, err := b.store.Wordings(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d wordings are stored, %v", len(list), err)
	}
}

func TestAWordingIsPreviewedPublishedAndRestored(t *testing.T) {
	b := newBureau(t)
	admin := b.as("admin")
	expect(t, admin.get(reminderWords), http.StatusOK, "现行内置模板", "没有改过", "{{define &#34;lead&#34;}}{{template &#34;duty&#34; .}}", ".DaysLeft")
	expect(t, admin.post(reminderWords, editing("preview", reworded("新的措辞：{{.Title}}"), 0)), http.StatusOK,
		"以虚构的内容为例", "新的措辞：6月底支出进度达到50%", "计划进度：50%")
	n := b.reminded()
	preview := admin.post(reminderWords, editing("preview", reworded("新的措辞：{{.Title}}"), 0))
	expect(t, preview, http.StatusOK, "以最近的真实消息为例", fmt.Sprintf("消息 %d", n.ID), "王芳，您好", "新的措辞：真实的事项")
	if list, err := b.store.Wordings(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("a preview stored %d wordings, %v", len(list), err)
	}

	expect(t, admin.post(reminderWords, editing("publish", reworded("新的措辞"), 0)), http.StatusSeeOther, "done=published")
	expect(t, admin.get(reminderWords+"&done=published"), http.StatusOK, "已启用第 1 版", "现行第 1 版", "admin", "恢复内置模板")
	expect(t, admin.get("/templates"), http.StatusOK, "第 1 版 2025-07-01 09:00 admin")
	expect(t, admin.get(fmt.Sprintf("/messages/%d", n.ID)), http.StatusOK, "新的措辞", "措辞 第 1 版")
	expect(t, admin.post(reminderWords, editing("publish", reworded("更新的措辞"), 1)), http.StatusSeeOther)
	expect(t, admin.get(reminderWords+"&number=1"), http.StatusOK, "已载入第 1 版", "现行第 2 版")

	restore := strings.Replace(reminderWords, "?", "/restore?", 1)
	expect(t, admin.post(restore, url.Values{"number": {"1"}, "seen": {"2"}}), http.StatusSeeOther, "done=published")
	expect(t, admin.post(restore, url.Values{"number": {"0"}, "seen": {"3"}}), http.StatusSeeOther, "done=restored")
	expect(t, admin.get(reminderWords+"&done=restored"), http.StatusOK, "已恢复内置模板（第 4 版）", "现行内置模板")
	expect(t, admin.post(restore, url.Values{"number": {"8"}, "seen": {"4"}}), http.StatusNotFound)
	history, err := b.store.WordingHistory(t.Context(), models.Wording{Template: "reminder_before", Language: models.Chinese, Form: models.WordingText}, 10)
	if err != nil || len(history) != 4 || history[1].Source != reworded("新的措辞") || strings.Contains(history[3].Source, "\r") || history[0].PublishedBy != "admin" {
		t.Errorf("%+v, %v", history, err)
	}
}

func TestEveryProblemOfAWordingIsTold(t *testing.T) {
	b := newBureau(t)
	admin := b.as("admin")
	bad := reworded("{{.Titel}}\n{{.Code}}")
	for _, do := range []string{"preview", "publish", "test", "html"} {
		expect(t, admin.post(reminderWords, editing(do, bad, 0)), http.StatusUnprocessableEntity,
			"有 2 处需要修改", "第 4 行：没有变量 .Titel", "第 5 行：.Code 只能用在 if 条件里", "{{.Titel}}")
	}
	english := admin.post(reminderWords+"&lang=en", editing("publish", bad, 0))
	expect(t, english, http.StatusUnprocessableEntity, "2 things to mend", "line 4: there is no variable .Titel")
	expect(t, admin.post(reminderSMS, editing("publish", "body: ${nothing}", 0)), http.StatusUnprocessableEntity, `没有 &#34;nothing&#34; 这项内容`)
}

// Of two administrators, the second learns of the first, and keeps the text.
func TestASecondEditorIsTold(t *testing.T) {
	b := newBureau(t)
	admin := b.as("admin")
	expect(t, admin.post(reminderWords, editing("publish", reworded("第一人"), 0)), http.StatusSeeOther)
	late := admin.post(reminderWords, editing("publish", reworded("第二人"), 0))
	expect(t, late, http.StatusConflict, "他人已启用第 1 版（admin）", "第二人", "第一人")
	if !strings.Contains(late.Body.String(), `name="seen" value="1"`) {
		t.Error("after having looked, the second cannot save either")
	}
	expect(t, admin.post(reminderWords, editing("publish", reworded("第二人"), 1)), http.StatusSeeOther)
	restore := strings.Replace(reminderWords, "?", "/restore?", 1)
	expect(t, admin.post(restore, url.Values{"number": {"0"}, "seen": {"1"}}), http.StatusConflict, "他人已启用第 2 版")
}

// An e-mail that is looked at cannot run, post, or reach our cookies.
func TestAnEmailIsShownInASandbox(t *testing.T) {
	b := newBureau(t)
	n := b.reminded()
	w := b.as("admin").post(reminderWords, editing("html", reworded("<b>"), 0))
	expect(t, w, http.StatusUnprocessableEntity, "文字中不能有")
	w = b.as("admin").post(reminderWords, editing("html", reworded("新的措辞"), 0))
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != http.StatusOK || !strings.HasPrefix(policy, "sandbox;") || strings.Contains(policy, "allow-") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("status %d, policy %s", w.Code, policy)
	}
	if !strings.Contains(w.Body.String(), n.Payload.Title) || !strings.HasPrefix(w.Body.String(), "<!DOCTYPE html>") {
		t.Errorf("it is not the e-mail:\n%s", w.Body)
	}
	expect(t, b.as("admin").post(reminderSMS, editing("html", "body: 快到期了", 0)), http.StatusBadRequest)
}

// An example is a real message, but nobody can act by its link and code.
func TestAnExampleHasNoRealLink(t *testing.T) {
	b := newBureau(t, func(o *api.Options) {
		templates, err := notifier.NewTemplates("http://127.0.0.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		o.Library = notifier.NewLibrary(templates, o.Store, o.Logger)
	})
	b.submitted() // tells the manager
	source, ok := b.library().Builtin().Builtin(models.Wording{Template: "workflow_task", Language: models.Chinese, Form: models.WordingText})
	if !ok {
		t.Fatal("there is no workflow_task")
	}
	preview := b.as("admin").post(taskWords, editing("preview", source, 0))
	expect(t, preview, http.StatusOK, "以最近的真实消息为例", "周强，您好", "http://127.0.0.1:8080/links/", "验证码 ", "群机器人和 Webhook", "http://127.0.0.1:8080/instances/")
	token, code := b.mail("manager")
	if strings.Contains(words(preview), token) || strings.Contains(words(preview), code) {
		t.Error("the preview shows a real link or code")
	}
}

// library returns the words of the bureau's database.
func (b *bureau) library() *notifier.Library {
	b.t.Helper()
	templates, err := notifier.NewTemplates("")
	if err != nil {
		b.t.Fatal(err)
	}
	return notifier.NewLibrary(templates, b.store, nil)
}

// mailbox is an outlet that keeps what it is given, and its channel.
func mailbox(name models.Channel) (*carrier, api.Outlet) {
	c := &carrier{}
	return c, api.Outlet{Name: name, Channel: c}
}

func TestATestGoesToTheAdministratorAlone(t *testing.T) {
	p, outlet := mailbox(models.ChannelFile)
	b := newBureau(t, func(o *api.Options) { o.Outlets = []api.Outlet{outlet} })
	b.reminded()
	admin := b.as("admin")
	expect(t, admin.post(reminderWords, editing("test", reworded("新的措辞"), 0)), http.StatusOK, "测试消息已发出（文件）", "新的措辞")
	if len(p.got) != 1 || p.got[0].Address != "admin@example.cn" || p.got[0].Name != "管理员" ||
		!strings.HasPrefix(p.got[0].Subject, "[测试] 【督办】") || !strings.Contains(p.got[0].Text, "真实的事项") || !strings.HasPrefix(p.got[0].Key, "test-") {
		t.Errorf("sent: %+v", p.got)
	}
	expect(t, admin.post(reminderWords, editing("test", reworded("新的措辞"), 0)), http.StatusTooManyRequests, "10 秒后再试", "新的措辞")
	b.clock.Advance(time.Minute)
	p.err = &notifier.SendError{Class: notifier.Down, Code: "file_write", Err: errors.New("secret path")}
	failed := admin.post(reminderWords, editing("test", reworded("新的措辞"), 0))
	expect(t, failed, http.StatusBadGateway, "测试消息没有发出：file_write")
	if strings.Contains(words(failed), "secret path") {
		t.Error("the cause is told")
	}
	expect(t, admin.post(reminderSMS, editing("test", "body: 快到期了", 0)), http.StatusUnprocessableEntity, "没有可以给您发测试消息的渠道")
	var entries, messages int64
	if err := b.store.Read(t.Context()).Model(&models.AuditEntry{}).Where("action = ?", "wording.tested").Count(&entries).Error; err != nil || entries != 2 {
		t.Errorf("%d audit entries, %v", entries, err)
	}
	if err := b.store.Read(t.Context()).Model(&models.Notification{}).Count(&messages).Error; err != nil || messages != 1 {
		t.Errorf("%d messages in the outbox, %v", messages, err)
	}
}

// priced is a channel of text messages that knows what they cost.
type priced struct{ *carrier }

func (priced) Measure(notifier.Message) (int, int64) { return 1, 4_500 }

func TestATextMessageIsMeasured(t *testing.T) {
	group, wecom := mailbox(models.ChannelWeCom)
	mail, email := mailbox(models.ChannelEmail)
	phones := &carrier{}
	b := newBureau(t, func(o *api.Options) {
		o.Engine.Routing = models.Routing{Configured: []models.Channel{models.ChannelWeCom, models.ChannelEmail, models.ChannelSMS}}
		o.Outlets = []api.Outlet{wecom, email, {Name: models.ChannelSMS, Channel: priced{phones}}}
	})
	admin := b.as("admin")
	expect(t, admin.post(loginSMS, editing("preview", "body: 验证码${code}，${minutes}分钟内有效。", 0)), http.StatusOK,
		"【督办】验证码", "，10分钟内有效。", "含签名 22 字，计费 1 条", "约 0.045 元")
	// Without a number there is no test by text message, and none goes to a group.
	expect(t, admin.post(loginSMS, editing("test", "body: 验证码${code}", 0)), http.StatusUnprocessableEntity, "没有可以给您发测试消息的渠道")
	expect(t, admin.post(reminderWords, editing("test", reworded("请看"), 0)), http.StatusOK)
	if len(group.got) != 0 || len(mail.got) != 1 {
		t.Errorf("%d tests to the group, %d by e-mail", len(group.got), len(mail.got))
	}
	o := &office{bureau: b}
	o.reachable()
	expect(t, b.as("admin").post(loginSMS, editing("test", "body: 验证码${code}", 0)), http.StatusOK)
	if len(phones.got) != 1 || phones.got[0].Mobile != aNumber || phones.got[0].SMS.Body != "验证码${code}" || phones.got[0].Facts["code"] == "" {
		t.Errorf("sent: %+v", phones.got)
	}
}

// The page of channels tries them out in the words that are in force: a
// provider knows no others.
func TestAChannelIsTriedOutInThePublishedWords(t *testing.T) {
	o := newOffice(t)
	o.reachable()
	admin := o.as("admin")
	expect(t, admin.post(reminderSMS, editing("publish", "template_id: SMS_1\nbody: ${project}快到期了", 0)), http.StatusSeeOther)
	expect(t, admin.post("/channels/sms/test", nil), http.StatusOK)
	if len(o.carrier.got) != 1 || o.carrier.got[0].SMS.TemplateID != "SMS_1" {
		t.Errorf("sent: %+v", o.carrier.got)
	}
}

// An administrator rewords a reminder on a desk and on a phone.
func TestAWordingIsChangedInABrowser(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	p, outlet := mailbox(models.ChannelFile)
	b := newBureau(t, demo, func(o *api.Options) { o.Outlets = []api.Outlet{outlet} })
	b.reminded()
	server := httptest.NewServer(b.h)
	defer server.Close()
	ctx, said := browse(t, path)
	h := &handset{T: t, ctx: ctx, base: server.URL, said: said}
	press := func(do, then string) {
		t.Helper()
		h.do(chromedp.Click(fmt.Sprintf(`button[value="%s"]`, do)), chromedp.WaitVisible(then))
	}
	for i, width := range []int64{1280, 390} {
		h.do(chromedp.EmulateViewport(width, 844))
		h.become(b, "admin")
		h.do(chromedp.Navigate(server.URL+"/templates"), chromedp.WaitVisible(`table`))
		h.look("templates", width)
		h.do(chromedp.Click(`a[aria-label="到期提醒 中文消息"]`), chromedp.WaitVisible(`#source`))
		h.look("template", width)
		h.do(chromedp.SetValue(`#source`, reworded("{{.Titel}}")))
		press("preview", `.flaws`)
		h.look("template-problems", width)
		h.do(chromedp.SetValue(`#source`, reworded(fmt.Sprintf("第 %d 次改的措辞：{{.Title}}", i+1))))
		press("preview", `#preview`)
		h.look("template-preview", width)
		b.clock.Advance(time.Minute)
		press("test", `.did`)
		h.do(chromedp.Click(`button[value="publish"]`), chromedp.WaitReady(fmt.Sprintf(`input[name="seen"][value="%d"]`, i+1)))
		h.look("template-published", width)
		h.do(chromedp.Click(`nav.chips a:nth-child(2)`), chromedp.WaitVisible(`textarea[rows="8"]`))
		press("preview", `.phone`)
		h.look("template-sms", width)
	}
	list, err := b.store.Wordings(t.Context())
	if err != nil || len(list) != 1 || list[0].Number != 2 || !strings.Contains(list[0].Source, "第 2 次改的措辞") || len(p.got) != 2 {
		t.Errorf("%+v, %d tests, %v", list, len(p.got), err)
	}
}
