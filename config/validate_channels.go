package config

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	aPrice = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,5})?$`)
	// aToken cannot be guessed, and needs no encoding in an address.
	aToken = regexp.MustCompile(`^[A-Za-z0-9._-]{20,64}$`)
)

// maxLimit bounds what counts as a limit, not as a typing error.
const maxLimit = 100_000

func (k *checker) sms(s SMS) {
	if !slices.Contains(smsProviders, s.Provider) {
		k.fail("sms.provider", CodeInvalid, "留空，或 "+strings.Join(smsProviders, "、")+" 之一")
		return
	}
	switch s.Provider {
	case SMSAliyun:
		k.needs("sms.access_key_id", "AccessKey ID")
		k.needs("sms.access_key_secret", "AccessKey Secret")
	case SMSTencent:
		k.needs("sms.access_key_id", "SecretId")
		k.needs("sms.access_key_secret", "SecretKey")
		k.needs("sms.app_id", "短信应用的 SdkAppId")
	case SMSHuawei:
		k.needs("sms.access_key_id", "短信应用的 Application Key")
		k.needs("sms.access_key_secret", "Application Secret")
		k.needs("sms.sender", "签名的通道号")
	case SMSKannel:
		k.needs("sms.endpoint", "sendsms 接口的地址，如 http://127.0.0.1:13013")
		k.needs("sms.username", "sendsms-user 的用户名")
		k.needs("sms.password", "sendsms-user 的密码")
	case SMSGateway:
		k.needs("sms.endpoint", "短信网关的地址")
		k.gateway(k.config.Gateway)
	case SMSCMPP:
		k.cmpp(k.config.CMPP)
	}
	k.address("sms.endpoint", s.Endpoint)
	k.lasts("sms.timeout", s.Timeout, time.Second, 2*time.Minute)
	if k.config.Outbox.Lease <= s.Timeout {
		k.fail("outbox.lease", CodeConflict, fmt.Sprintf("比 sms.timeout（%s）长的时长", s.Timeout))
	}
	if strings.ContainsAny(s.Signature, "【】\r\n") {
		k.fail("sms.signature", CodeInvalid, "签名的名称，不带【】")
	}
	if s.Price != "" && !aPrice.MatchString(s.Price) {
		k.fail("sms.price", CodeInvalid, "每条的元数，最多五位小数，加引号，如 \"0.045\"")
	}
	k.callback(s)
	k.between(0, maxLimit, "sms.per_number_minute", s.PerNumberMinute)
	k.between(0, maxLimit, "sms.per_number_hour", s.PerNumberHour)
	k.between(0, maxLimit, "sms.per_number_day", s.PerNumberDay)
	k.between(0, maxLimit, "sms.per_second", s.PerSecond)
}

// callback checks how the provider reports to us.
func (k *checker) callback(s SMS) {
	k.lasts("sms.receipt_wait", s.ReceiptWait, time.Minute, 72*time.Hour)
	k.address("sms.callback_url", s.CallbackURL)
	if (s.PushKeyID == "") != (s.PushKeySecret == "" && s.PushKeySecretFile == "") {
		k.needs("sms.push_key_id", "推送AK，与 sms.push_key_secret 同时写")
		k.needs("sms.push_key_secret", "推送SK，与 sms.push_key_id 同时写")
	}
	if s.PushKeyID != "" && (s.Provider != SMSHuawei || s.CallbackToken == "" && s.CallbackTokenFile == "") {
		k.fail("sms.push_key_id", CodeConflict, "留空：只有 huawei 的回执可以签名，且要先设 sms.callback_token")
	}
	switch {
	case s.CallbackToken == "":
	case !s.pushes():
		k.fail("sms.callback_token", CodeConflict, "留空：sms.provider 为 "+s.Provider+" 时没有网址回执")
	case !aToken.MatchString(string(s.CallbackToken)):
		k.fail("sms.callback_token", CodeInvalid, "20 到 64 位的字母、数字、点、下划线或连字符")
	case k.config.CallbackURL() == "":
		k.fail("sms.callback_url", CodeRequired, "服务商能访问到的网址（或写 server.base_url），因为已设 sms.callback_token")
	}
}

func (k *checker) gateway(g Gateway) {
	k.oneOf("gateway.method", g.Method, http.MethodGet, http.MethodPost)
	if g.Method == http.MethodGet && g.Body != "" {
		k.fail("gateway.body", CodeConflict, "留空，因为 gateway.method 为 GET")
	}
	if g.Query == "" && g.Body == "" {
		k.needs("gateway.query", "参数，或写 gateway.body；其中 ${mobile}、${text} 等处由消息填写")
	}
	if _, err := regexp.Compile(g.Success); err != nil {
		k.fail("gateway.success", CodeInvalid, "正则表达式")
	}
	if _, err := regexp.Compile(g.Refused); err != nil {
		k.fail("gateway.refused", CodeInvalid, "正则表达式")
	}
	if re, err := regexp.Compile(g.ID); err != nil || g.ID != "" && re.NumSubexp() < 1 {
		k.fail("gateway.id", CodeInvalid, "有一个括号组的正则表达式")
	}
}

func (k *checker) cmpp(c CMPP) {
	k.needs("cmpp.source_addr", "企业代码")
	k.needs("cmpp.secret", "共享密钥")
	k.needs("cmpp.service_id", "业务代码")
	k.needs("cmpp.src_id", "接入号")
	if _, port, err := net.SplitHostPort(c.Address); err != nil || port == "" {
		k.fail("cmpp.address", CodeInvalid, "主机:端口，如 10.1.2.3:7890")
	}
	k.oneOf("cmpp.version", c.Version, CMPP20, CMPP30)
	k.upTo(64, "cmpp.connections", c.Connections)
	k.upTo(1024, "cmpp.window", c.Window)
	k.upTo(255, "cmpp.max_parts", c.MaxParts)
	k.between(0, maxLimit, "cmpp.rate_per_second", c.RatePerSecond)
}

func (k *checker) robot(section string, r Robot, signs bool) {
	hasSecret := r.Secret != "" || r.SecretFile != ""
	switch {
	case !r.Configured() && (hasSecret || r.AllowHost != ""):
		k.needs(section+".url", "群机器人的 Webhook 地址")
	case !signs && hasSecret:
		k.fail(section+".secret", CodeConflict, "留空：这种群机器人没有加签密钥")
	}
	k.address(section+".url", string(r.URL))
}

func (k *checker) webhook(w Webhook) {
	k.address("webhook.url", string(w.URL))
	k.needs("webhook.secret", "至少 16 个字符的签名密钥，因为已设 webhook.url")
	k.needs("webhook.allow", "允许的主机名或网段，用逗号分开，因为已设 webhook.url")
	if n := len(w.Secret); n > 0 && n < 16 {
		k.fail("webhook.secret", CodeInvalid, "至少 16 个字符")
	}
	k.certificates("webhook.ca_file", w.CAFile)
}

func (k *checker) delivery(d Delivery) {
	k.route("delivery.normal", split(d.Normal))
	k.route("delivery.urgent", split(d.Urgent))
	k.lasts("delivery.fallback_after", d.FallbackAfter, time.Minute, 72*time.Hour)
	k.lasts("delivery.urgent_fallback_after", d.UrgentFallbackAfter, time.Minute, 72*time.Hour)
}

// route checks a list of channels, and reports the first that is wrong.
func (k *checker) route(key string, names []string) {
	have := k.config.Channels()
	for i, name := range names {
		if !slices.Contains(channelNames, name) || slices.Contains(names[:i], name) {
			k.fail(key, CodeInvalid, "用逗号分开、不重复的渠道："+strings.Join(channelNames, "、"))
			return
		}
		if !slices.Contains(have, name) {
			k.fail(key, CodeConflict, "已配置的渠道（"+strings.Join(have, "、")+"）；"+name+" 还没有配置")
			return
		}
	}
}

func (k *checker) watch(w Watch) {
	k.address("watch.heartbeat_url", string(w.HeartbeatURL))
	k.lasts("watch.heartbeat_every", w.HeartbeatEvery, time.Minute, 24*time.Hour)
	k.lasts("watch.queue_age", w.QueueAge, time.Minute, 24*time.Hour)
}

// needs reports a key that is blank and has no file either.
func (k *checker) needs(key, meaning string) {
	file, hasFile := k.fields[key+fileSuffix]
	if k.fields[key].value.String() != "" || hasFile && file.value.String() != "" {
		return
	}
	if hasFile {
		meaning += "（或写 " + key + fileSuffix + "）"
	}
	k.fail(key, CodeRequired, meaning)
}

// address checks an address that is called or that others call.
func (k *checker) address(key, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		k.fail(key, CodeInvalid, "http:// 或 https:// 开头的网址")
	}
}

func (k *checker) between(low, high int, key string, value int) {
	if value < low || value > high {
		k.fail(key, CodeInvalid, fmt.Sprintf("%d 到 %d 之间的整数", low, high))
	}
}
