package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/config"
	"duban/models"
	"duban/models/modelstest"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

const (
	robotKey = "hunter2-hunter2"
	smtpYAML = "mail:\n  host: 127.0.0.1\n  port: 1\n  security: none\n  from: duban@example.cn\n"
)

// group is a robot's platform, and the section that configures it.
func group(t *testing.T, answer string) (yaml string) {
	t.Helper()
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
	t.Cleanup(platform.Close)
	return "wecom:\n  url: " + platform.URL + "/send?key=" + robotKey + "\n  allow_host: \"" + strings.TrimPrefix(platform.URL, "http://") + "\"\n"
}

// What a file says about channels is tried by making them, without a connection.
func TestConfigCheckMakesTheChannels(t *testing.T) {
	d := newDesk(t)
	for name, yaml := range map[string]string{
		"everything by Aliyun": smtpYAML + "sms:\n  provider: aliyun\n  access_key_id: k\n  access_key_secret: s\n  price: \"0.045\"\n" +
			"wecom:\n  url: https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1\ndingtalk:\n  url: https://oapi.dingtalk.com/robot/send?access_token=1\n  secret: SEC1\n" +
			"feishu:\n  url: https://open.feishu.cn/open-apis/bot/v2/hook/1\nwebhook:\n  url: https://oa.example.cn/in\n  secret: 0123456789abcdef\n  allow: oa.example.cn\n",
		"Tencent": "sms:\n  provider: tencent\n  access_key_id: k\n  access_key_secret: s\n  app_id: \"1400006666\"\n",
		"Huawei":  "server:\n  base_url: https://duban.example.cn\nsms:\n  provider: huawei\n  access_key_id: k\n  access_key_secret: s\n  sender: \"8824110605\"\n  callback_token: WQ7M2KTN5XR4VPYB3HDC6ZLA8E\n  push_key_id: a\n  push_key_secret: b\n",
		"Kannel":  "sms:\n  provider: kannel\n  endpoint: http://10.0.0.9:13013\n  plain_http: true\n  username: u\n  password: p\n",
		"gateway": "sms:\n  provider: gateway\n  endpoint: https://sms.example.cn\n  username: u\n  password: p\ngateway:\n  path: /send\n  body: '{\"to\":\"${mobile}\",\"text\":\"${signed}\",\"key\":\"${password}\"}'\n  body_type: application/json\n  success: '\"code\":\\s*0'\n  id: '\"id\":\"(\\w+)\"'\n",
		"CMPP":    "sms:\n  provider: cmpp\ncmpp:\n  address: 127.0.0.1:1\n  version: \"3.0\"\n  source_addr: \"900001\"\n  secret: s\n  service_id: duban\n  src_id: \"10657000001\"\n",
	} {
		if code, _, errOut := duban(t, d.environ, "--config", d.file("good.yaml", yaml), "config", "check"); code != exitOK {
			t.Errorf("%s: exit %d, %s", name, code, errOut)
		}
	}
	if _, err := os.Stat(filepath.Join(d.dir, "outbox")); err == nil {
		t.Error("the check made a folder")
	}
	for yaml, says := range map[string]string{
		"wecom:\n  url: https://evil.example/" + robotKey + "\n":                                                                                 "渠道 wecom",
		"webhook:\n  url: https://10.1.2.3/in\n  secret: 0123456789abcdef\n  allow: 10.1.2.3\n":                                                  "不是公网地址",
		"sms:\n  provider: kannel\n  endpoint: http://10.0.0.9:13013\n  username: u\n  password: p\n":                                            "应使用 https",
		"sms:\n  provider: gateway\n  endpoint: https://sms.example.cn\ngateway:\n  body: ${phone}\n":                                            "${phone}",
		"sms:\n  provider: cmpp\ncmpp:\n  address: 127.0.0.1:1\n  source_addr: \"9000012\"\n  secret: s\n  service_id: duban\n  src_id: \"1\"\n": "企业代码",
		"mail:\n  host: smtp.example.cn\n  security: none\n  username: u\n  password: " + robotKey + "\n  from: a@example.cn\n":                  "渠道 email",
	} {
		bad := d.file("bad.yaml", yaml)
		out := d.fails(exitUsage, []string{says}, "--config", bad, "config", "check")
		_, _, errOut := duban(t, d.environ, "--config", bad, "serve")
		if strings.Contains(out+errOut, robotKey) {
			t.Errorf("a secret shows in %s%s", out, errOut)
		}
		contains(t, errOut, says)
	}
}

func TestChannelsAreTriedOutFromTheCommandLine(t *testing.T) {
	d := newOffice(t)
	contains(t, d.must("channel", "list"), "file", "还没有用过")
	contains(t, d.must("channel", "test", "file", "--to", "wangfang"), "file：测试消息已被接受")
	if letters, err := filepath.Glob(filepath.Join(d.dir, "outbox", "test-*.eml")); err != nil || len(letters) != 1 {
		t.Errorf("%d letters, %v", len(letters), err)
	}
	d.fails(exitUsage, []string{"--to"}, "channel", "test", "file")
	d.fails(exitUsage, []string{"没有这个账号"}, "channel", "test", "file", "--to", "nobody")
	d.fails(exitUsage, []string{`"sms"`, "file"}, "channel", "test", "sms", "--to", "wangfang")

	both := d.file("both.yaml", smtpYAML+group(t, `{"errcode":0}`))
	out := d.must("--config", both, "--language", "en", "channel", "list")
	contains(t, out, "email", "wecom", "not used yet")
	if strings.Contains(out, "file") {
		t.Errorf("files are listed beside e-mail:\n%s", out)
	}
	contains(t, d.must("--config", both, "channel", "test", "wecom"), "wecom：测试消息已被接受")
	d.fails(exitFailed, []string{"防火墙", "[down]", "smtp_unreachable"}, "--config", both, "channel", "test", "email", "--to", "wangfang")
	refused := d.file("refused.yaml", group(t, `{"errcode":93000,"errmsg":"invalid url key=`+robotKey+`"}`))
	d.fails(exitFailed, []string{"wecom_93000"}, "--config", refused, "channel", "test", "wecom")

	var tests []models.AuditEntry
	if err := d.store().Read(t.Context()).Where("action = 'channel.tested'").Order("seq").Find(&tests).Error; err != nil || len(tests) != 4 {
		t.Fatalf("%d tests in the audit trail, %v", len(tests), err)
	}
	for i, want := range []string{`"outcome":"ok"`, `"outcome":"ok"`, "smtp_unreachable", "wecom_93000"} {
		if !strings.Contains(tests[i].Detail, want) || strings.Contains(tests[i].Detail, robotKey) {
			t.Errorf("audited %s, want %s", tests[i].Detail, want)
		}
	}
}

// A text message goes through a gateway of one's own as the configuration
// describes it, in the words that carriers know.
func TestATextMessageGoesThroughTheConfiguredGateway(t *testing.T) {
	d := newOffice(t)
	var asked []string
	answer := `{"code":0,"id":"G7"}`
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, r.URL.Path+" "+string(body))
		_, _ = io.WriteString(w, answer)
	}))
	defer gateway.Close()
	file := d.file("sms.yaml", "sms:\n  provider: gateway\n  endpoint: "+gateway.URL+"\n  signature: 督办\n  username: office\n  password: \""+robotKey+"\"\n"+
		"gateway:\n  path: /send\n  body: '{\"user\":\"${username}\",\"pw\":\"${password}\",\"to\":\"${mobile}\",\"text\":\"${signed}\"}'\n  body_type: application/json\n  success: '\"code\":0'\n  refused: '\"code\":[1-9]'\n  id: '\"id\":\"(\\w+)\"'\n")
	d.fails(exitUsage, []string{"没有登记"}, "--config", file, "channel", "test", "sms", "--to", "wangfang")
	if err := d.store().Read(t.Context()).Model(&models.User{}).Where("account = ?", "wangfang").Update("mobile", "13800138000").Error; err != nil {
		t.Fatal(err)
	}
	contains(t, d.must("--config", file, "channel", "test", "sms", "--to", "wangfang"), "sms：测试消息已被接受")
	if len(asked) != 1 || !strings.HasPrefix(asked[0], `/send {"user":"office","pw":"`+robotKey+`","to":"13800138000","text":"【督办】`) || !strings.Contains(asked[0], "渠道测试") {
		t.Errorf("the gateway was asked %q", asked)
	}
	answer = `{"code":7,"msg":"13800138000 ` + robotKey + `"}`
	for said, words := range map[string]string{answer: "[retry] sms_gateway_refused", `busy ` + answer[5:]: "[unknown] sms_gateway_unreadable"} {
		answer = said
		code, out, errOut := duban(t, d.environ, "--config", file, "channel", "test", "sms", "--to", "wangfang")
		if code != exitFailed || strings.Contains(out+errOut, "13800138000") || strings.Contains(out+errOut, robotKey) {
			t.Errorf("exit %d: %s%s", code, out, errOut)
		}
		contains(t, strings.ReplaceAll(errOut, "\n", " "), words)
	}
}

// Everything that is configured is wired: in the order of the routes, with its
// limits, its receiver and its connection, and closed in the end.
func TestEveryConfiguredChannelIsWired(t *testing.T) {
	gateway := cmpptest.Start(t, cmpptest.Config{
		Version: cmpp.V30, SourceAddr: "900001", Secret: "888888", ServiceID: "duban", SrcID: "10657000001", Window: 16,
	})
	file := filepath.Join(t.TempDir(), "duban.yaml")
	yaml := smtpYAML + group(t, `{"errcode":0}`) +
		"sms:\n  provider: cmpp\n  per_number_day: 7\ncmpp:\n  address: " + gateway.Addr() + "\n  version: \"3.0\"\n  source_addr: \"900001\"\n  secret: \"888888\"\n  service_id: duban\n  src_id: \"10657000001\"\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, []string{"DUBAN_OUTBOX_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewRealClock()
	s := modelstest.Open(t, models.SQLite, clock)
	d, err := newDelivery(t.Context(), cfg, s, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if want := []models.Channel{models.ChannelEmail, models.ChannelSMS, models.ChannelWeCom}; !slices.Equal(d.routing.Configured, want) || len(d.outlets) != 3 {
		t.Errorf("configured %v, shown %d", d.routing.Configured, len(d.outlets))
	}
	if !slices.Equal(d.routing.Normal, []models.Channel{models.ChannelEmail}) || !slices.Equal(d.routing.Urgent, []models.Channel{models.ChannelEmail, models.ChannelSMS}) {
		t.Errorf("normal %v, urgent %v", d.routing.Normal, d.routing.Urgent)
	}
	if len(d.channels) != 4 || d.channels[models.ChannelFile] == nil { // messages from before may wait for files
		t.Errorf("%d channels", len(d.channels))
	}
	if d.quotas[models.ChannelSMS].PerNumberDay != 7 || d.quotas[models.ChannelWeCom].PerMinute != 20 || d.quotas[models.ChannelEmail] != (models.Quota{}) {
		t.Errorf("quotas %+v", d.quotas)
	}
	if _, err := d.dispatcher(cfg, s, clock, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	awaitConnections(t, gateway, 1)
	d.close()
	awaitConnections(t, gateway, 0)

	cfg.SMS.Provider, cfg.SMS.Endpoint, cfg.SMS.Username, cfg.SMS.Password = config.SMSKannel, "http://127.0.0.1:13013", "u", "p"
	cfg.SMS.CallbackToken, cfg.Server.BaseURL = "WQ7M2KTN5XR4VPYB3HDC6ZLA8E", "http://127.0.0.1:8080"
	if d, err = newDelivery(t.Context(), cfg, s, clock, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if d.receivers["kannel"] == nil || len(d.receivers) != 1 {
		t.Errorf("receivers %v", d.receivers)
	}
}

// awaitConnections waits until so many connections to the gateway are open.
func awaitConnections(t *testing.T, g *cmpptest.Gateway, want int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if now, _ := g.Connections(); now == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there are not %d connections to the gateway", want)
		}
	}
}
