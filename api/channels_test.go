package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"duban/api"
	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
	"duban/notifier/robot"
)

// carrier is a channel of text messages that does as it is told.
type carrier struct {
	got []notifier.Message
	err error
}

func (c *carrier) Send(_ context.Context, m notifier.Message) (string, error) {
	c.got = append(c.got, m)
	return "", c.err
}
func (c *carrier) Close() error { return nil }
func (c *carrier) Settle(context.Context, notifier.Message, string, time.Time) (notifier.Fate, error) {
	return notifier.Fate{}, nil
}
func (c *carrier) ReceiptWait() time.Duration            { return time.Hour }
func (c *carrier) Measure(notifier.Message) (int, int64) { return 1, 0 }

// office is a bureau whose channels can be tried out.
type office struct {
	*bureau
	carrier *carrier
	group   string // what the robot's platform answers
	dir     string
}

func newOffice(t *testing.T, change ...func(*api.Options)) *office {
	t.Helper()
	o := &office{carrier: &carrier{}, group: `{"errcode":0}`, dir: t.TempDir()}
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(o.group)) }))
	t.Cleanup(platform.Close)
	file, err := notifier.NewFile(o.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	group, err := robot.New(robot.Config{Kind: robot.WeCom, URL: platform.URL + "/send?key=hunter2-hunter2", AllowHost: strings.TrimPrefix(platform.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	o.bureau = newBureau(t, append(change, func(opt *api.Options) {
		opt.Engine.Routing = models.Routing{
			Configured: []models.Channel{models.ChannelSMS, models.ChannelWeCom, models.ChannelFile},
			Normal:     []models.Channel{models.ChannelFile}, Urgent: []models.Channel{models.ChannelFile, models.ChannelSMS},
		}
		opt.Outlets = []api.Outlet{
			{Name: models.ChannelSMS, Provider: "aliyun", Channel: o.carrier, Quota: models.Quota{PerNumberDay: 30, PerSecond: 10}},
			{Name: models.ChannelWeCom, Channel: group, Quota: group.Quota()},
			{Name: models.ChannelFile, Channel: file},
		}
	})...)
	return o
}

// reachable gives the administrator a number.
func (o *office) reachable() {
	o.t.Helper()
	if err := o.store.Read(o.t.Context()).Model(&models.User{}).Where("account = ?", "admin").Update("mobile", aNumber).Error; err != nil {
		o.t.Fatal(err)
	}
}

func TestThePageOfChannelsSaysHowTheyAre(t *testing.T) {
	o := newOffice(t)
	expect(t, o.visitor().get("/channels"), http.StatusSeeOther, "/login")
	for _, account := range []string{"owner", "clerk", "leader"} {
		expect(t, o.as(account).get("/channels"), http.StatusForbidden)
		expect(t, o.as(account).post("/channels/file/test", nil), http.StatusForbidden)
	}
	v := o.as("admin")
	w := v.get("/channels")
	expect(t, w, http.StatusOK,
		"短信 阿里云", "还没有用过", "紧急消息第 2", "每人每天 30 条、每秒共 10 条", "最多等 60 分钟", "无法测试",
		"企业微信群", "仅供个人选用", "每分钟共 20 条", "群里或接收程序的人都看得到", "向群或接收程序发一条测试消息",
		"文件", "普通消息第 1、紧急消息第 1", "发一条测试消息给 管理员", "待发送 0", "近 30 天放弃 0")
	checkPage(t, "/channels", w)
	expect(t, v.get("/channels?lang=en"), http.StatusOK, "SMS", "Aliyun", "no. 2 for urgent ones", "30 a day to one person")

	ctx := t.Context()
	if err := errors.Join(o.store.ChannelFails(ctx, models.ChannelSMS, "sms_aliyun_isv.AMOUNT_NOT_ENOUGH"), o.store.ChannelWorks(ctx, models.ChannelFile)); err != nil {
		t.Fatal(err)
	}
	for i, state := range []models.NotificationState{
		models.NotificationPending, models.NotificationFailed, models.NotificationUnknown, models.NotificationDead, models.NotificationSent, models.NotificationSuppressed,
	} {
		write(t, o.store, &models.Notification{
			DedupKey: string(rune('a' + i)), Channel: models.ChannelSMS, Day: july, Template: "reminder_today", Language: models.Chinese, State: state, NextAttemptAt: july.At(9, 0),
		})
	}
	o.reachable()
	expect(t, v.get("/channels"), http.StatusOK,
		"异常 自 2025-07-01 09:00 起 sms_aliyun_isv.AMOUNT_NOT_ENOUGH", "待发送 2", "结果不明 1", "近 30 天放弃 1", "正常", "最近送出 2025-07-01 09:00", "发一条测试消息给 138****8000")
	o.clock.Advance(31 * 24 * time.Hour)
	expect(t, o.as("admin").get("/channels"), http.StatusOK, "近 30 天放弃 0")
}

func TestAChannelIsTriedOutFromItsPage(t *testing.T) {
	o := newOffice(t)
	o.reachable()
	v := o.as("admin")

	expect(t, v.post("/channels/file/test", nil), http.StatusOK, "文件：测试消息已被接受")
	letters, err := filepath.Glob(filepath.Join(o.dir, "test-*.eml"))
	if err != nil || len(letters) != 1 {
		t.Fatalf("%d files, %v", len(letters), err)
	}
	if letter, err := os.ReadFile(letters[0]); err != nil || !strings.Contains(string(letter), "admin@example.cn") {
		t.Errorf("%v in\n%s", err, letter)
	}
	expect(t, v.post("/channels/file/test", nil), http.StatusTooManyRequests, "10 秒后再试")

	expect(t, v.post("/channels/sms/test", nil), http.StatusOK, "短信：测试消息已被接受")
	if len(o.carrier.got) != 1 || o.carrier.got[0].Mobile != aNumber || !strings.HasPrefix(o.carrier.got[0].Key, "test-") || !strings.Contains(o.carrier.got[0].Text, "测试消息，无需处理") {
		t.Errorf("the carrier got %+v", o.carrier.got)
	}
	if strings.Contains(o.carrier.got[0].Text, "/obligations/0") {
		t.Errorf("it links to nothing: %s", o.carrier.got[0].Text)
	}

	for _, c := range []struct {
		err    error
		says   []string
		advice string
	}{
		{&notifier.SendError{Class: notifier.Down, Code: "sms_aliyun_isv.AMOUNT_NOT_ENOUGH", Detail: "账户余额不足"}, []string{"测试没有成功", "停用", "账户余额不足"}, "欠费"},
		{&notifier.SendError{Class: notifier.Retry, Code: "sms_template_invalid", Detail: "短信模板 reminder_before：没有正文"}, []string{"重试", "短信模板 reminder_before"}, "审核通过的签名、模板编号"},
		{&notifier.SendError{Class: notifier.Unknown, Code: "sms_aliyun_unconfirmed"}, []string{"未知"}, "不知道对方收到没有"},
		{&notifier.SendError{Class: notifier.Reject, Code: "sms_aliyun_isv.BLACK_KEY_CONTROL"}, []string{"拒绝"}, "重试没有用"},
		{errors.New("secret inside"), []string{"未知", "test_failed"}, "不知道对方收到没有"},
	} {
		o.clock.Advance(10 * time.Second)
		o.carrier.err = c.err
		w := v.post("/channels/sms/test", nil)
		expect(t, w, http.StatusOK, append(c.says, c.advice)...)
		if strings.Contains(w.Body.String(), "secret inside") {
			t.Error("the page tells what it should not")
		}
		checkPage(t, "/channels", w)
	}

	expect(t, v.post("/channels/wecom/test", nil), http.StatusOK, "企业微信群：测试消息已被接受")
	o.group = `{"errcode":93000,"errmsg":"invalid webhook url hunter2-hunter2"}`
	o.clock.Advance(10 * time.Second)
	w := v.post("/channels/wecom/test", nil)
	expect(t, w, http.StatusOK, "企业微信群：测试没有成功", "停用", "wecom_93000")
	if strings.Contains(w.Body.String(), "hunter2") {
		t.Error("the page tells the robot's secret")
	}
	expect(t, v.post("/channels/fax/test", nil), http.StatusNotFound)
	expect(t, v.get("/channels/sms/test"), http.StatusMethodNotAllowed)

	// Each test is in the audit trail, and none in the outbox.
	var tests, messages int64
	o.store.Read(t.Context()).Model(&models.AuditEntry{}).Where("action = ? AND actor = ?", "channel.tested", "admin").Count(&tests)
	o.store.Read(t.Context()).Model(&models.Notification{}).Count(&messages)
	if tests != 9 || messages != 0 {
		t.Errorf("%d tests in the audit trail, %d messages in the outbox", tests, messages)
	}
}

func TestEveryCodeHasAdvice(t *testing.T) {
	for code, want := range map[string]string{
		"smtp_auth_535": "密码", "smtp_unreachable": "防火墙", "smtp_certificate": "ca_file", "smtp_rcpt_550": "更正", "file_write": "磁盘",
		"webhook_forbidden": "webhook.allow", "cmpp_not_authentic": "trust_gateway", "cmpp_connect_3": "密钥", "rate_limited": "太快",
		"wecom_http_404": "网址和路径", "sms_aliyun_SignatureDoesNotMatch": "密钥", "sms_aliyun_isv.SMS_SIGNATURE_ILLEGAL": "签名", "cmpp_bad_mobile": "11 位",
	} {
		if got := api.Advice(models.Chinese, &notifier.SendError{Class: notifier.Down, Code: code}); !strings.Contains(got, want) {
			t.Errorf("%s: %s", code, got)
		}
	}
}

func TestThePageOfChannelsFitsItsScreens(t *testing.T) {
	path := chromium()
	modelstest.Require(t, path != "", "Chromium")
	o := newOffice(t, demo)
	o.reachable()
	if err := o.store.ChannelFails(t.Context(), models.ChannelSMS, "sms_aliyun_isv.AMOUNT_NOT_ENOUGH: "+strings.Repeat("账户余额不足", 20)); err != nil {
		t.Fatal(err)
	}
	o.carrier.err = &notifier.SendError{Class: notifier.Down, Code: "sms_aliyun_isv.AMOUNT_NOT_ENOUGH", Detail: strings.Repeat("账户余额不足", 20)}
	server := httptest.NewServer(o.h)
	defer server.Close()
	ctx, said := browse(t, path)
	p := &handset{T: t, ctx: ctx, base: server.URL, said: said}
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.do(chromedp.Navigate(p.base+"/login"), chromedp.Tap(`.people button[value="`+o.number("admin")+`"]`), chromedp.WaitVisible(`.chips`))
	p.do(chromedp.Navigate(p.base+"/channels"), chromedp.WaitVisible(`form[action="/channels/sms/test"] button`))
	p.look("channels", 390)
	p.do(chromedp.Tap(`form[action="/channels/sms/test"] button`), chromedp.WaitVisible(`.flaws`))
	p.look("channels-refused", 390)
	p.do(chromedp.EmulateViewport(1280, 900))
	p.do(chromedp.Navigate(p.base+"/channels"), chromedp.WaitVisible(`form[action="/channels/sms/test"] button`))
	p.look("channels", 1280)
	p.do(chromedp.Click(`form[action="/channels/file/test"] button`), chromedp.WaitVisible(`.did`))
	p.look("channels-accepted", 1280)
}
