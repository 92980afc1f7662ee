package sms

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"duban/notifier"
)

// HuaweiConfig says which application sends.
type HuaweiConfig struct {
	Options
	AppKey      string
	AppSecret   string
	Channel     string // 通道号 of the signature
	CallbackURL string // where receipts go, its token included; blank for none
}

// Huawei sends through 华为云消息&短信. The message's key is its extend
// parameter, which comes back with every receipt. There is no way to ask for
// receipts.
//
// Requests carry SDK-HMAC-SHA256 with the application's key and secret. The
// documentation recommends this "特殊AK/SK认证" over the older X-WSSE header,
// which signs neither the parameters nor the address.
type Huawei struct {
	*wire
	cfg HuaweiConfig
}

const (
	huaweiEndpoint = "https://smsapi.cn-north-4.myhuaweicloud.com"
	huaweiSendPath = "/sms/batchSendSms/v1"
	huaweiOK       = "000000"
	formType       = "application/x-www-form-urlencoded"
)

// NewHuawei checks the configuration. It does not connect.
func NewHuawei(cfg HuaweiConfig) (*Huawei, error) {
	if cfg.AppKey == "" || cfg.AppSecret == "" || cfg.Channel == "" {
		return nil, errors.New("未设置华为云短信应用的 Application Key、Application Secret 或通道号")
	}
	if err := checkCallback(cfg.CallbackURL); err != nil {
		return nil, err
	}
	w, err := newWire(KindHuawei, cfg.Options, huaweiEndpoint, false)
	if err != nil {
		return nil, err
	}
	return &Huawei{wire: w, cfg: cfg}, nil
}

// checkCallback accepts a blank address, for no receipts.
func checkCallback(s string) error {
	u, err := url.Parse(s)
	if s != "" && (err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		return errors.New("短信回执地址应为不带参数的完整网址")
	}
	return nil
}

type huaweiReply struct {
	Code, Description string
	Result            []struct{ SmsMsgID, Status string }
	// The API gateway in front of the service has names of its own.
	ErrorCode string `json:"error_code"`
	ErrorMsg  string `json:"error_msg"`
}

// Send hands the message over and returns its smsMsgId.
func (h *Huawei) Send(ctx context.Context, m Message) (string, error) {
	m, values, failure := m.numbered()
	if failure != nil {
		return "", failure
	}
	paras, err := json.Marshal(values)
	if err != nil {
		return "", h.unencodable(err)
	}
	form := url.Values{
		"from":          {h.cfg.Channel},
		"to":            {e164(m.Mobile)},
		"templateId":    {m.Template.TemplateID},
		"templateParas": {string(paras)},
		"signature":     {m.Template.Signature}, // heeded with a 通用模板 only
		"extend":        {m.Key},
	}
	if h.cfg.CallbackURL != "" {
		form.Set("statusCallback", h.cfg.CallbackURL)
	}
	return h.send(ctx, []byte(form.Encode()))
}

func (h *Huawei) send(ctx context.Context, body []byte) (string, error) {
	req, err := h.request(ctx, http.MethodPost, huaweiSendPath, body)
	if err != nil {
		return "", h.unencodable(err)
	}
	req.Header.Set("Content-Type", formType)
	req.Header.Set("X-Sdk-Date", h.clock.Now().UTC().Format(sdkDate))
	sdkSigner{h.cfg.AppKey, h.cfg.AppSecret}.sign(req, body, "content-type", "host", "x-sdk-date")
	got, failure := h.do(req)
	if failure != nil {
		return "", failure
	}
	var reply huaweiReply
	if json.Unmarshal(got.body, &reply) != nil {
		return "", statusFailure(h.kind, got)
	}
	return h.judge(got, reply)
}

// judge finds the outcome, which is in the status of the number if there is
// one, and else in the code of the whole request.
func (h *Huawei) judge(got answer, reply huaweiReply) (string, error) {
	switch {
	case reply.ErrorCode != "":
		return "", huaweiVerdicts.refusal(h.kind, reply.ErrorCode, reply.ErrorMsg)
	case reply.Code == "":
		return "", statusFailure(h.kind, got)
	case len(reply.Result) == 1 && reply.Result[0].Status != huaweiOK:
		return "", huaweiVerdicts.refusal(h.kind, reply.Result[0].Status, reply.Description)
	case reply.Code != huaweiOK:
		return "", huaweiVerdicts.refusal(h.kind, reply.Code, reply.Description)
	case len(reply.Result) != 1:
		return "", &notifier.SendError{Class: notifier.Unknown, Code: h.code("unreadable")}
	}
	return reply.Result[0].SmsMsgID, nil
}

// Query is not supported: the provider only pushes.
func (h *Huawei) Query(context.Context, Sent) ([]Receipt, error) { return nil, ErrNotSupported }

// sdkDate is the format of X-Sdk-Date, in UTC.
const sdkDate = "20060102T150405Z"

// sdkSigner signs by SDK-HMAC-SHA256. The provider signs what it pushes in the
// same way.
type sdkSigner struct{ key, secret string }

// sign adds the Authorization header, over the named headers.
func (s sdkSigner) sign(r *http.Request, body []byte, names ...string) {
	list, signature := s.signature(r, body, names)
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+s.key+", SignedHeaders="+list+", Signature="+signature)
}

func (s sdkSigner) signature(r *http.Request, body []byte, names []string) (list, signature string) {
	lines, list := canonicalHeaders(r, names...)
	canonical := r.Method + "\n" + sdkPath(r.URL) + "\n" + canonicalQuery(r.URL.Query()) + "\n" +
		lines + "\n" + list + "\n" + hexSHA256(body)
	text := "SDK-HMAC-SHA256\n" + r.Header.Get("X-Sdk-Date") + "\n" + hexSHA256([]byte(canonical))
	return list, hex.EncodeToString(hmacSHA256([]byte(s.secret), text))
}

// sdkPath is the path with a slash at its end, whether or not it has one.
func sdkPath(u *url.URL) string {
	return strings.TrimSuffix(u.EscapedPath(), "/") + "/"
}

// fresh reports whether the signature is of about now.
func fresh(r *http.Request, now time.Time) bool {
	const window = 15 * time.Minute
	t, err := time.Parse(sdkDate, r.Header.Get("X-Sdk-Date"))
	return err == nil && now.Sub(t).Abs() <= window
}
