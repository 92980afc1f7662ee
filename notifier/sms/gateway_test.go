package sms_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"duban/notifier"
	"duban/notifier/sms"
)

// recorder keeps the last request, and answers as told.
type recorder struct {
	*httptest.Server
	last   *http.Request
	body   string
	status int
	answer string
}

func record(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.last, r.body = req, string(b)
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.answer)
	}))
	t.Cleanup(r.Close)
	return r
}

// nasty is a value that would break out of any text that it is merely pasted
// into.
const nasty = "a&to=13900139000\"',<b>\r\nX-Evil: 1\\%25${password}【】"

func nastyMessage() sms.Message {
	m := named()
	m.Facts["title"] = nasty
	return m
}

func TestGatewayEncodesForWhereAValueStands(t *testing.T) {
	server := record(t)
	text := "您负责的" + nasty + "还有7天到期。"
	for _, tc := range []struct {
		name, bodyType, body string
		read                 func(t *testing.T, body string) string
	}{
		{"form", "application/x-www-form-urlencoded", "to=${mobile}&text=${text}&pw=${password}", func(t *testing.T, body string) string {
			v, err := url.ParseQuery(body)
			if err != nil || len(v) != 3 || v.Get("to") != mobile || v.Get("pw") != "p&w" {
				t.Errorf("got %v, %v", v, err)
			}
			return v.Get("text")
		}},
		{"json", "application/json; charset=utf-8", `{"to":["${e164}"],"text":"${text}","pw":"${password}"}`, func(t *testing.T, body string) string {
			var v struct {
				To       []string
				Text, Pw string
			}
			d := json.NewDecoder(strings.NewReader(body))
			d.DisallowUnknownFields()
			if err := d.Decode(&v); err != nil || v.To[0] != "+86"+mobile || v.Pw != "p&w" {
				t.Errorf("got %v, %v", v, err)
			}
			return v.Text
		}},
		{"xml", "text/xml", `<sms to="${mobile}"><text>${text}</text></sms>`, func(t *testing.T, body string) string {
			var v struct {
				To   string `xml:"to,attr"`
				Text string `xml:"text"`
			}
			if err := xml.Unmarshal([]byte(body), &v); err != nil || v.To != mobile {
				t.Errorf("got %v, %v", v, err)
			}
			return v.Text
		}},
		{"plain", "text/plain", "${text}", func(_ *testing.T, body string) string { return body }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := sms.NewGateway(sms.GatewayConfig{
				Options: sms.Options{Endpoint: server.URL}, Path: "/v1/send", Method: http.MethodPost,
				Query: "sign=${signature}&id=${key}&t=${text}", Header: map[string]string{"Authorization": "Bearer ${password}", "X-Title": "${text}"},
				Body: tc.body, BodyType: tc.bodyType, Fields: map[string]string{"password": "p&w", "mobile": "cannot be overridden"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Send(t.Context(), nastyMessage()); err != nil {
				t.Fatal(err)
			}
			if got := tc.read(t, server.body); got != text {
				t.Errorf("got %q", got)
			}
			q := server.last.URL.Query()
			if server.last.URL.Path != "/v1/send" || len(q) != 3 || q.Get("sign") != "督办平台" || q.Get("id") != key || q.Get("t") != text {
				t.Errorf("asked %v", server.last.URL)
			}
			h := server.last.Header
			if h.Get("Authorization") != "Bearer p&w" || h.Get("X-Evil") != "" || h.Get("Content-Type") != tc.bodyType {
				t.Errorf("header %v", h)
			}
		})
	}
}

func TestGatewayJudgesAnswers(t *testing.T) {
	server := record(t)
	g, err := sms.NewGateway(sms.GatewayConfig{
		Options: sms.Options{Endpoint: server.URL}, Method: http.MethodGet, Query: "to=${mobile}",
		Success: regexp.MustCompile(`^ok`), ID: regexp.MustCompile(`id=(\w+)`),
		Refusals: []sms.Refusal{
			{Match: regexp.MustCompile(`no money`), Code: "balance", Class: notifier.Down},
			{Match: regexp.MustCompile(`too fast`), Code: "limit", Class: notifier.Retry},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		status     int
		answer, id string
		class      notifier.Class
		code       string
	}{
		{200, "ok id=a1", "a1", 0, ""},
		{201, "ok", "", 0, ""},
		{200, "error: no money", "", notifier.Down, "sms_gateway_balance"},
		{400, "too fast for 13800138000", "", notifier.Retry, "sms_gateway_limit"},
		{200, "what?", "", notifier.Unknown, "sms_gateway_unreadable"},
		{400, "ok", "", notifier.Reject, "sms_gateway_http_400"},
		{500, "ok", "", notifier.Unknown, "sms_gateway_http_500"},
	} {
		server.status, server.answer = tc.status, tc.answer
		id, err := g.Send(t.Context(), named())
		if tc.code == "" {
			if err != nil || id != tc.id {
				t.Errorf("%d %s: got %q, %v", tc.status, tc.answer, id, err)
			}
			continue
		}
		if e := sendError(t, err); e.Class != tc.class || e.Code != tc.code || strings.Contains(e.Error(), mobile) {
			t.Errorf("%d %s: got %v %v", tc.status, tc.answer, e.Class, e)
		}
	}
}

func TestKannelIsAsked(t *testing.T) {
	server := record(t)
	server.status, server.answer = http.StatusAccepted, "0: Accepted for delivery"
	g, err := sms.NewKannel(sms.KannelConfig{
		Options: sms.Options{Endpoint: server.URL}, Username: "u", Password: "p+&=", From: "106", SMSC: "cmcc",
		CallbackURL: "https://duban.example/sms/kannel/" + token,
	})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := g.Send(t.Context(), named()); err != nil || id != "" {
		t.Fatalf("got %q, %v", id, err)
	}
	want := url.Values{
		"username": {"u"}, "password": {"p+&="}, "to": {mobile}, "from": {"106"}, "smsc": {"cmcc"}, "coding": {"2"}, "charset": {"UTF-8"},
		"text": {`【督办平台】您负责的道路 & 桥梁+"养护"=100%还有7天到期。`}, "dlr-mask": {"31"},
		"dlr-url": {"https://duban.example/sms/kannel/" + token + "?key=" + key + "&status=%d&at=%T&to=%p"},
	}
	if got := server.last.URL.Query().Encode(); server.last.URL.Path != "/cgi-bin/sendsms" || got != want.Encode() {
		t.Errorf("got  %s\nwant %s", got, want.Encode())
	}
	for _, tc := range []struct {
		status int
		answer string
		class  notifier.Class
	}{
		{403, "Authorization failed for sendsms", notifier.Down},
		{503, "Temporal failure, try again later.", notifier.Retry},
		{400, "Sender missing and no global set, rejected", notifier.Down},
		{400, "Empty receiver number not allowed, rejected", notifier.Reject},
		{403, "Number <13800138000> has been denied by white- and/or black-lists.", notifier.Reject},
		{404, "", notifier.Down},
		{202, "", notifier.Unknown},
	} {
		server.status, server.answer = tc.status, tc.answer
		_, err := g.Send(t.Context(), named())
		if e := sendError(t, err); e.Class != tc.class || strings.Contains(e.Error(), mobile) {
			t.Errorf("%d %s: got %v %v", tc.status, tc.answer, e.Class, e)
		}
	}
}

func TestGatewaysAreChecked(t *testing.T) {
	good := sms.GatewayConfig{Options: sms.Options{Endpoint: "http://127.0.0.1:1", Timeout: time.Second}, Method: http.MethodPost, BodyType: "text/plain", Body: "${text}"}
	if _, err := sms.NewGateway(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*sms.GatewayConfig){
		"no address":            func(c *sms.GatewayConfig) { c.Endpoint = "" },
		"a password in it":      func(c *sms.GatewayConfig) { c.Endpoint = "https://u:p@h" },
		"parameters in it":      func(c *sms.GatewayConfig) { c.Endpoint = "https://h/?a=b" },
		"plain http":            func(c *sms.GatewayConfig) { c.Endpoint = "http://gateway.internal" },
		"another scheme":        func(c *sms.GatewayConfig) { c.Endpoint = "ftp://h" },
		"another method":        func(c *sms.GatewayConfig) { c.Method = "PUT" },
		"a body with GET":       func(c *sms.GatewayConfig) { c.Method = http.MethodGet },
		"an unknown place":      func(c *sms.GatewayConfig) { c.Query = "x=${passwrod}" },
		"an unknown media type": func(c *sms.GatewayConfig) { c.BodyType = "application/octet-stream" },
		"a broken media type":   func(c *sms.GatewayConfig) { c.BodyType = ";;" },
		"an id without a group": func(c *sms.GatewayConfig) { c.ID = regexp.MustCompile(`id`) },
	} {
		bad := good
		spoil(&bad)
		if _, err := sms.NewGateway(bad); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	trusted := good
	trusted.Endpoint, trusted.PlainHTTP = "http://gateway.internal", true
	if _, err := sms.NewGateway(trusted); err != nil {
		t.Error(err)
	}
	for name, cfg := range map[string]sms.KannelConfig{
		"no user":               {Options: sms.Options{Endpoint: "http://127.0.0.1:1"}},
		"an escape in the URL":  {Options: sms.Options{Endpoint: "http://127.0.0.1:1"}, Username: "u", Password: "p", CallbackURL: "https://h/%20"},
		"half a callback URL":   {Options: sms.Options{Endpoint: "http://127.0.0.1:1"}, Username: "u", Password: "p", CallbackURL: "h/x"},
		"a password in the URL": {Options: sms.Options{Endpoint: "http://u:p@127.0.0.1:1"}, Username: "u", Password: "p"},
	} {
		if _, err := sms.NewKannel(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
