package sms

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"duban/notifier"
)

// TencentConfig says which account and application sends.
type TencentConfig struct {
	Options
	SecretID  string
	SecretKey string
	AppID     string // SmsSdkAppId: 1400006666
	Region    string // blank is ap-guangzhou
}

// Tencent sends through 腾讯云短信, API version 2021-01-11, with signature
// TC3-HMAC-SHA256. The message's key is its SessionContext; Tencent returns
// it with the answer, and with queried receipts only to accounts for which
// support has enabled that.
type Tencent struct {
	*wire
	cfg TencentConfig
}

const (
	tencentEndpoint = "https://sms.tencentcloudapi.com"
	tencentService  = "sms"
	tencentVersion  = "2021-01-11"
	tencentRegion   = "ap-guangzhou"
	tencentJSON     = "application/json; charset=utf-8"
)

// NewTencent checks the configuration. It does not connect.
func NewTencent(cfg TencentConfig) (*Tencent, error) {
	if cfg.SecretID == "" || cfg.SecretKey == "" || cfg.AppID == "" {
		return nil, errors.New("未设置腾讯云密钥或短信应用 SdkAppId")
	}
	if cfg.Region == "" {
		cfg.Region = tencentRegion
	}
	w, err := newWire(KindTencent, cfg.Options, tencentEndpoint, false)
	if err != nil {
		return nil, err
	}
	return &Tencent{wire: w, cfg: cfg}, nil
}

type tencentSend struct {
	PhoneNumberSet   []string
	SmsSdkAppID      string `json:"SmsSdkAppId"`
	TemplateID       string `json:"TemplateId"`
	SignName         string
	TemplateParamSet []string
	SessionContext   string
}

// Send hands the message over and returns its SerialNo.
func (t *Tencent) Send(ctx context.Context, m Message) (string, error) {
	m, values, failure := m.numbered()
	if failure != nil {
		return "", failure
	}
	var reply struct {
		SendStatusSet []struct{ SerialNo, Code, Message string }
	}
	failure = t.call(ctx, "SendSms", tencentSend{
		PhoneNumberSet: []string{e164(m.Mobile)}, SmsSdkAppID: t.cfg.AppID, TemplateID: m.Template.TemplateID,
		SignName: m.Template.Signature, TemplateParamSet: values, SessionContext: m.Key,
	}, &reply)
	if failure != nil {
		return "", failure
	}
	if len(reply.SendStatusSet) != 1 {
		return "", &notifier.SendError{Class: notifier.Unknown, Code: t.code("unreadable")}
	}
	if s := reply.SendStatusSet[0]; s.Code != "Ok" {
		return "", tencentVerdicts.refusal(t.kind, s.Code, s.Message)
	}
	return reply.SendStatusSet[0].SerialNo, nil
}

const (
	tencentLimit = 100             // the most that the provider allows
	tencentSkew  = 5 * time.Minute // between its clock and ours
	tencentWaits = 72 * time.Hour  // carriers report no later
)

type tencentQuery struct {
	BeginTime   int64
	EndTime     int64
	Offset      int
	Limit       int
	PhoneNumber string
	SmsSdkAppID string `json:"SmsSdkAppId"`
}

type tencentStatus struct {
	UserReceiveTime  int64
	SubscriberNumber string
	SerialNo         string
	ReportStatus     string
	Description      string
	SessionContext   string
}

// Query asks for what the carriers reported of the number. A message is not
// listed until its carrier has spoken, so that it is missing proves nothing,
// and there is never an ErrNoRecord.
func (t *Tencent) Query(ctx context.Context, s Sent) ([]Receipt, error) {
	mobile, err := notifier.ParseMobile(s.Mobile)
	if err != nil {
		return nil, err
	}
	end := s.Date.Add(tencentWaits)
	if now := t.clock.Now(); now.Before(end) {
		end = now
	}
	var reply struct{ PullSmsSendStatusSet []tencentStatus }
	failure := t.call(ctx, "PullSmsSendStatusByPhoneNumber", tencentQuery{
		BeginTime: s.Date.Add(-tencentSkew).Unix(), EndTime: end.Add(tencentSkew).Unix(),
		Limit: tencentLimit, PhoneNumber: e164(mobile), SmsSdkAppID: t.cfg.AppID,
	}, &reply)
	if failure != nil {
		return nil, failure
	}
	var found []Receipt
	for _, r := range reply.PullSmsSendStatusSet {
		if s.ID != "" && r.SerialNo == s.ID || s.Key != "" && r.SessionContext == s.Key {
			found = append(found, r.receipt())
		}
	}
	return found, nil
}

func (s tencentStatus) receipt() Receipt {
	r := Receipt{
		ID: s.SerialNo, Key: s.SessionContext, Mobile: plain(s.SubscriberNumber),
		State: tencentState(s.ReportStatus), Code: s.Description,
	}
	if s.UserReceiveTime > 0 {
		r.At = time.Unix(s.UserReceiveTime, 0)
	}
	return r
}

func tencentState(report string) State {
	switch report {
	case "SUCCESS":
		return Delivered
	case "FAIL":
		return Failed
	}
	return Unknown
}

// call makes one request and decodes the answer into reply.
func (t *Tencent) call(ctx context.Context, action string, ask, reply any) *notifier.SendError {
	body, err := json.Marshal(ask)
	if err != nil {
		return t.unencodable(err)
	}
	req, err := t.request(ctx, http.MethodPost, "/", body)
	if err != nil {
		return t.unencodable(err)
	}
	t.cfg.sign(req, tencentService, action, tencentVersion, body, t.clock.Now())
	got, failure := t.do(req)
	if failure != nil {
		return failure
	}
	var envelope struct{ Response json.RawMessage }
	var head struct {
		Error *struct{ Code, Message string }
	}
	if json.Unmarshal(got.body, &envelope) != nil || json.Unmarshal(envelope.Response, &head) != nil {
		return statusFailure(t.kind, got)
	}
	if head.Error != nil {
		return tencentVerdicts.refusal(t.kind, head.Error.Code, head.Error.Message)
	}
	if err := json.Unmarshal(envelope.Response, reply); err != nil {
		return &notifier.SendError{Class: notifier.Unknown, Code: t.code("unreadable"), Err: err}
	}
	return nil
}

// sign adds the headers of TC3-HMAC-SHA256. The action is signed in lower
// case, whatever the case of the header.
func (c TencentConfig) sign(r *http.Request, service, action, version string, body []byte, now time.Time) {
	date := now.UTC().Format(time.DateOnly)
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", tencentJSON)
	r.Header.Set("X-TC-Action", strings.ToLower(action))
	lines, list := canonicalHeaders(r, "content-type", "host", "x-tc-action")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", version)
	r.Header.Set("X-TC-Timestamp", stamp)
	r.Header.Set("X-TC-Region", c.Region)

	canonical := r.Method + "\n/\n\n" + lines + "\n" + list + "\n" + hexSHA256(body)
	scope := date + "/" + service + "/tc3_request"
	key := hmacSHA256([]byte("TC3"+c.SecretKey), date)
	key = hmacSHA256(hmacSHA256(key, service), "tc3_request")
	signature := hmacSHA256(key, "TC3-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hexSHA256([]byte(canonical)))
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+c.SecretID+"/"+scope+
		", SignedHeaders="+list+", Signature="+hex.EncodeToString(signature))
}
