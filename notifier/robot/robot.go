// Package robot sends messages into group chats through the group robots
// (群机器人) of WeCom 企业微信, DingTalk 钉钉 and Feishu 飞书.
//
// A robot belongs to one group, and everybody in it reads what it says: a
// message with a login or a signed link is not for a robot. The person whom a
// message concerns is mentioned by the mobile number, where the platform can.
//
// The platforms answer "200 OK" to nearly everything, so the outcome is in the
// answer's body. They tell nobody a message's id, and they cannot recognize a
// message that they have seen: one whose answer is lost is sent twice.
package robot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// Kind is the platform of a robot.
type Kind string

// The platforms.
const (
	WeCom    Kind = "wecom"    // 企业微信
	DingTalk Kind = "dingtalk" // 钉钉
	Feishu   Kind = "feishu"   // 飞书, and Lark abroad
)

// Config says how to reach a robot.
type Config struct {
	Kind   Kind
	URL    string // the robot's webhook, which is a secret: who knows it can speak
	Secret string // signs the messages (加签); blank for none, and WeCom has none
	// AllowHost is a host, and a port if need be, that is trusted besides the
	// platform's own: an installation of one's own (专有钉钉, 政务微信), or a test.
	AllowHost string

	Client  *http.Client  // nil is one that trusts the system's certificates
	Timeout time.Duration // for each request; 0 is 10 s
	Clock   clockwork.Clock
}

// String names the platform only, so that no log tells the secrets.
func (c Config) String() string { return "robot " + string(c.Kind) }

const defaultTimeout = 10 * time.Second

// platform is what differs from one to another.
type platform struct {
	name   string
	hosts  []string
	quotas []quota
	pause  time.Duration // how long it refuses after too many messages
	signs  bool
	// compose puts the message into the platform's form, within its limits.
	compose func(n note, secret string, now time.Time) (query url.Values, body []byte)
	means   func(code int, words string) meaning
}

func platformOf(k Kind) (platform, bool) {
	switch k {
	case WeCom:
		return wecom, true
	case DingTalk:
		return dingtalk, true
	case Feishu:
		return feishu, true
	}
	return platform{}, false
}

// Robot is the channel into one group.
type Robot struct {
	cfg      Config
	platform platform
	url      *url.URL
	client   *http.Client
	limit    *limiter
	secrets  *secrets
	inFlight sync.RWMutex // held for reading by every message
}

// String names the platform only.
func (r *Robot) String() string { return r.cfg.String() }

var (
	_ notifier.Channel   = (*Robot)(nil)
	_ notifier.Mentioner = (*Robot)(nil)
	_ notifier.Tester    = (*Robot)(nil)
)

// New checks the configuration and returns the channel. It does not connect.
// Its errors do not tell the webhook.
func New(cfg Config) (*Robot, error) {
	p, ok := platformOf(cfg.Kind)
	switch {
	case !ok:
		return nil, fmt.Errorf("群机器人类型 %q 无效，应为 wecom、dingtalk 或 feishu", cfg.Kind)
	case cfg.Secret != "" && !p.signs:
		return nil, fmt.Errorf("%s群机器人没有加签密钥", p.name)
	case cfg.Timeout < 0:
		return nil, errors.New("群机器人超时不得为负")
	}
	u, err := endpoint(cfg.URL, p, cfg.AllowHost)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	return &Robot{
		cfg: cfg, platform: p, url: u,
		client:  newClient(cfg.Client),
		limit:   &limiter{clock: cfg.Clock, quotas: p.quotas, spare: cfg.Timeout},
		secrets: newSecrets(u, cfg.Secret),
	}, nil
}

// Send says the message in the group and mentions nobody. The platforms have
// no ids for messages, so it returns none.
func (r *Robot) Send(ctx context.Context, m notifier.Message) (string, error) {
	return r.SendTo(ctx, m, "")
}

// SendTo says the message and mentions the member with the mobile number
// (@手机号). Feishu's robots cannot: it lets them know nobody by the number.
// What is no number of the mainland is not handed on.
func (r *Robot) SendTo(ctx context.Context, m notifier.Message, mobile string) (string, error) {
	r.inFlight.RLock()
	defer r.inFlight.RUnlock()
	n := newNote(m, mobile)
	if n.subject == "" && n.text == "" {
		return "", &notifier.SendError{Class: notifier.Reject, Code: r.code("empty"), Local: true}
	}
	if failure := r.limit.wait(ctx); failure != nil {
		return "", failure
	}
	if failure := r.post(ctx, n); failure != nil {
		return "", failure
	}
	return "", nil
}

// Test sends a harmless line, for the console's test button. Its words are
// those of every message, because a robot may demand a keyword (自定义关键词).
func (r *Robot) Test(ctx context.Context) error {
	_, err := r.Send(ctx, notifier.Message{
		Subject: "【督办】测试消息",
		Text:    "这是督办系统 duban 的测试提醒。看到它，说明" + r.platform.name + "群机器人已配置好，无需处理。",
	})
	return err
}

// Close releases connections, once no message is in flight.
func (r *Robot) Close() error {
	r.inFlight.Lock()
	defer r.inFlight.Unlock()
	r.client.CloseIdleConnections()
	return nil
}

// Quota returns what the platform lets a robot say, for all replicas together.
func (r *Robot) Quota() models.Quota {
	var q models.Quota
	for _, p := range r.platform.quotas {
		if p.per < time.Minute {
			q.PerSecond = p.n
		} else {
			q.PerMinute = p.n
		}
	}
	return q
}

func (r *Robot) code(what string) string { return string(r.cfg.Kind) + "_" + what }
