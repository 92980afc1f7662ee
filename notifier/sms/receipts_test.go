package sms_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/sms"
)

const token = "WQ7M2KTN5XR4VPYB3HDC6ZLA8E"

func push(method, path, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, "https://duban.example"+path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

const form = "application/x-www-form-urlencoded"

func TestPushedReceipts(t *testing.T) {
	at := time.Date(2026, 3, 2, 0, 31, 5, 0, time.UTC)
	for _, tc := range []struct {
		name string
		kind sms.Kind
		r    *http.Request
		want []sms.Receipt
	}{
		{
			"aliyun", sms.KindAliyun,
			push("POST", "/", "application/json", `[
				{"phone_number":"13800138000","send_time":"2026-03-02 08:30:00","report_time":"2026-03-02 08:31:05","success":true,"err_code":"DELIVERED","err_msg":"用户接收成功","sms_size":"1","biz_id":"12345^0","out_id":"`+key+`"},
				{"phone_number":"1381111****","success":false,"err_code":"MK:0005","biz_id":"67890"},
				{"success":true,"err_code":"of nobody"},
				{"out_id":"k3"}]`),
			[]sms.Receipt{
				{ID: "12345^0", Key: key, Mobile: mobile, State: sms.Delivered, Code: "DELIVERED", At: at},
				{ID: "67890", State: sms.Failed, Code: "MK:0005"},
				{Key: "k3", State: sms.Unknown},
			},
		},
		{
			"tencent", sms.KindTencent,
			push("POST", "/", "application/json", `[
				{"user_receive_time":"2026-03-02 08:31:05","nationcode":"86","mobile":"13800138000","report_status":"SUCCESS","errmsg":"DELIVRD","description":"用户短信送达成功","sid":"s1"},
				{"user_receive_time":"","nationcode":"86","mobile":"13xxxxxxxxx","report_status":"FAIL","errmsg":"MK:0001","sid":"s2"}]`),
			[]sms.Receipt{
				{ID: "s1", Mobile: mobile, State: sms.Delivered, Code: "DELIVRD", At: at},
				{ID: "s2", State: sms.Failed, Code: "MK:0001"},
			},
		},
		{
			"huawei", sms.KindHuawei,
			push("POST", "/", form, "sequence=1&total=1&orgCode=000&updateTime=2026-03-02T00%3A31%3A05Z&source=2&smsMsgId=b9d9b4fe_6&status=DELIVRD&extend="+key+"&to=%2B8613800138000"),
			[]sms.Receipt{{ID: "b9d9b4fe_6", Key: key, Mobile: mobile, State: sms.Delivered, Code: "DELIVRD", At: at}},
		},
		{
			"a part, for huawei", sms.KindHuawei,
			push("POST", "/", form, "smsMsgId=m&total=3&sequence=2&status=ACCEPTD"),
			[]sms.Receipt{{ID: "m", State: sms.Pending, Code: "ACCEPTD", Part: 2, Parts: 3}},
		},
		{
			"a batch of huawei", sms.KindHuawei,
			push("POST", "/", "application/json;charset=UTF-8", `{"statusReportList":[
				{"smsMsgId":"a","total":"1","sequence":"1","status":"E200027","source":"1"},
				{"smsMsgId":"b","status":"UNKNOWN"}]}`),
			[]sms.Receipt{{ID: "a", State: sms.Failed, Code: "E200027"}, {ID: "b", State: sms.Unknown, Code: "UNKNOWN"}},
		},
		{
			"kannel", sms.KindKannel, push("GET", "/x?key="+key+"&status=1&at=1772411465&to=%2B8613800138000", "", ""),
			[]sms.Receipt{{Key: key, Mobile: mobile, State: sms.Delivered, Code: "1", At: at}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := sms.ParseReceipts(tc.kind, tc.r)
			for i := range got {
				if !got[i].At.IsZero() {
					got[i].At = got[i].At.UTC()
				}
			}
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %v, %v\nwant %v", got, err, tc.want)
			}
		})
	}
}

func TestKannelStates(t *testing.T) {
	for status, want := range map[int]sms.State{
		1: sms.Delivered, 2: sms.Failed, 4: sms.Pending, 8: sms.Pending, 16: sms.Failed, 34: sms.Failed, 66: sms.Unknown, 0: sms.Unknown, -1: sms.Unknown,
	} {
		got, err := sms.ParseReceipts(sms.KindKannel, push("GET", fmt.Sprintf("/?key=k&status=%d", status), "", ""))
		if err != nil || got[0].State != want {
			t.Errorf("%d: got %v, %v, want %s", status, got, err, want)
		}
	}
}

func TestMalformedReceipts(t *testing.T) {
	for _, tc := range []struct {
		kind sms.Kind
		r    *http.Request
	}{
		{sms.KindAliyun, push("POST", "/", "application/json", `{"phone_number":"13800138000"}`)},
		{sms.KindAliyun, push("POST", "/", "application/json", `[{"phone_number":13800138000}]`)},
		{sms.KindAliyun, push("POST", "/", "application/json", `[{"success":true}]`)},
		{sms.KindAliyun, push("POST", "/", "application/json", "["+strings.Repeat(" ", 1<<20)+"]")},
		{sms.KindTencent, push("POST", "/", "application/json", ``)},
		{sms.KindTencent, push("POST", "/", "application/json", `[{"mobile":"13800138000","report_status":"SUCCESS"}]`)},
		{sms.KindHuawei, push("POST", "/", form, "status=DELIVRD")},
		{sms.KindHuawei, push("POST", "/", form, "%zz")},
		{sms.KindHuawei, push("POST", "/", "application/json", `[]`)},
		{sms.KindKannel, push("GET", "/?key=k&status=13800138000x", "", "")},
		{sms.KindKannel, push("GET", "/?status=1", "", "")},
		{"gateway", push("GET", "/?key=k&status=1", "", "")},
	} {
		got, err := sms.ParseReceipts(tc.kind, tc.r)
		if !errors.Is(err, sms.ErrMalformed) || got != nil {
			t.Errorf("%s: got %v, %v", tc.kind, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "13800138000") {
			t.Errorf("%s: the number is in %v", tc.kind, err)
		}
	}
}

func receiver(t *testing.T, cfg sms.ReceiverConfig) *sms.Receiver {
	t.Helper()
	cfg.Token, cfg.Clock = token, clockwork.NewFakeClockAt(now)
	v, err := sms.NewReceiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheTokenAuthenticates(t *testing.T) {
	v := receiver(t, sms.ReceiverConfig{Kind: sms.KindAliyun})
	body := `[{"out_id":"k","success":true}]`
	if got, err := v.Receive(push("POST", "/sms/aliyun/"+token, "application/json", body)); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, path := range []string{"/", "/sms/aliyun", "/sms/aliyun/", "/sms/aliyun/" + token[1:], "/sms/aliyun/" + token + "x", "/" + token + "/x", "/" + strings.ToLower(token)} {
		if got, err := v.Receive(push("POST", path, "application/json", body)); !errors.Is(err, sms.ErrForged) || got != nil {
			t.Errorf("%s: got %v, %v", path, got, err)
		}
	}
}

const huaweiBody = "smsMsgId=m&status=DELIVRD"

// huaweiPush is signed as the platform does it, by its documentation and not
// by our signer.
func huaweiPush(secret, sentTo, date string) *http.Request {
	u, err := url.Parse(sentTo)
	if err != nil {
		panic(err)
	}
	r := push("POST", u.Path, form, huaweiBody)
	r.Host = "10.0.0.7:8080" // as a reverse proxy leaves it
	canonical := "POST\n" + u.Path + "/\n\ncontent-type:" + form + "\nhost:" + u.Host + "\nx-sdk-date:" + date + "\n\ncontent-type;host;x-sdk-date\n" + sum(huaweiBody)
	signature := fmt.Sprintf("%x", mac(secret, "SDK-HMAC-SHA256\n"+date+"\n"+sum(canonical)))
	r.Header.Set("X-Sdk-Date", date)
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=pushAK, SignedHeaders=content-type;host;x-sdk-date, Signature="+signature)
	return r
}

func TestHuaweiSignsItsPushes(t *testing.T) {
	address := "https://duban.example/sms/huawei/" + token
	v := receiver(t, sms.ReceiverConfig{Kind: sms.KindHuawei, CallbackURL: address, PushKeys: map[string]string{"pushAK": "pushSK"}})
	const date = "20260302T003000Z"
	if got, err := v.Receive(huaweiPush("pushSK", address, date)); err != nil || len(got) != 1 || got[0].State != sms.Delivered {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, spoil := range map[string]func() *http.Request{
		"another secret":      func() *http.Request { return huaweiPush("other", address, date) },
		"another address":     func() *http.Request { return huaweiPush("pushSK", "https://evil.example/"+token, date) },
		"long ago":            func() *http.Request { return huaweiPush("pushSK", address, "20260302T001400Z") },
		"no signature at all": func() *http.Request { return push("POST", "/sms/huawei/"+token, form, huaweiBody) },
		"another body": func() *http.Request {
			r := huaweiPush("pushSK", address, date)
			other := push("POST", r.URL.Path, form, "smsMsgId=other&status=DELIVRD")
			other.Header = r.Header
			return other
		},
		"an unknown key": func() *http.Request {
			r := huaweiPush("pushSK", address, date)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "pushAK", "otherAK", 1))
			return r
		},
		"the date left out": func() *http.Request {
			r := huaweiPush("pushSK", address, date)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";x-sdk-date", "", 1))
			return r
		},
	} {
		if got, err := v.Receive(spoil()); !errors.Is(err, sms.ErrForged) || got != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestReceiversAreChecked(t *testing.T) {
	for name, cfg := range map[string]sms.ReceiverConfig{
		"no token":            {Kind: sms.KindAliyun},
		"a short token":       {Kind: sms.KindAliyun, Token: "secret"},
		"a token with a path": {Kind: sms.KindAliyun, Token: strings.Repeat("a", 20) + "/x"},
		"keys for another":    {Kind: sms.KindAliyun, Token: token, PushKeys: map[string]string{"a": "b"}, CallbackURL: "https://h/x"},
		"keys without where":  {Kind: sms.KindHuawei, Token: token, PushKeys: map[string]string{"a": "b"}},
		"no real address":     {Kind: sms.KindHuawei, Token: token, CallbackURL: "x"},
	} {
		if _, err := sms.NewReceiver(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestReplies(t *testing.T) {
	for kind, want := range map[sms.Kind]string{
		sms.KindAliyun: `{"code":0,"msg":"OK"}`, sms.KindTencent: `{"result":0,"errmsg":"OK"}`, sms.KindHuawei: "", sms.KindKannel: "",
	} {
		if _, got := sms.Reply(kind); got != want {
			t.Errorf("%s: got %s", kind, got)
		}
	}
}

func FuzzParseReceipts(f *testing.F) {
	kinds := []sms.Kind{sms.KindAliyun, sms.KindTencent, sms.KindHuawei, sms.KindKannel}
	f.Add(0, "", `[{"phone_number":"13800138000","success":true,"biz_id":"1","report_time":"2026-03-02 08:31:05"}]`, "")
	f.Add(1, "", `[{"mobile":"13800138000","report_status":"SUCCESS","sid":"1"}]`, "")
	f.Add(2, form, "smsMsgId=m&total=3&sequence=2&status=ACCEPTD&updateTime=2026-03-02T00%3A31%3A05Z", "")
	f.Add(2, "application/json", `{"statusReportList":[{"smsMsgId":"a","total":"2","sequence":"9"}]}`, "")
	f.Add(3, "", "", "key=k&status=1&at=1772411465")
	f.Add(3, "", "", "key=k&status=-9223372036854775808&at=9223372036854775807")
	f.Fuzz(func(t *testing.T, kind int, contentType, body, query string) {
		k := kinds[uint(kind)%uint(len(kinds))]
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.URL.RawQuery = query
		receipts, err := sms.ParseReceipts(k, r)
		if err != nil {
			if !errors.Is(err, sms.ErrMalformed) || receipts != nil {
				t.Errorf("%v, %v", receipts, err)
			}
			return
		}
		for _, c := range receipts {
			_, err := notifier.ParseMobile(c.Mobile)
			switch {
			case c.ID == "" && c.Key == "":
				t.Errorf("%v names no message", c)
			case c.Mobile != "" && err != nil:
				t.Errorf("%q is no number", c.Mobile)
			case c.State != sms.Delivered && c.State != sms.Failed && c.State != sms.Pending && c.State != sms.Unknown:
				t.Errorf("state %q", c.State)
			case c.Part < 0 || c.Part > c.Parts || c.Parts == 1:
				t.Errorf("part %d of %d", c.Part, c.Parts)
			case !c.At.IsZero() && (c.At.Year() < 0 || c.At.Year() > 50_000):
				t.Errorf("time %v", c.At)
			}
		}
	})
}
