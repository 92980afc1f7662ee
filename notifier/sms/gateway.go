package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"duban/notifier"
)

// GatewayConfig describes a gateway that takes a message as one HTTP request.
//
// Query, Body and the values of Header may hold places: ${mobile} (eleven
// digits), ${e164} (with +86), ${text} (the words alone), ${signed} (with
// 【签名】), ${signature}, ${template} (the provider's id), ${key}, and
// ${name} for each of Fields. What fills a place is encoded for where it
// stands, so no name or title can add a parameter.
type GatewayConfig struct {
	Options
	Kind      Kind   // names it in errors; blank is "gateway"
	PlainHTTP bool   // permit http to another machine, on a trusted network
	Path      string // below Options.Endpoint
	Method    string // GET or POST
	Query     string // a=${b}&c=d
	Header    map[string]string
	Body      string // for POST
	BodyType  string // its media type: form, JSON, XML or plain text
	Fields    map[string]string

	Statuses []int          // of success; none is 200 to 299
	Success  *regexp.Regexp // on the body; nil is any
	ID       *regexp.Regexp // on the body; its first group is the id; nil for none
	// Refusals judge other bodies, the first that matches; then the status does.
	Refusals []Refusal
}

// Refusal says what it means that a gateway's answer matches.
type Refusal struct {
	Match *regexp.Regexp
	Code  string // stable English identifier, for the error
	Class notifier.Class
}

// Gateway sends through a gateway of the administrator's choice. There is no
// standard way to ask one for receipts.
type Gateway struct {
	*wire
	cfg    GatewayConfig
	encode func(string) string // for the body
	secret *strings.Replacer   // takes what Fields hold out of answers
}

// NewGateway checks the configuration. It does not connect.
func NewGateway(cfg GatewayConfig) (*Gateway, error) {
	if cfg.Kind == "" {
		cfg.Kind = "gateway"
	}
	if cfg.Endpoint == "" {
		return nil, errors.New("未设置短信网关地址")
	}
	if cfg.Method != http.MethodGet && cfg.Method != http.MethodPost || cfg.Method == http.MethodGet && cfg.Body != "" {
		return nil, errors.New("短信网关请求方法应为 GET（无正文）或 POST")
	}
	encode, err := encoder(cfg.BodyType)
	if err != nil {
		return nil, err
	}
	if err := cfg.checkPlaces(); err != nil {
		return nil, err
	}
	if cfg.ID != nil && cfg.ID.NumSubexp() < 1 {
		return nil, errors.New("短信网关的回执编号表达式应有一个括号组")
	}
	w, err := newWire(cfg.Kind, cfg.Options, "", cfg.PlainHTTP)
	if err != nil {
		return nil, err
	}
	return &Gateway{wire: w, cfg: cfg, encode: encode, secret: secrets(cfg.Fields)}, nil
}

// minSecret keeps short values from being blotted out of every word.
const minSecret = 6

// secrets takes the values of fields out of a text.
func secrets(fields map[string]string) *strings.Replacer {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := fields[name]; len(value) >= minSecret {
			pairs = append(pairs, value, "[secret]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// encoder returns the way in which a value is written into a body.
func encoder(mediaType string) (func(string) string, error) {
	base, _, err := mime.ParseMediaType(mediaType)
	if mediaType != "" && err != nil {
		return nil, fmt.Errorf("短信网关正文类型 %q 无效：%w", mediaType, err)
	}
	switch base {
	case "", "text/plain":
		return func(s string) string { return s }, nil
	case formType:
		return url.QueryEscape, nil
	case "application/json":
		return inJSON, nil
	case "application/xml", "text/xml":
		return inXML, nil
	}
	return nil, fmt.Errorf("短信网关正文类型 %q 不受支持", mediaType)
}

// inJSON encodes a value for the inside of a JSON string.
func inJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // a string always can
		return ""
	}
	return string(b[1 : len(b)-1])
}

func inXML(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil { // a buffer takes everything
		return ""
	}
	return b.String()
}

// inHeader keeps a value on its line.
func inHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// checkPlaces makes sure that every place is one that a message fills.
func (c GatewayConfig) checkPlaces() error {
	known := c.values(Message{})
	texts := []string{c.Query, c.Body}
	for _, h := range c.Header {
		texts = append(texts, h)
	}
	for _, text := range texts {
		for _, name := range notifier.Places(text) {
			if _, ok := known[name]; !ok {
				return fmt.Errorf("短信网关配置中的 ${%s} 没有定义", name)
			}
		}
	}
	return nil
}

func (c GatewayConfig) values(m Message) map[string]string {
	v := maps.Clone(c.Fields)
	if v == nil {
		v = map[string]string{}
	}
	v["mobile"], v["e164"] = m.Mobile, e164(m.Mobile)
	v["text"], v["signed"] = m.Template.Words(m.Facts), m.Text()
	v["signature"], v["template"], v["key"] = m.Template.Signature, m.Template.TemplateID, m.Key
	return v
}

// Send hands the message over and returns the id that the gateway gives.
func (g *Gateway) Send(ctx context.Context, m Message) (string, error) {
	m, failure := m.checked()
	if failure != nil {
		return "", failure
	}
	req, err := g.compose(ctx, m)
	if err != nil {
		return "", g.unencodable(err)
	}
	got, failure := g.do(req)
	if failure != nil {
		return "", failure
	}
	return g.judge(got)
}

func (g *Gateway) compose(ctx context.Context, m Message) (*http.Request, error) {
	values := g.cfg.values(m)
	req, err := g.request(ctx, g.cfg.Method, g.cfg.Path, []byte(notifier.FillPlaces(g.cfg.Body, values, g.encode)))
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = notifier.FillPlaces(g.cfg.Query, values, url.QueryEscape)
	for name, value := range g.cfg.Header {
		req.Header.Set(name, notifier.FillPlaces(value, values, inHeader))
	}
	if g.cfg.BodyType != "" {
		req.Header.Set("Content-Type", g.cfg.BodyType)
	}
	return req, nil
}

// judge decides by status and body whether the gateway took the message.
func (g *Gateway) judge(a answer) (string, error) {
	wanted := a.status >= 200 && a.status < 300
	if len(g.cfg.Statuses) > 0 {
		wanted = slices.Contains(g.cfg.Statuses, a.status)
	}
	if wanted && (g.cfg.Success == nil || g.cfg.Success.Match(a.body)) {
		return g.id(a.body), nil
	}
	a.body = []byte(g.secret.Replace(string(a.body)))
	for _, r := range g.cfg.Refusals {
		if r.Match.Match(a.body) {
			return "", &notifier.SendError{Class: r.Class, Code: g.code(r.Code), Detail: notifier.Redacted(string(a.body))}
		}
	}
	return "", statusFailure(g.kind, a)
}

func (g *Gateway) id(body []byte) string {
	if g.cfg.ID == nil {
		return ""
	}
	m := g.cfg.ID.FindSubmatch(body)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// Query is not supported.
func (g *Gateway) Query(context.Context, Sent) ([]Receipt, error) { return nil, ErrNotSupported }
