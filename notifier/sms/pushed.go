package sms

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"time"
)

// aliyunReceipts reads SmsReport, HTTP batch push:
// https://help.aliyun.com/document_detail/101867.html
func aliyunReceipts(body []byte) ([]Receipt, error) {
	var pushed []struct {
		Mobile     string `json:"phone_number"`
		ReportTime string `json:"report_time"`
		Success    *bool  `json:"success"`
		Code       string `json:"err_code"`
		ID         string `json:"biz_id"`
		Key        string `json:"out_id"`
	}
	if err := json.Unmarshal(body, &pushed); err != nil {
		return nil, malformed(err)
	}
	receipts := make([]Receipt, 0, len(pushed))
	for _, p := range pushed {
		r := Receipt{ID: p.ID, Key: p.Key, Mobile: plain(p.Mobile), State: Unknown, Code: p.Code, At: beijingTime(p.ReportTime)}
		if p.Success != nil {
			r.State = Failed
			if *p.Success {
				r.State = Delivered
			}
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}

// tencentReceipts reads 短信下发状态通知:
// https://cloud.tencent.com/document/product/382/5807
// It names the message by its SerialNo alone.
func tencentReceipts(body []byte) ([]Receipt, error) {
	var pushed []struct {
		ReceivedAt string `json:"user_receive_time"`
		Mobile     string `json:"mobile"`
		Report     string `json:"report_status"`
		Code       string `json:"errmsg"`
		ID         string `json:"sid"`
	}
	if err := json.Unmarshal(body, &pushed); err != nil {
		return nil, malformed(err)
	}
	receipts := make([]Receipt, 0, len(pushed))
	for _, p := range pushed {
		receipts = append(receipts, Receipt{ID: p.ID, Mobile: plain(p.Mobile), State: tencentState(p.Report), Code: p.Code, At: beijingTime(p.ReceivedAt)})
	}
	return receipts, nil
}

// huaweiReport is a 状态报告. Every part of a long message has its own.
type huaweiReport struct {
	ID       string `json:"smsMsgId"`
	Key      string `json:"extend"`
	Mobile   string `json:"to"`
	Status   string `json:"status"`
	At       string `json:"updateTime"`
	Total    string `json:"total"`
	Sequence string `json:"sequence"`
}

// huaweiReceipts reads a report in a form, which goes to the statusCallback of
// the message, or a batch of them in JSON, which goes to the address of the
// application: https://support.huaweicloud.com/api-msgsms/sms_05_0003.html and
// sms_05_0063.html.
func huaweiReceipts(contentType string, body []byte) ([]Receipt, error) {
	if mediaType, _, err := mime.ParseMediaType(contentType); err == nil && mediaType == "application/json" {
		var pushed struct {
			Reports []huaweiReport `json:"statusReportList"`
		}
		if err := json.Unmarshal(body, &pushed); err != nil {
			return nil, malformed(err)
		}
		receipts := make([]Receipt, 0, len(pushed.Reports))
		for _, p := range pushed.Reports {
			receipts = append(receipts, p.receipt())
		}
		return receipts, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, malformed(err)
	}
	p := huaweiReport{
		ID: form.Get("smsMsgId"), Key: form.Get("extend"), Mobile: form.Get("to"), Status: form.Get("status"),
		At: form.Get("updateTime"), Total: form.Get("total"), Sequence: form.Get("sequence"),
	}
	return []Receipt{p.receipt()}, nil
}

func (p huaweiReport) receipt() Receipt {
	r := Receipt{ID: p.ID, Key: p.Key, Mobile: plain(p.Mobile), State: huaweiState(p.Status), Code: p.Status}
	if at, err := time.Parse(time.RFC3339, p.At); err == nil {
		r.At = at
	}
	if total, err := strconv.Atoi(p.Total); err == nil && total > 1 {
		if part, err := strconv.Atoi(p.Sequence); err == nil && part >= 1 && part <= total {
			r.Part, r.Parts = part, total
		}
	}
	return r
}

// huaweiState reads a status, which is the carrier's, or a code of Huawei's
// for a message that never came so far.
func huaweiState(status string) State {
	switch status {
	case "DELIVRD":
		return Delivered
	case "ACCEPTD":
		return Pending
	case "", "UNKNOWN":
		return Unknown
	}
	return Failed
}

// kannelReceipts reads the call of the dlr-url that KannelConfig makes.
func kannelReceipts(q url.Values) ([]Receipt, error) {
	status, err := strconv.Atoi(q.Get("status"))
	if err != nil {
		return nil, malformed(err)
	}
	r := Receipt{Key: q.Get("key"), Mobile: plain(q.Get("to")), State: kannelState(status), Code: strconv.Itoa(status)}
	if at, err := strconv.ParseInt(q.Get("at"), 10, 64); err == nil && at > 0 && at < 1<<40 {
		r.At = time.Unix(at, 0)
	}
	return []Receipt{r}, nil
}

// kannelState reads the bits of Kannel's DLR: 1 delivered, 2 failed, 4 queued,
// 8 taken and 16 refused by the carrier; 64 besides says "unknown" and 32
// "expired".
func kannelState(status int) State {
	switch {
	case status < 0 || status&64 != 0:
		return Unknown
	case status&1 != 0:
		return Delivered
	case status&(2|16) != 0:
		return Failed
	case status&(4|8) != 0:
		return Pending
	}
	return Unknown
}

// malformed wraps an error of a decoder, whose own text may repeat a number.
func malformed(err error) error { return fmt.Errorf("%w（%T）", ErrMalformed, err) }
