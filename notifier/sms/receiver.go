package sms

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"
)

// ReceiverConfig says how to recognise a provider's callbacks.
//
// Aliyun, Tencent and Kannel sign nothing, so their callbacks are known by
// where they go: the address that the provider was told ends in a secret
// token. Huawei can sign, if that is switched on in its console (推送AK/SK验证).
type ReceiverConfig struct {
	Kind  Kind
	Token string // the last segment of the callback's path; at least 20 safe characters
	// PushKeys are Huawei's 推送AK and 推送SK; none if that is switched off. Two
	// pairs may be valid while they are being changed.
	PushKeys map[string]string
	// CallbackURL is the address as Huawei was told, for its signature covers
	// it. A proxy before us may have changed the request's own.
	CallbackURL string
	Clock       clockwork.Clock
}

// minToken is 20 characters: 100 bits, if the token is random base 32.
const minToken = 20

// Receiver takes the callbacks of one provider.
type Receiver struct {
	cfg ReceiverConfig
	url *url.URL
}

// NewReceiver checks the configuration.
func NewReceiver(cfg ReceiverConfig) (*Receiver, error) {
	if len(cfg.Token) < minToken || !safeKey.MatchString(cfg.Token) {
		return nil, errors.New("短信回执口令应为至少 20 位的字母、数字、点、下划线或连字符")
	}
	if err := checkCallback(cfg.CallbackURL); err != nil {
		return nil, err
	}
	if len(cfg.PushKeys) > 0 && (cfg.Kind != KindHuawei || cfg.CallbackURL == "") {
		return nil, errors.New("推送AK/SK验证仅用于华为云，且须填写回执地址")
	}
	u, err := url.Parse(cfg.CallbackURL)
	if err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	return &Receiver{cfg: cfg, url: u}, nil
}

// Receive authenticates a callback and reads its receipts. Its errors are
// ErrForged and ErrMalformed, wrapped.
func (v *Receiver) Receive(r *http.Request) ([]Receipt, error) {
	if !sameSecret(path.Base(r.URL.Path), v.cfg.Token) {
		return nil, ErrForged
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if len(v.cfg.PushKeys) > 0 && !v.signed(r, body) {
		return nil, ErrForged
	}
	return parse(v.cfg.Kind, r, body)
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

var authorization = regexp.MustCompile(`^SDK-HMAC-SHA256\s+Access=([^,]+),\s?SignedHeaders=([^,]+),\s?Signature=([0-9a-f]{64})$`)

// signed verifies Huawei's signature over the body, the address and the time.
func (v *Receiver) signed(r *http.Request, body []byte) bool {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return false
	}
	secret, known := v.cfg.PushKeys[m[1]]
	names := strings.Split(strings.ToLower(m[2]), ";")
	if !known || !slices.Contains(names, "x-sdk-date") || !fresh(r, v.cfg.Clock.Now()) {
		return false
	}
	told := &http.Request{Method: r.Method, URL: v.url, Host: v.url.Host, Header: r.Header}
	_, want := sdkSigner{m[1], secret}.signature(told, body, names)
	return sameSecret(m[3], want)
}
