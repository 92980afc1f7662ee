package robot

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"duban/notifier"
)

// meaning is what a code of a platform says about what is still to be sent.
type meaning int

const (
	again   meaning = iota // try this message again later; also for codes that we do not know
	never                  // this message will not be taken
	fault                  // the robot is set up wrongly, so every message would fail
	tooFast                // 限流: pause
)

// verdict is the body of an answer. WeCom and DingTalk write errcode, Feishu
// code, and its oldest robots StatusCode.
type verdict struct {
	ErrCode    *int   `json:"errcode"`
	ErrMsg     string `json:"errmsg"`
	Code       *int   `json:"code"`
	Msg        string `json:"msg"`
	StatusCode *int   `json:"StatusCode"`
}

func (v verdict) code() (code int, ok bool) {
	for _, c := range []*int{v.ErrCode, v.Code, v.StatusCode} {
		if c != nil {
			return *c, true
		}
	}
	return 0, false
}

// judge returns nil if the platform has taken the message.
func (r *Robot) judge(a answer) *notifier.SendError {
	switch {
	case a.status == http.StatusTooManyRequests:
		return r.pause(r.httpCode(a.status), "", a.header)
	case a.status >= 500:
		return &notifier.SendError{Class: notifier.Retry, Code: r.httpCode(a.status)}
	}
	var v verdict
	err := a.err
	if err == nil {
		err = json.Unmarshal(a.body, &v)
	}
	if code, ok := v.code(); err == nil && ok {
		if code == 0 && a.status == http.StatusOK {
			return nil
		}
		if code != 0 {
			return r.refusal(code, v.ErrMsg+v.Msg, a.header)
		}
	}
	switch {
	case a.status == http.StatusRequestEntityTooLarge:
		return &notifier.SendError{Class: notifier.Reject, Code: r.httpCode(a.status)}
	case a.status >= 300: // a wrong address, or a gateway before the platform
		return &notifier.SendError{Class: notifier.Down, Code: r.httpCode(a.status)}
	}
	return &notifier.SendError{Class: notifier.Unknown, Code: r.code("bad_answer"), Err: err}
}

// refusal judges a code of the platform.
func (r *Robot) refusal(code int, words string, header http.Header) *notifier.SendError {
	e := &notifier.SendError{
		Class:  notifier.Retry,
		Code:   r.code(strconv.Itoa(code)),
		Detail: r.secrets.hidden(words),
	}
	switch r.platform.means(code, words) {
	case never:
		e.Class = notifier.Reject
	case fault:
		e.Class = notifier.Down
	case tooFast:
		return r.pause(e.Code, e.Detail, header)
	}
	return e
}

// maxPause bounds how long a platform's word keeps the robot silent.
const maxPause = time.Hour

// pause keeps the robot silent for as long as the platform asks.
func (r *Robot) pause(code, detail string, header http.Header) *notifier.SendError {
	pause := r.platform.pause
	for _, name := range []string{"Retry-After", "X-Ogw-Ratelimit-Reset"} {
		if seconds, err := strconv.Atoi(header.Get(name)); err == nil && seconds > 0 {
			pause = time.Duration(min(seconds, int(maxPause/time.Second))) * time.Second
			break
		}
	}
	r.limit.closeUntil(r.cfg.Clock.Now().Add(pause))
	return &notifier.SendError{Class: notifier.Down, Code: code, Detail: detail}
}
