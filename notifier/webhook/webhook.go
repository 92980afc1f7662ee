// Package webhook hands messages to a program of the administrator's choosing:
// a signed JSON document, by POST.
//
// The receiver checks the signature (签名) in X-Duban-Signature and the time in
// it, and drops what it has seen: X-Duban-Id is the same at every attempt, so a
// message whose answer was lost does no harm when it comes again.
//
// An address that somebody types into a form must not become a way into the
// inner network (SSRF). The host has to be on a list, and what counts is not
// the name but the address that is dialled, each time: see [guard].
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

// Config says where to, and what may be reached.
type Config struct {
	URL    string // https; http only on this machine
	Secret string // the receiver knows it too
	// Allow lists the hosts that may be called, and the networks, as in
	// 10.20.0.0/16, whose addresses may be. A host on a public address needs
	// its name here only; one that is private, on this machine or otherwise not
	// public needs its network as well, whatever its name is.
	Allow  []string
	CAFile string // PEM certificates to trust besides the system's

	Timeout time.Duration // for each message; 0 is 10 s
	Clock   clockwork.Clock

	resolver *net.Resolver // nil is the system's
}

// String names nothing secret: the address may carry a key.
func (c Config) String() string { return "webhook" }

const (
	defaultTimeout = 10 * time.Second
	// A shorter secret can be guessed from one message.
	minSecret = 16
)

// The headers of a message.
const (
	SignatureHeader = "X-Duban-Signature" // t=<unix seconds>,v1=<hex HMAC-SHA256>
	IDHeader        = "X-Duban-Id"        // Message.Key
)

// Webhook is the channel to one receiver.
type Webhook struct {
	cfg      Config
	url      *url.URL
	client   *http.Client
	inFlight sync.RWMutex // held for reading by every message

	mu     sync.Mutex
	closed time.Time // the receiver asked for silence until then
}

var (
	_ notifier.Channel = (*Webhook)(nil)
	_ notifier.Tester  = (*Webhook)(nil)
)

// New checks the configuration and returns the channel. It does not connect.
func New(cfg Config) (*Webhook, error) {
	switch {
	case len(cfg.Secret) < minSecret:
		return nil, fmt.Errorf("webhook 签名密钥至少 %d 个字符", minSecret)
	case cfg.Timeout < 0:
		return nil, errors.New("webhook 超时不得为负")
	}
	allowed, err := parseAllowed(cfg.Allow)
	if err != nil {
		return nil, err
	}
	u, err := endpoint(cfg.URL, allowed)
	if err != nil {
		return nil, err
	}
	roots, err := notifier.Trusted(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	return &Webhook{cfg: cfg, url: u, client: newClient(cfg.resolver, allowed, roots)}, nil
}

// String names nothing secret.
func (w *Webhook) String() string { return w.cfg.String() }

// document is what the receiver reads. Fields may be added.
type document struct {
	ID      int64     `json:"id"`
	Key     string    `json:"key"`
	Name    string    `json:"name"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Date    time.Time `json:"date"`
	Test    bool      `json:"test,omitempty"`
}

// Send hands the message over, and returns its key: that is the id by which
// both sides know it.
func (w *Webhook) Send(ctx context.Context, m notifier.Message) (string, error) {
	if m.Date.IsZero() {
		m.Date = w.cfg.Clock.Now()
	}
	return w.send(ctx, document{
		ID: m.NotificationID, Key: m.Key, Name: m.Name,
		Subject: m.Subject, Text: m.Text, Date: m.Date.UTC().Truncate(time.Second),
	})
}

// Test sends a message that says what it is, for the console's test button.
func (w *Webhook) Test(ctx context.Context) error {
	now := w.cfg.Clock.Now().UTC()
	_, err := w.send(ctx, document{
		Key:     "test-" + strconv.FormatInt(now.UnixNano(), 36),
		Subject: "【督办】测试消息",
		Text:    "这是督办系统 duban 的测试消息，无需处理。",
		Date:    now.Truncate(time.Second),
		Test:    true,
	})
	return err
}

func (w *Webhook) send(ctx context.Context, d document) (string, error) {
	w.inFlight.RLock()
	defer w.inFlight.RUnlock()
	body, err := json.Marshal(d)
	if err != nil { // a year beyond 9999
		return "", &notifier.SendError{Class: notifier.Reject, Code: "webhook_document", Local: true, Err: err}
	}
	if failure := w.silence(); failure != nil {
		return "", failure
	}
	if failure := w.post(ctx, d.Key, body); failure != nil {
		return "", failure
	}
	return d.Key, nil
}

// signature signs the time with the body, so that an old message cannot be
// passed off as a new one.
func (w *Webhook) signature(body []byte) string {
	stamp := strconv.FormatInt(w.cfg.Clock.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(w.cfg.Secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Close releases connections, once no message is in flight.
func (w *Webhook) Close() error {
	w.inFlight.Lock()
	defer w.inFlight.Unlock()
	w.client.CloseIdleConnections()
	return nil
}
