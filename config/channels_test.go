package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"duban/config"
)

const (
	aliyun = "sms:\n  provider: aliyun\n  access_key_id: k\n  access_key_secret: s\n"
	kannel = "sms:\n  provider: kannel\n  endpoint: http://127.0.0.1:13013\n  username: u\n  password: p\n"
	tokens = "  callback_token: abcdefghijklmnopqrst\n"
	email  = "mail:\n  host: smtp.example.cn\n  from: duban@example.cn\n"
	hook   = "webhook:\n  url: https://oa.example.cn/in\n  secret: 0123456789abcdef\n  allow: oa.example.cn\n"
)

func TestEveryMistakeAboutAChannelIsNamed(t *testing.T) {
	for _, c := range []struct {
		name, file string
		line       int
		keys       string // of the problems, in order
		code       config.Code
		value      string // of the first
	}{
		{"an unknown provider", "sms:\n  provider: twilio\n", 2, "sms.provider", config.CodeInvalid, "twilio"},
		{"Aliyun without keys", "sms:\n  provider: aliyun\n", 0, "sms.access_key_id sms.access_key_secret", config.CodeRequired, ""},
		{"Tencent without an application", "sms:\n  provider: tencent\n  access_key_id: k\n  access_key_secret: s\n", 0, "sms.app_id", config.CodeRequired, ""},
		{"Huawei without a channel", "sms:\n  provider: huawei\n  access_key_id: k\n  access_key_secret: s\n", 0, "sms.sender", config.CodeRequired, ""},
		{"Kannel without anything", "sms:\n  provider: kannel\n", 0, "sms.endpoint sms.username sms.password", config.CodeRequired, ""},
		{"a gateway without anything", "sms:\n  provider: gateway\n", 0, "sms.endpoint gateway.query", config.CodeRequired, ""},
		{"a gateway's expressions", "sms:\n  provider: gateway\n  endpoint: https://sms.example.cn\ngateway:\n  body: x\n  success: (\n  refused: (\n  id: ok\n", 6, "gateway.success gateway.refused gateway.id", config.CodeInvalid, "("},
		{"a body for GET", "sms:\n  provider: gateway\n  endpoint: https://sms.example.cn\ngateway:\n  method: GET\n  body: hunter2\n", 6, "gateway.body", config.CodeConflict, "******"},
		{"a method", "sms:\n  provider: gateway\n  endpoint: https://sms.example.cn\ngateway:\n  method: PUT\n  body: x\n", 5, "gateway.method", config.CodeInvalid, "PUT"},
		{"CMPP without anything", "sms:\n  provider: cmpp\n", 0, "cmpp.source_addr cmpp.secret cmpp.service_id cmpp.src_id cmpp.address", config.CodeRequired, ""},
		{"an endpoint that is none", aliyun + "  endpoint: dysmsapi\n", 5, "sms.endpoint", config.CodeInvalid, "dysmsapi"},
		{"brackets around the signature", aliyun + "  signature: 【督办】\n", 5, "sms.signature", config.CodeInvalid, "【督办】"},
		{"a price in words", aliyun + "  price: 四分五\n", 5, "sms.price", config.CodeInvalid, "四分五"},
		{"a price without quotes", aliyun + "  price: 0.045\n", 5, "sms.price", config.CodeWrongType, "0.045"},
		{"a limit below nothing", aliyun + "  per_number_day: -1\n", 5, "sms.per_number_day", config.CodeInvalid, "-1"},
		{"a wait for ever", aliyun + "  receipt_wait: 1000h\n", 5, "sms.receipt_wait", config.CodeInvalid, "1000h0m0s"},
		{"a lease shorter than a request", aliyun + "  timeout: 1m\noutbox:\n  lease: 30s\n", 7, "outbox.lease", config.CodeConflict, "30s"},
		{"a short token", aliyun + "  callback_token: hunter2\n", 5, "sms.callback_token", config.CodeInvalid, "******"},
		{"a token that nobody is told", kannel + tokens, 0, "sms.callback_url", config.CodeRequired, ""},
		{"a token for a gateway", "sms:\n  provider: gateway\n  endpoint: https://sms.example.cn\n" + tokens + "gateway:\n  body: x\n", 4, "sms.callback_token", config.CodeConflict, "******"},
		{"half a push key", "sms:\n  provider: huawei\n  access_key_id: k\n  access_key_secret: s\n  sender: \"1\"\n  callback_url: https://d.cn\n" + tokens + "  push_key_id: a\n", 0, "sms.push_key_secret", config.CodeRequired, ""},
		{"a push key for Aliyun", aliyun + "  push_key_id: a\n  push_key_secret: b\n", 5, "sms.push_key_id", config.CodeConflict, "a"},
		{"a robot's secret alone", "dingtalk:\n  secret: hunter2\n", 0, "dingtalk.url", config.CodeRequired, ""},
		{"a signature for WeCom", "wecom:\n  url: https://qyapi.weixin.qq.com/x?key=1\n  secret: hunter2\n", 3, "wecom.secret", config.CodeConflict, "******"},
		{"a robot's address that is none", "feishu:\n  url: hunter2\n", 2, "feishu.url", config.CodeInvalid, "******"},
		{"a webhook without a list", "webhook:\n  url: https://oa.example.cn/in\n  secret: 0123456789abcdef\n", 0, "webhook.allow", config.CodeRequired, ""},
		{"a webhook's short secret", "webhook:\n  url: https://oa.example.cn/in\n  secret: hunter2\n  allow: oa.example.cn\n", 3, "webhook.secret", config.CodeInvalid, "******"},
		{"a webhook's certificates", hook + "  ca_file: /none\n", 5, "webhook.ca_file", config.CodeInvalid, "/none"},
		{"a channel that is none", "delivery:\n  normal: email, fax\n", 2, "delivery.normal", config.CodeConflict, "email, fax"},
		{"a channel by another name", email + "delivery:\n  normal: email, fax\n", 5, "delivery.normal", config.CodeInvalid, "email, fax"},
		{"a channel twice", email + "delivery:\n  urgent: email，email\n", 5, "delivery.urgent", config.CodeInvalid, "email，email"},
		{"a channel that is not set up", email + "delivery:\n  urgent: email, sms\n", 5, "delivery.urgent", config.CodeConflict, "email, sms"},
		{"no patience", "delivery:\n  fallback_after: 1s\n", 2, "delivery.fallback_after", config.CodeInvalid, "1s"},
		{"a heartbeat to nowhere", "watch:\n  heartbeat_url: hunter2\n", 2, "watch.heartbeat_url", config.CodeInvalid, "******"},
		{"a hasty heartbeat", "watch:\n  heartbeat_every: 1s\n", 2, "watch.heartbeat_every", config.CodeInvalid, "1s"},
		{"an age of nothing", "watch:\n  queue_age: 0s\n", 2, "watch.queue_age", config.CodeInvalid, "0s"},
		{"two secrets", aliyun + "  access_key_secret_file: f\n", 5, "sms.access_key_secret_file", config.CodeConflict, "f"},
		{"no file for a secret", "wecom:\n  url_file: /none\n", 2, "wecom.url_file", config.CodeUnreadable, "/none 文件不存在"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := problems(t, c.file)
			keys := make([]string, len(found))
			for i, p := range found {
				keys[i] = p.Key
			}
			if p := found[0]; strings.Join(keys, " ") != c.keys || p.Line != c.line || p.Code != c.code || p.Value != c.value || p.Expected == "" && p.Code != config.CodeUnreadable {
				t.Errorf("%q gives %+v", c.file, found)
			}
			if strings.Contains(found.Error(), "hunter2") {
				t.Errorf("a secret shows in %v", found)
			}
		})
	}
}

// What is not configured is not checked, so a file may keep parts of it.
func TestOnlyWhatIsConfiguredIsChecked(t *testing.T) {
	load(t, "sms:\n  price: x\n  signature: 【x】\n  timeout: 0s\ngateway:\n  success: (\ncmpp:\n  version: \"4\"\nwebhook:\n  secret: short\n")
}

func TestEverySecretIsReadFromItsFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := load(t, "sms:\n  provider: cmpp\ncmpp:\n  address: 10.0.0.1:7890\n  source_addr: \"900001\"\n  service_id: x\n  src_id: \"1069\"\n  secret_file: "+file("a", "s3cret\n")+
		"\nwecom:\n  url_file: "+file("b", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1\r\n")+
		"\nwatch:\n  heartbeat_url_file: "+file("c", "https://hc.example.cn/1")+"\n",
		"DUBAN_WEBHOOK_URL=https://oa.example.cn/in", "DUBAN_WEBHOOK_ALLOW=oa.example.cn, 10.20.0.0/16", "DUBAN_WEBHOOK_SECRET_FILE="+file("d", "0123456789abcdef"))
	got := []string{string(c.CMPP.Secret), string(c.WeCom.URL), string(c.Watch.HeartbeatURL), string(c.Webhook.Secret), strings.Join(c.Webhook.List(), "|")}
	want := []string{"s3cret", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1", "https://hc.example.cn/1", "0123456789abcdef", "oa.example.cn|10.20.0.0/16"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if shown := c.String(); strings.Contains(shown, "s3cret") || strings.Contains(shown, "key=1") || strings.Contains(shown, "hc.example") {
		t.Errorf("a secret shows in\n%s", shown)
	}
	found := problems(t, "cmpp:\n  secret_file: "+file("empty", "\n")+"\n")
	if found[0].Key != "cmpp.secret_file" || found[0].Code != config.CodeInvalid || !strings.Contains(found[0].Expected, "cmpp.secret") {
		t.Errorf("an empty file gives %v", found)
	}
}

func TestTheOrderOfChannels(t *testing.T) {
	const robot = "wecom:\n  url: https://qyapi.weixin.qq.com/x?key=1\n"
	for _, c := range []struct{ name, file, channels, normal, urgent string }{
		{"nothing", "", "file", "file", "file"},
		{"e-mail", email, "email", "email", "email"},
		{"SMS", aliyun, "sms", "sms", "sms"},
		{"e-mail and SMS", email + aliyun, "email sms", "email", "email sms"},
		{"a robot, which is for nobody alone", robot, "wecom file", "file", "file"},
		{"as the administrator says", email + robot + aliyun + "delivery:\n  normal: wecom, email\n  urgent: sms，email\n", "email sms wecom", "wecom email", "sms email"},
		{"normal alone", email + aliyun + robot + "delivery:\n  normal: wecom\n", "email sms wecom", "wecom", "wecom sms"},
		{"files too", email + "delivery:\n  urgent: email, file\n", "email file", "email", "email file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := load(t, c.file)
			normal, urgent := got.Routes()
			for what, pair := range map[string][2]string{
				"channels": {strings.Join(got.Channels(), " "), c.channels},
				"normal":   {strings.Join(normal, " "), c.normal}, "urgent": {strings.Join(urgent, " "), c.urgent},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
				}
			}
		})
	}
}

func TestWhereReceiptsGo(t *testing.T) {
	const base = "server:\n  base_url: https://duban.example.cn/\n"
	for _, c := range []struct {
		name, file, url string
		reports         bool
	}{
		{"nowhere", kannel, "", false},
		{"below the console", base + kannel + tokens, "https://duban.example.cn/receipts/kannel/abcdefghijklmnopqrst", true},
		{"elsewhere", base + kannel + tokens + "  callback_url: http://10.0.0.5:8080\n", "http://10.0.0.5:8080/receipts/kannel/abcdefghijklmnopqrst", true},
		{"Aliyun is asked", aliyun, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := load(t, c.file)
			if got.CallbackURL() != c.url || got.SMS.Reports() != c.reports {
				t.Errorf("got %q, %v", got.CallbackURL(), got.SMS.Reports())
			}
		})
	}
}
