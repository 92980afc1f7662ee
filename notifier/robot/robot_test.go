package robot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"duban/notifier"
	"duban/notifier/robot"
)

func TestWeComShowsTheMessage(t *testing.T) {
	f := startFake(t, robot.WeCom)
	send(t, f.robot(nil), reminder, "")
	const want = "**【督办】还有 7 天：＜会议室＞ 支出进度应达 ＊60%＊**\n" +
		"张三，您好：\n\n“［会议室］改造＿一期”应在 10 月 31 日前达到 60%。\n\n李四的意见：\n　　＃ 请尽快 ＜@all＞\n" +
		"－ 项\n\n查看：[duban.example.gov.cn](" + reminderLink + ")，验证码 123456。"
	if got := f.messages()[0]; got.text != want || got.mentioned != nil {
		t.Errorf("the group reads\n%s\nmentioned %v, want\n%s", got.text, got.mentioned, want)
	}
}

func TestWeComMentionsInPlainText(t *testing.T) {
	f := startFake(t, robot.WeCom)
	r := f.robot(nil)
	send(t, r, reminder, "138 0000-1111")
	got := f.messages()[0]
	if !slices.Equal(got.mentioned, []string{"13800001111"}) || !strings.Contains(got.text, reminderLink) ||
		!strings.Contains(got.text, "# 请尽快 ＜@all＞") {
		t.Errorf("the group reads %q, mentioned %v", got.text, got.mentioned)
	}
	// A long one is read in full rather than mentioned.
	long := reminder
	long.Text = strings.Repeat("督办", 400)
	send(t, r, long, "13800001111")
	if got := f.messages()[1]; len(got.mentioned) > 0 || !strings.HasSuffix(got.text, "督办") {
		t.Errorf("mentioned %v, text ends %q", got.mentioned, got.text[len(got.text)-10:])
	}
}

func TestDingTalkShowsTheMessage(t *testing.T) {
	f := startFake(t, robot.DingTalk)
	send(t, f.robot(nil), reminder, "+8613800001111")
	const want = "@13800001111\n\n### 【督办】还有 7 天：＜会议室＞ 支出进度应达 ＊60%＊\n\n" +
		"张三，您好：\n\n\n\n“［会议室］改造＿一期”应在 10 月 31 日前达到 60%。\n\n\n\n李四的意见：\n\n　　＃ 请尽快 ＜@all＞\n\n" +
		"－ 项\n\n\n\n查看：[duban.example.gov.cn](" + reminderLink + ")，验证码 123456。"
	got := f.messages()[0]
	if got.text != want || got.title != reminder.Subject || !slices.Equal(got.mentioned, []string{"13800001111"}) {
		t.Errorf("the group reads %q\n%s\nmentioned %v, want\n%s", got.title, got.text, got.mentioned, want)
	}
}

func TestFeishuShowsTheMessage(t *testing.T) {
	f := startFake(t, robot.Feishu)
	send(t, f.robot(nil), reminder, "13800001111")
	const want = "张三，您好：\n“[会议室]改造_一期”应在 10 月 31 日前达到 60%。\n李四的意见：\n    # 请尽快 ＜@all＞\n" +
		"- 项\n查看：duban.example.gov.cn，验证码 123456。\n"
	got := f.messages()[0]
	if got.text != want || got.title != "【督办】还有 7 天：＜会议室＞ 支出进度应达 *60%*" || !slices.Equal(got.links, []string{reminderLink}) {
		t.Errorf("the group reads %q\n%s\nlinks %v, want\n%s", got.title, got.text, got.links, want)
	}
}

func TestWhatIsNoMobileNumberIsNotMentioned(t *testing.T) {
	f := startFake(t, robot.DingTalk)
	r := f.robot(nil)
	for _, mobile := range []string{"", "all", "@all", "0851-85555555", "1380000111", "138000011112", "13800001111\n@all", "+1 650 253 0000"} {
		send(t, r, reminder, mobile)
	}
	for i, m := range f.messages() {
		if len(m.mentioned) > 0 || strings.HasPrefix(m.text, "@") {
			t.Errorf("message %d mentions %v: %q", i, m.mentioned, m.text)
		}
	}
}

func TestLongMessagesAreCutAndTaken(t *testing.T) {
	long := map[string]string{
		"characters": strings.Repeat("督", 20_000),
		"markup":     strings.Repeat("<*_>&\"\\", 5_000),
		"lines":      strings.Repeat("行\n", 10_000),
		"links":      strings.Repeat("看 https://duban.example.gov.cn/links/abc_def 。", 2_000),
		"one link":   "看 https://duban.example.gov.cn/" + strings.Repeat("a_b", 10_000),
		"invalid":    strings.Repeat("\xff.", 15_000),
		"signs":      strings.Repeat("𠮷", 10_000),
	}
	for _, kind := range kinds {
		for name, text := range long {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				f := startFake(t, kind)
				send(t, f.robot(nil), notifier.Message{Subject: strings.Repeat("长", 500), Text: text}, "13800001111")
				got := f.messages()[0]
				if !utf8.ValidString(got.text) || !strings.HasSuffix(strings.TrimSpace(got.text), "…") {
					t.Errorf("the text ends %q", got.text[max(0, len(got.text)-20):])
				}
				if name != "one link" && len(got.text) < 2000 {
					t.Errorf("only %d bytes are left", len(got.text))
				}
				if strings.Count(got.text, "](") != strings.Count(got.text, ")") {
					t.Error("a link is cut")
				}
			})
		}
	}
}

func TestAnEmptyMessageIsRejectedHere(t *testing.T) {
	for _, kind := range kinds {
		f := startFake(t, kind)
		_, err := f.robot(nil).Send(t.Context(), notifier.Message{Text: " \n\x00\u202e"})
		wantFailure(t, err, notifier.Reject, string(kind)+"_empty")
		if f.asked() > 0 {
			t.Error("the platform was asked")
		}
	}
}

func TestSubjectOrTextAloneIsEnough(t *testing.T) {
	for _, kind := range kinds {
		f := startFake(t, kind)
		r := f.robot(nil)
		send(t, r, notifier.Message{Subject: "【督办】测试"}, "")
		send(t, r, notifier.Message{Subject: "【督办】测试"}, "13800001111")
		send(t, r, notifier.Message{Text: "测试"}, "")
		send(t, r, notifier.Message{Text: "测试"}, "13800001111")
	}
}

func TestTestSaysAHarmlessLine(t *testing.T) {
	for _, kind := range kinds {
		f := startFake(t, kind)
		if err := f.robot(nil).Test(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := f.messages()[0]; !strings.Contains(got.title+got.text, "督办") || !strings.Contains(got.text, "测试提醒") {
			t.Errorf("the group reads %+v", got)
		}
		f.misbehave(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		wantFailure(t, f.robot(nil).Test(t.Context()), notifier.Retry, string(kind)+"_http_502")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  robot.Config
		ok   bool
	}{
		{"wecom", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + webhookKey}, true},
		{"dingtalk", robot.Config{Kind: robot.DingTalk, URL: "https://oapi.dingtalk.com/robot/send?access_token=" + webhookKey, Secret: signingKey}, true},
		{"feishu", robot.Config{Kind: robot.Feishu, URL: "https://open.feishu.cn/open-apis/bot/v2/hook/" + webhookKey}, true},
		{"lark", robot.Config{Kind: robot.Feishu, URL: "https://open.larksuite.com/open-apis/bot/v2/hook/" + webhookKey}, true},
		{"one's own", robot.Config{Kind: robot.DingTalk, URL: "https://ding.example.gov.cn/robot/send?access_token=" + webhookKey, AllowHost: "ding.example.gov.cn"}, true},
		{"no kind", robot.Config{URL: "https://qyapi.weixin.qq.com/?key=" + webhookKey}, false},
		{"no URL", robot.Config{Kind: robot.WeCom}, false},
		{"no host", robot.Config{Kind: robot.WeCom, URL: webhookKey}, false},
		{"no URL at all", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com/%zz" + webhookKey}, false},
		{"http", robot.Config{Kind: robot.WeCom, URL: "http://qyapi.weixin.qq.com/?key=" + webhookKey}, false},
		{"http elsewhere", robot.Config{Kind: robot.WeCom, URL: "http://10.0.0.1/?key=" + webhookKey, AllowHost: "10.0.0.1"}, false},
		{"ftp", robot.Config{Kind: robot.WeCom, URL: "ftp://127.0.0.1/?key=" + webhookKey, AllowHost: "127.0.0.1"}, false},
		{"loopback unasked", robot.Config{Kind: robot.WeCom, URL: "http://127.0.0.1/?key=" + webhookKey}, false},
		{"another platform", robot.Config{Kind: robot.WeCom, URL: "https://oapi.dingtalk.com/?key=" + webhookKey}, false},
		{"lookalike", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com.evil.cn/?key=" + webhookKey}, false},
		{"user", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com@evil.cn/?key=" + webhookKey, AllowHost: "evil.cn"}, false},
		{"another port", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com:8443/?key=" + webhookKey}, false},
		{"wecom signs", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com/?key=" + webhookKey, Secret: signingKey}, false},
		{"negative timeout", robot.Config{Kind: robot.WeCom, URL: "https://qyapi.weixin.qq.com/?key=" + webhookKey, Timeout: -1}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := robot.New(tc.cfg)
			if (err == nil) != tc.ok {
				t.Errorf("New: %v", err)
			}
			if said := fmt.Sprintf("%v %+v %v %+v", err, tc.cfg, r, r); strings.Contains(said, webhookKey) || strings.Contains(said, signingKey) {
				t.Errorf("a secret is told: %s", said)
			}
		})
	}
}

// The signatures of public documents and programs. They are checked through
// the request, where the platform would see them.
//   - Feishu: the guide's SignDemo has these arguments and shows the result
//     only as a picture; two public projects write it out, and a third has the
//     second row (mobius-ring/lark-bot-webhook-action, __tests__/lark.test.ts).
//   - DingTalk: its guide has code without a result; these are pinned in the
//     tests of public projects, the first with both characters that a query
//     must encode.
func TestKnownSignatures(t *testing.T) {
	for _, tc := range []struct {
		kind         robot.Kind
		secret       string
		millis       int64
		stamp, wants string
	}{
		{robot.Feishu, "demo", 1599360473_000, "1599360473", "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="},
		{robot.Feishu, "dGhpcyBpcyBhIGtleQ==", 1716283459_000, "1716283459", "8EyY+xxfJvzWjZQpdc2mgvQFaG7lF5nbxl7RITyMkJU="},
		{robot.DingTalk, "SECe1f2a3b4c5d6", 1735689600_000, "1735689600000", "zIW+46MSulioclbD/bdecDGOPkHHWIQDIk1zSoCgojo="},
		{robot.DingTalk, "SECtest", 1700000000_000, "1700000000000", "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g="},
		{robot.DingTalk, "SECtest123", 1700000000_000, "1700000000000", "w3RMHXzixTMdzr8OHJUmVLS4IoPJVdu+Ut1LE48MePE="},
	} {
		stamp, sign, query := signedAt(t, tc.kind, tc.secret, tc.millis)
		if stamp != tc.stamp || sign != tc.wants {
			t.Errorf("%s signs %q at %s as %s, want %s", tc.kind, tc.secret, stamp, sign, tc.wants)
		}
		if tc.kind == robot.DingTalk && strings.ContainsAny(query, "+/") {
			t.Errorf("the query %q is not encoded", query)
		}
		// openssl agrees, where there is one.
		key, message := tc.secret, tc.stamp+"\n"+tc.secret
		if tc.kind == robot.Feishu {
			key, message = message, ""
		}
		if got, ok := openssl(t, key, message); ok && got != tc.wants {
			t.Errorf("openssl says %s", got)
		}
		if got := byHand([]byte(key), message); got != tc.wants {
			t.Errorf("by hand: %s", got)
		}
	}
}

func openssl(t *testing.T, key, message string) (string, bool) {
	if _, err := exec.LookPath("openssl"); err != nil {
		return "", false
	}
	cmd := exec.Command("sh", "-c", `openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | openssl base64 -A`)
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("KEY=%x", key))
	cmd.Stdin = bytes.NewReader([]byte(message))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out), true
}

func wantFailure(t testing.TB, err error, class notifier.Class, code string) *notifier.SendError {
	t.Helper()
	var e *notifier.SendError
	if !errors.As(err, &e) || e.Class != class || e.Code != code {
		if e != nil {
			t.Fatalf("failure %v (%v, %v), want %v %s", err, e.Class, e.Err, class, code)
		}
		t.Fatalf("failure %v, want %v %s", err, class, code)
	}
	for _, said := range []string{e.Error(), fmt.Sprint(e.Err)} {
		if strings.Contains(said, webhookKey) || strings.Contains(said, signingKey) {
			t.Errorf("a secret is told: %s", said)
		}
	}
	return e
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
