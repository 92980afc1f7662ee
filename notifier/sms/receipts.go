package sms

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"duban/models"
	"duban/notifier"
)

// Errors of receipts that are pushed to us.
var (
	// ErrForged means that a callback does not come from the provider. It says
	// no more, because it is answered to whoever sent it.
	ErrForged = errors.New("短信回执来源不可信")
	// ErrMalformed means that a callback is not in the provider's format.
	ErrMalformed = errors.New("短信回执格式有误")
)

// maxReceipts bounds one callback. Providers send up to a hundred receipts at a
// time, of some three hundred bytes each.
const maxReceipts = 1 << 20

// ParseReceipts reads what a provider pushes (推送回执), in the provider's own
// format. It believes everything; use a [Receiver] for what comes from outside.
func ParseReceipts(k Kind, r *http.Request) ([]Receipt, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return parse(k, r, body)
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReceipts+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w：%w", ErrMalformed, err)
	case len(body) > maxReceipts:
		return nil, fmt.Errorf("%w：过长", ErrMalformed)
	}
	return body, nil
}

func parse(k Kind, r *http.Request, body []byte) (receipts []Receipt, err error) {
	switch k {
	case KindAliyun:
		receipts, err = aliyunReceipts(body)
	case KindTencent:
		receipts, err = tencentReceipts(body)
	case KindHuawei:
		receipts, err = huaweiReceipts(r.Header.Get("Content-Type"), body)
	case KindKannel:
		receipts, err = kannelReceipts(r.URL.Query())
	default:
		return nil, fmt.Errorf("%w：%q 不推送回执", ErrMalformed, k)
	}
	if err != nil {
		return nil, err
	}
	// One that names no message helps nobody, and must not keep the others of
	// its batch from being stored.
	pushed := len(receipts)
	receipts = slices.DeleteFunc(receipts, func(c Receipt) bool { return c.ID == "" && c.Key == "" })
	if pushed > 0 && len(receipts) == 0 {
		return nil, fmt.Errorf("%w：没有短信编号", ErrMalformed)
	}
	return receipts, nil
}

// Record returns the receipt as it is kept, unless it says nothing.
func (r Receipt) Record() (record models.Receipt, ok bool) {
	state, ok := records[r.State]
	if !ok {
		return record, false
	}
	record = models.Receipt{Channel: models.ChannelSMS, ProviderID: r.ID, State: state, Code: r.Code, Part: r.Part, Parts: r.Parts}
	if !r.At.IsZero() {
		record.At = &r.At
	}
	return record, true
}

var records = map[State]models.ReceiptState{
	Pending: models.ReceiptPending, Delivered: models.ReceiptDelivered, Failed: models.ReceiptFailed,
}

// Reply is what a provider must be answered with when its receipts are stored.
// Until it is, it pushes them again.
func Reply(k Kind) (contentType, body string) {
	switch k {
	case KindAliyun:
		return "application/json", `{"code":0,"msg":"OK"}`
	case KindTencent:
		return "application/json", `{"result":0,"errmsg":"OK"}`
	}
	return "text/plain", ""
}

// beijingTime reads a provider's time without a zone, or returns zero.
func beijingTime(s string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, s, beijing)
	if err != nil {
		return time.Time{}
	}
	return t
}

// plain returns the digits of a number in a receipt, or nothing: providers may
// mask it.
func plain(mobile string) string {
	m, err := notifier.ParseMobile(mobile)
	if err != nil {
		return ""
	}
	return m
}
