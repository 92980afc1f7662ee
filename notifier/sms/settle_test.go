package sms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"duban/notifier/sms"
)

const key = "42-9f86d081884c7d65"

func aliyunList(outIDs ...string) string {
	var rows []string
	for _, o := range outIDs {
		out, status, _ := strings.Cut(o, "=")
		rows = append(rows, fmt.Sprintf(`{"PhoneNum":"13800138000","SendStatus":%s,"ErrCode":"DELIVERED","TemplateCode":"SMS_1","Content":"x","SendDate":"2026-03-01 08:00:00","ReceiveDate":"2026-03-01 08:00:05","OutId":%q}`, status, out))
	}
	return `{"Code":"OK","Message":"OK","TotalCount":"1","SmsSendDetailDTOs":{"SmsSendDetailDTO":[` + strings.Join(rows, ",") + `]}}`
}

func TestSettleByAliyun(t *testing.T) {
	s := subjects(t)[0]
	sent := now.Add(-time.Hour)
	for _, tc := range []struct {
		name     string
		answer   string
		date     time.Time
		state    sms.State
		err      error
		accepted bool
	}{
		{"delivered", aliyunList("other=1", key+"=3"), sent, sms.Delivered, nil, true},
		{"failed", aliyunList(key + "=2"), sent, sms.Failed, nil, true},
		{"waiting", aliyunList(key + "=1"), sent, sms.Pending, nil, true},
		{"a status that is new", aliyunList(key + "=9"), sent, sms.Pending, nil, true},
		{"taken twice", aliyunList(key+"=2", key+"=3", key+"=1"), sent, sms.Delivered, nil, true},
		{"never taken", aliyunList("other=3"), sent, sms.Unknown, sms.ErrNoRecord, false},
		{"too early to tell", aliyunList(), now.Add(-5 * time.Minute), sms.Unknown, nil, false},
		{"too late to tell", aliyunList(), now.Add(-31 * 24 * time.Hour), sms.Unknown, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.server.respond = func(call) (int, string) { return http.StatusOK, tc.answer }
			r, err := sms.Settle(t.Context(), s.provider, sms.Sent{Key: key, Mobile: mobile, Date: tc.date})
			if r.State != tc.state || r.Accepted() != tc.accepted || !errors.Is(err, tc.err) || tc.err == nil && err != nil {
				t.Errorf("got %v, %v", r, err)
			}
		})
	}
}

func TestAliyunReceiptInFull(t *testing.T) {
	s := subjects(t)[0]
	s.server.respond = func(c call) (int, string) {
		if c.action != "QuerySendDetails" || c.query.Get("PhoneNumber") != mobile || c.query.Get("SendDate") != "20260302" || c.query.Get("BizId") != "B1" {
			t.Errorf("asked %s %v", c.action, c.query)
		}
		return http.StatusOK, aliyunList(key + "=3")
	}
	r, err := sms.Settle(t.Context(), s.provider, sms.Sent{ID: "B1", Key: key, Mobile: mobile, Date: now.Add(-time.Hour)})
	want := sms.Receipt{ID: "B1", Key: key, Mobile: mobile, State: sms.Delivered, Code: "DELIVERED", At: time.Date(2026, 3, 1, 0, 0, 5, 0, time.UTC)}
	r.At = r.At.UTC()
	if err != nil || r != want {
		t.Errorf("got %#v, %v", r, err)
	}
}

// A message sent around midnight of Beijing may be listed under either day,
// and a full page is followed by another.
func TestAliyunListsDaysAndPages(t *testing.T) {
	s := subjects(t)[0]
	full := make([]string, 50)
	for i := range full {
		full[i] = "other=3"
	}
	var asked []string
	s.server.respond = func(c call) (int, string) {
		asked = append(asked, c.query.Get("SendDate")+"/"+c.query.Get("CurrentPage"))
		switch len(asked) {
		case 1:
			return http.StatusOK, aliyunList(full...)
		case 3:
			return http.StatusOK, aliyunList(key + "=3")
		}
		return http.StatusOK, aliyunList()
	}
	midnight := time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)
	r, err := sms.Settle(t.Context(), s.provider, sms.Sent{Key: key, Mobile: mobile, Date: midnight.Add(-time.Second)})
	if err != nil || r.State != sms.Delivered || strings.Join(asked, " ") != "20260228/1 20260228/2 20260301/1" {
		t.Errorf("got %v, %v after %v", r, err, asked)
	}
}

// A list that could not be read to its end proves nothing.
func TestAliyunIncompleteListIsNoProof(t *testing.T) {
	s := subjects(t)[0]
	full := make([]string, 50)
	for i := range full {
		full[i] = "other=3"
	}
	for name, respond := range map[string]func(call) (int, string){
		"endless":     func(call) (int, string) { return http.StatusOK, aliyunList(full...) },
		"unavailable": func(call) (int, string) { return http.StatusServiceUnavailable, "" },
		"throttled":   func(call) (int, string) { return http.StatusBadRequest, `{"Code":"Throttling.User"}` },
		"unreadable":  func(call) (int, string) { return http.StatusOK, `{"Code":"OK","SmsSendDetailDTOs":[]}` },
	} {
		s.server.respond = respond
		r, err := sms.Settle(t.Context(), s.provider, sms.Sent{Key: key, Mobile: mobile, Date: now.Add(-time.Hour)})
		if err == nil || errors.Is(err, sms.ErrNoRecord) || r.Accepted() {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
	}
}

func TestSettleByTencent(t *testing.T) {
	s := subjects(t)[1]
	row := func(serial, session, status string) string {
		return fmt.Sprintf(`{"UserReceiveTime":1772411405,"CountryCode":"86","SubscriberNumber":"13800138000","PhoneNumber":"+8613800138000","SerialNo":%q,"ReportStatus":%q,"Description":"DELIVRD","SessionContext":%s}`, serial, status, session)
	}
	for _, tc := range []struct {
		name  string
		sent  sms.Sent
		rows  string
		state sms.State
	}{
		{"by its id", sms.Sent{ID: "S1", Key: key}, row("S1", "null", "SUCCESS"), sms.Delivered},
		{"by its key", sms.Sent{Key: key}, row("S9", `"`+key+`"`, "FAIL"), sms.Failed},
		{"of another", sms.Sent{ID: "S1", Key: key}, row("S2", `"other"`, "SUCCESS"), sms.Unknown},
		{"of nobody", sms.Sent{}, row("", `""`, "SUCCESS"), sms.Unknown},
		{"nothing yet", sms.Sent{Key: key}, "", sms.Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.server.respond = func(c call) (int, string) {
				var q struct {
					BeginTime, EndTime int64
					Offset, Limit      int
					PhoneNumber        string
					SmsSdkAppID        string
				}
				if err := json.Unmarshal([]byte(c.body), &q); err != nil {
					t.Error(err)
				}
				if c.action != "PullSmsSendStatusByPhoneNumber" || q.PhoneNumber != "+8613800138000" || q.SmsSdkAppID != "1400006666" || q.Limit != 100 ||
					q.BeginTime != now.Add(-65*time.Minute).Unix() || q.EndTime != now.Add(5*time.Minute).Unix() {
					t.Errorf("asked %s %+v", c.action, q)
				}
				return http.StatusOK, `{"Response":{"PullSmsSendStatusSet":[` + tc.rows + `],"RequestId":"x"}}`
			}
			tc.sent.Mobile, tc.sent.Date = mobile, now.Add(-time.Hour)
			r, err := sms.Settle(t.Context(), s.provider, tc.sent)
			if err != nil || r.State != tc.state {
				t.Errorf("got %v, %v", r, err)
			}
		})
	}
}

// Silence does not prove that Tencent never took the message, and Huawei and
// gateways cannot be asked at all.
func TestWhereSettlingIsImpossible(t *testing.T) {
	h := subjects(t)[2]
	k, err := sms.NewKannel(sms.KannelConfig{Options: sms.Options{Endpoint: "http://127.0.0.1:1"}, Username: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []sms.Provider{h.provider, k} {
		r, err := sms.Settle(t.Context(), p, sms.Sent{Key: key, Mobile: mobile, Date: now})
		if !errors.Is(err, sms.ErrNotSupported) || r.Accepted() || r.State != sms.Unknown {
			t.Errorf("got %v, %v", r, err)
		}
		r, _ = sms.Settle(t.Context(), p, sms.Sent{ID: "1", Key: key, Mobile: mobile, Date: now})
		if !r.Accepted() {
			t.Error("a message with an id was accepted")
		}
	}
}
