package sms

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"duban/notifier"
)

// KannelConfig says how to reach the sendsms interface of a Kannel smsbox.
type KannelConfig struct {
	Options            // Endpoint: http://127.0.0.1:13013
	PlainHTTP   bool   // permit http to another machine, on a trusted network
	Username    string // of a sendsms-user
	Password    string
	From        string // the sender's number; blank is the box's
	SMSC        string // the connection to use; blank is Kannel's choice
	CallbackURL string // where receipts go, its token included; blank for none
}

// kannelAll asks for a receipt of every kind: 1 delivered, 2 not delivered,
// 4 queued, 8 taken by the carrier, 16 refused by the carrier.
const kannelAll = "31"

// NewKannel returns a gateway for Kannel. It gives no id; receipts name the
// message by its key.
//
// A text goes as UCS-2 (coding 2), whose length Count measures; the
// sendsms-user needs "concatenation = true" and "max-messages" for long ones.
func NewKannel(cfg KannelConfig) (*Gateway, error) {
	if cfg.Username == "" || cfg.Password == "" {
		return nil, errors.New("未设置 Kannel 的 sendsms-user")
	}
	if strings.Contains(cfg.CallbackURL, "%") { // Kannel would read it as an escape of its own
		return nil, errors.New("短信回执地址不得含 %")
	}
	if err := checkCallback(cfg.CallbackURL); err != nil {
		return nil, err
	}
	return NewGateway(GatewayConfig{
		Options: cfg.Options, Kind: KindKannel, PlainHTTP: cfg.PlainHTTP,
		Path: "/cgi-bin/sendsms", Method: http.MethodGet, Query: cfg.query(),
		Fields: map[string]string{
			"username": cfg.Username, "password": cfg.Password, "from": cfg.From, "smsc": cfg.SMSC,
		},
		Statuses: []int{http.StatusAccepted},
		Success:  regexp.MustCompile(`^(0: Accepted|3: Queued) for `),
		Refusals: kannelRefusals,
	})
}

func (c KannelConfig) query() string {
	q := "username=${username}&password=${password}&to=${mobile}&text=${signed}&coding=2&charset=UTF-8"
	if c.From != "" {
		q += "&from=${from}"
	}
	if c.SMSC != "" {
		q += "&smsc=${smsc}"
	}
	if c.CallbackURL != "" {
		// Kannel fills %d, the kind of receipt; %T, the time; and %p, the number.
		// The key needs no encoding. Its own id, %I, is each receipt's and not the
		// message's.
		before, after := url.QueryEscape(c.CallbackURL+"?key="), url.QueryEscape("&status=%d&at=%T&to=%p")
		q += "&dlr-mask=" + kannelAll + "&dlr-url=" + before + "${key}" + after
	}
	return q
}

// kannelRefusals are the answers of smsbox that are about one message although
// their status is not, and the other way round.
var kannelRefusals = []Refusal{
	{regexp.MustCompile(`(?i)black-list|white-list|denied`), "denied", notifier.Reject},
	{regexp.MustCompile(`(?i)sender missing|authorization failed`), "refused", notifier.Down},
	{regexp.MustCompile(`(?i)temporal failure`), "busy", notifier.Retry},
}
