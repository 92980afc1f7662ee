package config

import (
	"slices"
	"strings"
	"time"
)

// The values of SMS.Provider.
const (
	SMSAliyun  = "aliyun"
	SMSTencent = "tencent"
	SMSHuawei  = "huawei"
	SMSKannel  = "kannel"
	SMSGateway = "gateway" // see Gateway
	SMSCMPP    = "cmpp"    // see CMPP
)

var smsProviders = []string{SMSAliyun, SMSTencent, SMSHuawei, SMSKannel, SMSGateway, SMSCMPP}

// SMS says by whom text messages (短信) leave. Without a Provider there are none.
type SMS struct {
	Provider  string        `yaml:"provider" env:"PROVIDER"`
	Endpoint  string        `yaml:"endpoint" env:"ENDPOINT"`     // "" for the provider's public one
	PlainHTTP bool          `yaml:"plain_http" env:"PLAIN_HTTP"` // permits http to another machine, for kannel and gateway
	Timeout   time.Duration `yaml:"timeout" env:"TIMEOUT"`       // of one request

	AccessKeyID         string `yaml:"access_key_id" env:"ACCESS_KEY_ID"` // of aliyun, tencent and huawei
	AccessKeySecret     Secret `yaml:"access_key_secret" env:"ACCESS_KEY_SECRET"`
	AccessKeySecretFile string `yaml:"access_key_secret_file" env:"ACCESS_KEY_SECRET_FILE"`
	AppID               string `yaml:"app_id" env:"APP_ID"` // tencent's SdkAppId
	Region              string `yaml:"region" env:"REGION"` // tencent's, "" for ap-guangzhou
	Sender              string `yaml:"sender" env:"SENDER"` // huawei's 通道号

	Username     string `yaml:"username" env:"USERNAME"` // of kannel, and for the places of gateway
	Password     Secret `yaml:"password" env:"PASSWORD"`
	PasswordFile string `yaml:"password_file" env:"PASSWORD_FILE"`
	From         string `yaml:"from" env:"FROM"` // the number that is shown
	SMSC         string `yaml:"smsc" env:"SMSC"` // kannel's connection

	Signature string `yaml:"signature" env:"SIGNATURE"` // 签名, without 【】
	Price     string `yaml:"price" env:"PRICE"`         // 元 for a part, "" if not known

	// CallbackToken ends the address to which the provider reports, and
	// CallbackURL begins it: "" for Server.BaseURL. Without a token nothing
	// is taken.
	CallbackURL       string `yaml:"callback_url" env:"CALLBACK_URL"`
	CallbackToken     Secret `yaml:"callback_token" env:"CALLBACK_TOKEN"`
	CallbackTokenFile string `yaml:"callback_token_file" env:"CALLBACK_TOKEN_FILE"`
	// PushKeyID and PushKeySecret verify huawei's reports; "" if it does not
	// sign them.
	PushKeyID         string        `yaml:"push_key_id" env:"PUSH_KEY_ID"`
	PushKeySecret     Secret        `yaml:"push_key_secret" env:"PUSH_KEY_SECRET"`
	PushKeySecretFile string        `yaml:"push_key_secret_file" env:"PUSH_KEY_SECRET_FILE"`
	ReceiptWait       time.Duration `yaml:"receipt_wait" env:"RECEIPT_WAIT"` // for how long a receipt is waited for

	PerNumberMinute int `yaml:"per_number_minute" env:"PER_NUMBER_MINUTE"` // messages to one person; 0 is no limit
	PerNumberHour   int `yaml:"per_number_hour" env:"PER_NUMBER_HOUR"`
	PerNumberDay    int `yaml:"per_number_day" env:"PER_NUMBER_DAY"`
	PerSecond       int `yaml:"per_second" env:"PER_SECOND"` // messages to everybody
}

// Configured reports whether there is a provider to send through.
func (s SMS) Configured() bool { return s.Provider != "" }

// pushes reports whether the provider can report over HTTP.
func (s SMS) pushes() bool {
	return slices.Contains([]string{SMSAliyun, SMSTencent, SMSHuawei, SMSKannel}, s.Provider)
}

// Reports reports whether anybody says what became of a message: the provider
// can be asked, it has an address to report to, or it reports over CMPP.
func (s SMS) Reports() bool {
	switch s.Provider {
	case SMSAliyun, SMSTencent, SMSCMPP:
		return true
	}
	return s.pushes() && s.CallbackToken != ""
}

// CallbackURL returns the address to which the provider reports, its token
// included, or "" if it has none.
func (c *Config) CallbackURL() string {
	base := c.SMS.CallbackURL
	if base == "" {
		base = c.Server.BaseURL
	}
	if base == "" || c.SMS.CallbackToken == "" || !c.SMS.pushes() {
		return ""
	}
	return strings.TrimRight(base, "/") + "/receipts/" + c.SMS.Provider + "/" + string(c.SMS.CallbackToken)
}

// Gateway describes a gateway of one's own that takes a message as one HTTP
// request. Query and Body have places that a message fills; they may hold a
// password.
type Gateway struct {
	Method   string `yaml:"method" env:"METHOD"`
	Path     string `yaml:"path" env:"PATH"`
	Query    Secret `yaml:"query" env:"QUERY"`
	Body     Secret `yaml:"body" env:"BODY"`
	BodyType string `yaml:"body_type" env:"BODY_TYPE"`
	Success  string `yaml:"success" env:"SUCCESS"` // a regular expression on the answer
	ID       string `yaml:"id" env:"ID"`           // likewise, its first group is the id
	Refused  string `yaml:"refused" env:"REFUSED"` // likewise, of an answer that says that the message was not taken
}

// The values of CMPP.Version.
const (
	CMPP20 = "2.0"
	CMPP30 = "3.0"
)

// CMPP is a carrier's gateway (ISMG).
type CMPP struct {
	Address       string `yaml:"address" env:"ADDRESS"` // host:port
	Version       string `yaml:"version" env:"VERSION"`
	SourceAddr    string `yaml:"source_addr" env:"SOURCE_ADDR"` // 企业代码
	Secret        Secret `yaml:"secret" env:"SECRET"`
	SecretFile    string `yaml:"secret_file" env:"SECRET_FILE"`
	ServiceID     string `yaml:"service_id" env:"SERVICE_ID"` // 业务代码
	SrcID         string `yaml:"src_id" env:"SRC_ID"`         // 接入号
	FeeType       string `yaml:"fee_type" env:"FEE_TYPE"`
	FeeCode       string `yaml:"fee_code" env:"FEE_CODE"`
	Connections   int    `yaml:"connections" env:"CONNECTIONS"`
	Window        int    `yaml:"window" env:"WINDOW"`
	RatePerSecond int    `yaml:"rate_per_second" env:"RATE_PER_SECOND"` // parts; 0 is no limit
	MaxParts      int    `yaml:"max_parts" env:"MAX_PARTS"`
	TrustGateway  bool   `yaml:"trust_gateway" env:"TRUST_GATEWAY"` // although it does not know the secret
}

// Robot is a robot of a group chat (群机器人). Whoever knows its URL can speak.
type Robot struct {
	URL        Secret `yaml:"url" env:"URL"`
	URLFile    string `yaml:"url_file" env:"URL_FILE"`
	Secret     Secret `yaml:"secret" env:"SECRET"` // 加签; "" for none, and WeCom has none
	SecretFile string `yaml:"secret_file" env:"SECRET_FILE"`
	AllowHost  string `yaml:"allow_host" env:"ALLOW_HOST"` // besides the platform's own
}

// Configured reports whether there is a robot.
func (r Robot) Configured() bool { return r.URL != "" || r.URLFile != "" }

// Webhook is a program that messages are handed to.
type Webhook struct {
	URL        Secret `yaml:"url" env:"URL"`
	URLFile    string `yaml:"url_file" env:"URL_FILE"`
	Secret     Secret `yaml:"secret" env:"SECRET"` // signs the messages
	SecretFile string `yaml:"secret_file" env:"SECRET_FILE"`
	Allow      string `yaml:"allow" env:"ALLOW"`     // hosts and networks, separated by commas
	CAFile     string `yaml:"ca_file" env:"CA_FILE"` // PEM, "" for the system's
}

// Configured reports whether there is a receiver.
func (w Webhook) Configured() bool { return w.URL != "" || w.URLFile != "" }

// Delivery says in which order the channels are tried. Normal and Urgent are
// names of channels, separated by commas; see [Config.Routes] for what "" means.
type Delivery struct {
	Normal              string        `yaml:"normal" env:"NORMAL"`
	Urgent              string        `yaml:"urgent" env:"URGENT"`
	FallbackAfter       time.Duration `yaml:"fallback_after" env:"FALLBACK_AFTER"`
	UrgentFallbackAfter time.Duration `yaml:"urgent_fallback_after" env:"URGENT_FALLBACK_AFTER"`
}

// Watch says how the server is watched, and what alarms administrators.
type Watch struct {
	HeartbeatURL     Secret        `yaml:"heartbeat_url" env:"HEARTBEAT_URL"` // is asked for while the server works, "" for none
	HeartbeatURLFile string        `yaml:"heartbeat_url_file" env:"HEARTBEAT_URL_FILE"`
	HeartbeatEvery   time.Duration `yaml:"heartbeat_every" env:"HEARTBEAT_EVERY"`
	QueueAge         time.Duration `yaml:"queue_age" env:"QUEUE_AGE"` // a message that is due for longer is an alarm
}

// The names of the channels.
const (
	ChannelEmail    = "email"
	ChannelSMS      = "sms"
	ChannelWeCom    = "wecom"
	ChannelDingTalk = "dingtalk"
	ChannelFeishu   = "feishu"
	ChannelWebhook  = "webhook"
	ChannelFile     = "file"
)

var channelNames = []string{ChannelEmail, ChannelSMS, ChannelWeCom, ChannelDingTalk, ChannelFeishu, ChannelWebhook, ChannelFile}

// Channels returns the names of the channels by which this server can send. It
// writes files only if it is told to, or if there is no other way to reach one
// person alone.
func (c *Config) Channels() []string {
	configured := map[string]bool{
		ChannelEmail: c.Mail.Configured(), ChannelSMS: c.SMS.Configured(), ChannelWeCom: c.WeCom.Configured(),
		ChannelDingTalk: c.DingTalk.Configured(), ChannelFeishu: c.Feishu.Configured(), ChannelWebhook: c.Webhook.Configured(),
	}
	configured[ChannelFile] = !configured[ChannelEmail] && !configured[ChannelSMS] ||
		slices.Contains(split(c.Delivery.Normal), ChannelFile) || slices.Contains(split(c.Delivery.Urgent), ChannelFile)
	return slices.DeleteFunc(slices.Clone(channelNames), func(name string) bool { return !configured[name] })
}

// Routes returns the channels that are tried for people who have chosen none,
// in order. Unless the administrator says otherwise, everything goes by the
// first of e-mail, SMS and file that is configured, and what is urgent by SMS
// too if that fails.
func (c *Config) Routes() (normal, urgent []string) {
	normal, urgent = split(c.Delivery.Normal), split(c.Delivery.Urgent)
	have := c.Channels()
	if len(normal) == 0 {
		for _, name := range []string{ChannelEmail, ChannelSMS, ChannelFile} {
			if slices.Contains(have, name) {
				normal = []string{name}
				break
			}
		}
	}
	if len(urgent) == 0 {
		urgent = slices.Clone(normal)
		if c.SMS.Configured() && !slices.Contains(urgent, ChannelSMS) {
			urgent = append(urgent, ChannelSMS)
		}
	}
	return normal, urgent
}

// List returns the hosts and networks of Allow.
func (w Webhook) List() []string { return split(w.Allow) }

// split cuts a list at its commas.
func split(list string) []string {
	var items []string
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '，' }) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
