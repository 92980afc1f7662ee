package sms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"duban/notifier"
)

// AliyunConfig says which account sends.
type AliyunConfig struct {
	Options
	AccessKeyID     string
	AccessKeySecret string
}

// Aliyun sends through 阿里云短信服务, API version 2017-05-25. The message's
// key is its OutId, which comes back with every receipt.
//
// Requests carry signature V3, ACS3-HMAC-SHA256. The documentation asks users
// of the older RPC signature to move to it: it is SHA-256 instead of SHA-1,
// covers the headers and the body, and keeps the signature out of the address.
type Aliyun struct {
	*wire
	cfg AliyunConfig
}

const (
	aliyunEndpoint = "https://dysmsapi.aliyuncs.com"
	aliyunVersion  = "2017-05-25"
)

// NewAliyun checks the configuration. It does not connect.
func NewAliyun(cfg AliyunConfig) (*Aliyun, error) {
	if cfg.AccessKeyID == "" || cfg.AccessKeySecret == "" {
		return nil, errors.New("未设置阿里云 AccessKey")
	}
	w, err := newWire(KindAliyun, cfg.Options, aliyunEndpoint, false)
	if err != nil {
		return nil, err
	}
	return &Aliyun{wire: w, cfg: cfg}, nil
}

// Send hands the message over and returns its BizId.
func (a *Aliyun) Send(ctx context.Context, m Message) (string, error) {
	m, failure := m.approved()
	if failure != nil {
		return "", failure
	}
	values, err := m.named()
	if err != nil {
		return "", a.unencodable(err)
	}
	var reply struct{ BizID string }
	failure = a.call(ctx, "SendSms", url.Values{
		"PhoneNumbers":  {m.Mobile},
		"SignName":      {m.Template.Signature},
		"TemplateCode":  {m.Template.TemplateID},
		"TemplateParam": {values},
		"OutId":         {m.Key},
	}, &reply)
	if failure != nil {
		return "", failure
	}
	return reply.BizID, nil
}

// The listing of messages is by number and by day of Beijing.
const (
	aliyunPage     = 50 // the most that the provider allows
	aliyunMaxPages = 20
	aliyunKeeps    = 30 * 24 * time.Hour
	// A message appears in the listing with some delay, and under the
	// provider's date. For as long, that it is missing means nothing.
	aliyunSettles = 10 * time.Minute
)

type aliyunDetail struct {
	PhoneNum    string
	OutID       string
	SendStatus  int
	ErrCode     string
	ReceiveDate string
}

var aliyunStates = map[int]State{1: Pending, 2: Failed, 3: Delivered}

// Query looks for the message among those that the number was sent.
func (a *Aliyun) Query(ctx context.Context, s Sent) ([]Receipt, error) {
	var found []Receipt
	for _, day := range aliyunDays(s.Date) {
		details, err := a.listed(ctx, s, day)
		if err != nil {
			return nil, err
		}
		for _, d := range details {
			if s.Key != "" && d.OutID == s.Key {
				found = append(found, d.receipt(s))
			}
		}
	}
	if age := a.clock.Since(s.Date); len(found) == 0 && age > aliyunSettles && age < aliyunKeeps {
		return nil, ErrNoRecord
	}
	return found, nil
}

// aliyunDays returns the days on which a message may be listed: two, for one
// that was sent around midnight.
func aliyunDays(sent time.Time) []string {
	first := sent.Add(-aliyunSettles).In(beijing).Format("20060102")
	last := sent.Add(aliyunSettles).In(beijing).Format("20060102")
	if first == last {
		return []string{first}
	}
	return []string{first, last}
}

// listed returns all messages of a day, or fails: an incomplete list must not
// be taken for proof that a message is missing.
func (a *Aliyun) listed(ctx context.Context, s Sent, day string) ([]aliyunDetail, error) {
	mobile, err := notifier.ParseMobile(s.Mobile)
	if err != nil {
		return nil, err
	}
	var all []aliyunDetail
	for page := 1; page <= aliyunMaxPages; page++ {
		q := url.Values{
			"PhoneNumber": {mobile},
			"SendDate":    {day},
			"PageSize":    {strconv.Itoa(aliyunPage)},
			"CurrentPage": {strconv.Itoa(page)},
		}
		if s.ID != "" {
			q.Set("BizId", s.ID)
		}
		var reply struct {
			SmsSendDetailDTOs struct{ SmsSendDetailDTO []aliyunDetail }
		}
		if failure := a.call(ctx, "QuerySendDetails", q, &reply); failure != nil {
			return nil, failure
		}
		details := reply.SmsSendDetailDTOs.SmsSendDetailDTO
		all = append(all, details...)
		if len(details) < aliyunPage {
			return all, nil
		}
	}
	return nil, errors.New("该号码当日短信过多，无法查询回执")
}

func (d aliyunDetail) receipt(s Sent) Receipt {
	r := Receipt{ID: s.ID, Key: d.OutID, Mobile: plain(d.PhoneNum), State: aliyunStates[d.SendStatus], Code: d.ErrCode, At: beijingTime(d.ReceiveDate)}
	if r.State == "" { // whatever it is, the message is listed
		r.State = Pending
	}
	return r
}

// call makes one request and decodes the answer into reply.
func (a *Aliyun) call(ctx context.Context, action string, q url.Values, reply any) *notifier.SendError {
	req, err := a.request(ctx, http.MethodPost, "/", nil)
	if err != nil {
		return a.unencodable(err)
	}
	req.URL.RawQuery = canonicalQuery(q)
	a.cfg.sign(req, action, a.clock.Now(), rand.Text())
	got, failure := a.do(req)
	if failure != nil {
		return failure
	}
	var head struct{ Code, Message string }
	if json.Unmarshal(got.body, &head) != nil || head.Code == "" {
		return statusFailure(a.kind, got)
	}
	if head.Code != "OK" {
		return aliyunVerdicts.refusal(a.kind, head.Code, head.Message)
	}
	if err := json.Unmarshal(got.body, reply); err != nil {
		return &notifier.SendError{Class: notifier.Unknown, Code: a.code("unreadable"), Err: err}
	}
	return nil
}

// sign adds the headers of signature V3 to a request without a body, whose
// parameters are in canonical form. The nonce makes a replay known as one.
func (c AliyunConfig) sign(r *http.Request, action string, now time.Time, nonce string) {
	emptyBody := hexSHA256(nil)
	r.Header.Set("X-Acs-Action", action)
	r.Header.Set("X-Acs-Version", aliyunVersion)
	r.Header.Set("X-Acs-Date", now.UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("X-Acs-Signature-Nonce", nonce)
	r.Header.Set("X-Acs-Content-Sha256", emptyBody)
	c.authorize(r, emptyBody)
}

func (c AliyunConfig) authorize(r *http.Request, bodyHash string) {
	lines, list := canonicalHeaders(r, "host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")
	canonical := r.Method + "\n/\n" + r.URL.RawQuery + "\n" + lines + "\n" + list + "\n" + bodyHash
	signature := hmacSHA256([]byte(c.AccessKeySecret), "ACS3-HMAC-SHA256\n"+hexSHA256([]byte(canonical)))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+c.AccessKeyID+
		",SignedHeaders="+list+",Signature="+hex.EncodeToString(signature))
}
