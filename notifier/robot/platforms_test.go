package robot_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/robot"
)

const (
	webhookKey = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
	signingKey = "SECe1f2a3b4c5d6"
)

// fake is a platform that checks what the real one checks, and answers as it
// does. A request that the real one would refuse is refused with its code.
type fake struct {
	t    testing.TB
	kind robot.Kind
	*httptest.Server
	clock *clockwork.FakeClock

	mu       sync.Mutex
	received []received
	answer   http.HandlerFunc // instead, if set
	requests int
}

// received is a message as the platform understood it.
type received struct {
	title, text string
	links       []string
	mentioned   []string
}

func startFake(t testing.TB, kind robot.Kind) *fake {
	f := &fake{t: t, kind: kind, clock: clockwork.NewFakeClockAt(time.Now())}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) config() robot.Config {
	cfg := robot.Config{Kind: f.kind, AllowHost: strings.TrimPrefix(f.URL, "http://"), Clock: f.clock, Timeout: 5 * time.Second}
	switch f.kind {
	case robot.WeCom:
		cfg.URL = f.URL + "/cgi-bin/webhook/send?key=" + webhookKey
	case robot.DingTalk:
		cfg.URL, cfg.Secret = f.URL+"/robot/send?access_token="+webhookKey, signingKey
	case robot.Feishu:
		cfg.URL, cfg.Secret = f.URL+"/open-apis/bot/v2/hook/"+webhookKey, signingKey
	}
	return cfg
}

func (f *fake) robot(change func(*robot.Config)) *robot.Robot {
	f.t.Helper()
	cfg := f.config()
	if change != nil {
		change(&cfg)
	}
	r, err := robot.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = r.Close() })
	return r
}

func (f *fake) misbehave(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *fake) messages() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.received
}

func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests++
	answer := f.answer
	f.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		http.Error(w, "not a robot's request", http.StatusBadRequest)
		return
	}
	check := map[robot.Kind]func(*http.Request, []byte) (received, int, string){
		robot.WeCom: f.wecom, robot.DingTalk: f.dingtalk, robot.Feishu: f.feishu,
	}[f.kind]
	m, code, words := check(r, body)
	if code == 0 {
		f.mu.Lock()
		f.received = append(f.received, m)
		f.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	if f.kind == robot.Feishu {
		if code == 9499 {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprintf(w, `{"StatusCode":0,"StatusMessage":"success","code":%d,"data":{},"msg":%q}`, code, words)
		return
	}
	fmt.Fprintf(w, `{"errcode":%d,"errmsg":%q}`, code, words)
}

// strictly decodes JSON that must have no field but those of v.
func strictly(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func (f *fake) wecom(r *http.Request, body []byte) (m received, code int, words string) {
	if r.URL.Path != "/cgi-bin/webhook/send" || r.URL.Query().Get("key") != webhookKey || len(r.URL.Query()) != 1 {
		return m, 93000, "invalid webhook url, hint: [1592021214_50_551fc8807c11f27ed0e6714d0c267ba4], from ip: 127.0.0.1"
	}
	var v struct {
		MsgType  string `json:"msgtype"`
		Markdown *struct {
			Content string `json:"content"`
		} `json:"markdown"`
		Text *struct {
			Content   string   `json:"content"`
			Mentioned []string `json:"mentioned_mobile_list"`
		} `json:"text"`
	}
	switch err := strictly(body, &v); {
	case err != nil:
		return m, 40058, "Warning: wrong json format. " + err.Error()
	case v.MsgType == "markdown" && v.Markdown != nil && v.Text == nil:
		if len(v.Markdown.Content) > 4096 {
			return m, 40058, "markdown.content exceed max length 4096. invalid Request Parameter"
		}
		m.text = v.Markdown.Content
	case v.MsgType == "text" && v.Text != nil && v.Markdown == nil:
		if len(v.Text.Content) > 2048 {
			return m, 40058, "text.content exceed max length 2048. invalid Request Parameter"
		}
		m.text, m.mentioned = v.Text.Content, v.Text.Mentioned
	default:
		return m, 40008, "invalid message type"
	}
	if m.text == "" {
		return m, 44004, "empty content"
	}
	return m, 0, "ok"
}

func (f *fake) dingtalk(r *http.Request, body []byte) (m received, code int, words string) {
	q := r.URL.Query()
	if r.URL.Path != "/robot/send" || q.Get("access_token") != webhookKey {
		return m, 300001, "token is not exist"
	}
	millis, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if err != nil || f.clock.Now().Sub(time.UnixMilli(millis)).Abs() > time.Hour {
		return m, 310000, "invalid timestamp, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
	}
	if want := byHand([]byte(signingKey), q.Get("timestamp")+"\n"+signingKey); q.Get("sign") != want {
		return m, 310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
	}
	if len(body) > 20000 {
		return m, 460101, "message too long, exceed 20000 bytes"
	}
	var v struct {
		MsgType  string `json:"msgtype"`
		Markdown struct {
			Title string `json:"title"`
			Text  string `json:"text"`
		} `json:"markdown"`
		At struct {
			Mobiles []string `json:"atMobiles"`
			All     bool     `json:"isAtAll"`
		} `json:"at"`
	}
	switch err := strictly(body, &v); {
	case err != nil:
		return m, 40035, "缺少参数 json"
	case v.MsgType != "markdown":
		return m, 400105, "unsupported msgtype"
	case v.Markdown.Title == "" || v.Markdown.Text == "":
		return m, 40035, "缺少参数 json"
	case v.At.All:
		return m, 430104, "nobody wants this"
	}
	m = received{title: v.Markdown.Title, text: v.Markdown.Text}
	for _, mobile := range v.At.Mobiles {
		if strings.Contains(m.text, "@"+mobile) { // or there is no mention
			m.mentioned = append(m.mentioned, mobile)
		}
	}
	return m, 0, "ok"
}

func (f *fake) feishu(r *http.Request, body []byte) (m received, code int, words string) {
	if r.URL.Path != "/open-apis/bot/v2/hook/"+webhookKey || r.URL.RawQuery != "" {
		return m, 19001, "param invalid: incoming webhook access token invalid " + r.URL.Path
	}
	if len(body) > 20000 {
		return m, 9499, "Bad Request"
	}
	type tag struct {
		Tag, Text, Href string
	}
	var v struct {
		Timestamp string `json:"timestamp"`
		Sign      string `json:"sign"`
		MsgType   string `json:"msg_type"`
		Content   struct {
			Post struct {
				Chinese struct {
					Title   string  `json:"title"`
					Content [][]tag `json:"content"`
				} `json:"zh_cn"`
			} `json:"post"`
		} `json:"content"`
	}
	if err := strictly(body, &v); err != nil || v.MsgType != "post" {
		return m, 9499, "Bad Request"
	}
	seconds, err := strconv.ParseInt(v.Timestamp, 10, 64)
	if err != nil || f.clock.Now().Sub(time.Unix(seconds, 0)).Abs() > time.Hour ||
		v.Sign != byHand([]byte(v.Timestamp+"\n"+signingKey), "") {
		return m, 19021, "sign match fail or timestamp is not within one hour from current time"
	}
	m.title = v.Content.Post.Chinese.Title
	for _, line := range v.Content.Post.Chinese.Content {
		if len(line) == 0 {
			return m, 9499, "Bad Request"
		}
		for _, t := range line {
			if u, err := url.Parse(t.Href); t.Tag == "a" && (err != nil || u.Host == "") || t.Tag != "a" && t.Tag != "text" || t.Text == "" {
				return m, 9499, "Bad Request"
			}
			if t.Href != "" {
				m.links = append(m.links, t.Href)
			}
			m.text += t.Text
		}
		m.text += "\n"
	}
	return m, 0, "success"
}

// byHand computes HMAC-SHA256 as RFC 2104 writes it, so that the robots are
// not checked with what they sign with.
func byHand(key []byte, message string) string {
	if len(key) > 64 {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	inner, outer := bytes.Repeat([]byte{0x36}, 64), bytes.Repeat([]byte{0x5c}, 64)
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	first := sha256.Sum256(append(inner, message...))
	second := sha256.Sum256(append(outer, first[:]...))
	return base64.StdEncoding.EncodeToString(second[:])
}

var kinds = []robot.Kind{robot.WeCom, robot.DingTalk, robot.Feishu}

var reminder = notifier.Message{
	NotificationID: 7, Key: "7-0123456789abcdef", Name: "张三",
	Subject: "【督办】还有 7 天：<会议室> 支出进度应达 *60%*",
	Text: "张三，您好：\n\n“[会议室]改造_一期”应在 10 月 31 日前达到 60%。\n\n李四的意见：\n    # 请尽快 <@all>\n" +
		"- 项\n\n查看：https://duban.example.gov.cn/links/eyJ_a-b_c.d_e，验证码 123456。\n",
	HTML: "<p>…</p>",
}

const reminderLink = "https://duban.example.gov.cn/links/eyJ_a-b_c.d_e"

func send(t testing.TB, r *robot.Robot, m notifier.Message, mobile string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if id, err := r.SendTo(ctx, m, mobile); err != nil || id != "" {
		t.Fatalf("SendTo = %q, %v", id, err)
	}
}
