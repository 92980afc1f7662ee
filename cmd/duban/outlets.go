package main

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/jonboulle/clockwork"

	"duban/config"
	"duban/models"
	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/robot"
	"duban/notifier/sms"
	"duban/notifier/webhook"
)

// outlets makes channels as they are configured.
type outlets struct {
	cfg      *config.Config
	clock    clockwork.Clock
	log      *slog.Logger
	receipts cmpp.Receipts // nil to check only, without a connection
}

// checkChannels reports the first channel that cannot be made as it is
// configured. It connects to nothing.
func checkChannels(cfg *config.Config) error {
	clock := clockwork.NewRealClock()
	o := outlets{cfg: cfg, clock: clock}
	for _, name := range cfg.Channels() {
		ch, err := o.open(models.Channel(name))
		if err != nil {
			return err
		}
		if ch != nil {
			_ = ch.Close()
		}
	}
	_, err := receivers(cfg, clock)
	return err
}

// open makes a channel, or only checks it, and then there may be none. Its
// error is the administrator's to mend.
func (o outlets) open(name models.Channel) (ch notifier.Channel, err error) {
	switch name {
	case models.ChannelEmail:
		ch, err = o.email()
	case models.ChannelSMS:
		ch, err = o.sms()
	case models.ChannelWeCom:
		ch, err = o.robot(robot.WeCom, o.cfg.WeCom)
	case models.ChannelDingTalk:
		ch, err = o.robot(robot.DingTalk, o.cfg.DingTalk)
	case models.ChannelFeishu:
		ch, err = o.robot(robot.Feishu, o.cfg.Feishu)
	case models.ChannelWebhook:
		w := o.cfg.Webhook
		ch, err = webhook.New(webhook.Config{URL: string(w.URL), Secret: string(w.Secret), Allow: w.List(), CAFile: w.CAFile, Clock: o.clock})
	case models.ChannelFile:
		if o.receipts != nil { // it makes the folder
			ch, err = notifier.NewFile(o.cfg.Outbox.Dir, o.cfg.Mail.From)
		}
	}
	if err != nil {
		return nil, usagef("渠道 %s：%w", name, err)
	}
	return ch, nil
}

func (o outlets) email() (notifier.Channel, error) {
	m := o.cfg.Mail
	return notifier.NewSMTP(notifier.SMTPConfig{
		Host: m.Host, Port: m.Port, Security: notifier.Security(m.Security), Username: m.Username, Password: string(m.Password),
		From: m.From, FromName: m.FromName, HELO: m.HELO, CAFile: m.CAFile, Timeout: m.Timeout, Connections: m.Connections, Clock: o.clock,
	})
}

func (o outlets) robot(kind robot.Kind, r config.Robot) (notifier.Channel, error) {
	return robot.New(robot.Config{Kind: kind, URL: string(r.URL), Secret: string(r.Secret), AllowHost: r.AllowHost, Clock: o.clock})
}

func (o outlets) sms() (notifier.Channel, error) {
	s := o.cfg.SMS
	var price sms.MilliFen
	if s.Price != "" {
		var err error
		if price, err = sms.ParsePrice(s.Price); err != nil {
			return nil, err
		}
	}
	wait := s.ReceiptWait
	if !s.Reports() {
		wait = 0
	}
	if s.Provider == config.SMSCMPP {
		c := cmpp.ChannelConfig{Config: o.cmpp(), Signature: s.Signature, Price: int64(price), ReceiptWait: wait, Receipts: o.receipts}
		if o.receipts == nil {
			return nil, c.Validate()
		}
		return cmpp.NewChannel(c)
	}
	p, err := o.provider()
	if err != nil {
		return nil, err
	}
	return sms.NewChannel(sms.ChannelConfig{Provider: p, Signature: s.Signature, Price: price, ReceiptWait: wait}), nil
}

func (o outlets) provider() (sms.Provider, error) {
	s := o.cfg.SMS
	options := sms.Options{Endpoint: s.Endpoint, Timeout: s.Timeout, Clock: o.clock}
	switch s.Provider {
	case config.SMSAliyun:
		return sms.NewAliyun(sms.AliyunConfig{Options: options, AccessKeyID: s.AccessKeyID, AccessKeySecret: string(s.AccessKeySecret)})
	case config.SMSTencent:
		return sms.NewTencent(sms.TencentConfig{
			Options: options, SecretID: s.AccessKeyID, SecretKey: string(s.AccessKeySecret), AppID: s.AppID, Region: s.Region,
		})
	case config.SMSHuawei:
		return sms.NewHuawei(sms.HuaweiConfig{
			Options: options, AppKey: s.AccessKeyID, AppSecret: string(s.AccessKeySecret), Channel: s.Sender, CallbackURL: o.cfg.CallbackURL(),
		})
	case config.SMSKannel:
		return sms.NewKannel(sms.KannelConfig{
			Options: options, PlainHTTP: s.PlainHTTP, Username: s.Username, Password: string(s.Password),
			From: s.From, SMSC: s.SMSC, CallbackURL: o.cfg.CallbackURL(),
		})
	case config.SMSGateway:
		return o.gateway(options)
	}
	return nil, fmt.Errorf("sms.provider 的值 %q 不对", s.Provider)
}

func (o outlets) gateway(options sms.Options) (sms.Provider, error) {
	s, g := o.cfg.SMS, o.cfg.Gateway
	c := sms.GatewayConfig{
		Options: options, PlainHTTP: s.PlainHTTP, Method: g.Method, Path: g.Path, Query: string(g.Query), Body: string(g.Body), BodyType: g.BodyType,
		Fields: map[string]string{"username": s.Username, "password": string(s.Password), "from": s.From},
	}
	var err error
	if g.Success != "" {
		if c.Success, err = regexp.Compile(g.Success); err != nil {
			return nil, fmt.Errorf("gateway.success：%w", err)
		}
	}
	if g.Refused != "" {
		match, err := regexp.Compile(g.Refused)
		if err != nil {
			return nil, fmt.Errorf("gateway.refused：%w", err)
		}
		c.Refusals = []sms.Refusal{{Match: match, Code: "refused", Class: notifier.Retry}}
	}
	if g.ID != "" {
		if c.ID, err = regexp.Compile(g.ID); err != nil {
			return nil, fmt.Errorf("gateway.id：%w", err)
		}
	}
	return sms.NewGateway(c)
}

func (o outlets) cmpp() cmpp.Config {
	c := o.cfg.CMPP
	version := cmpp.V20
	if c.Version == config.CMPP30 {
		version = cmpp.V30
	}
	return cmpp.Config{
		Address: c.Address, Version: version, SourceAddr: c.SourceAddr, Secret: string(c.Secret), ServiceID: c.ServiceID, SrcID: c.SrcID,
		FeeType: c.FeeType, FeeCode: c.FeeCode, Connections: c.Connections, Window: c.Window, RatePerSecond: c.RatePerSecond,
		MaxParts: c.MaxParts, TrustGateway: c.TrustGateway, Clock: o.clock, Logger: o.log,
	}
}

// receivers take what the configured provider reports, by the name that its
// address has.
func receivers(cfg *config.Config, clock clockwork.Clock) (map[string]*sms.Receiver, error) {
	url := cfg.CallbackURL()
	if url == "" {
		return nil, nil
	}
	s := cfg.SMS
	c := sms.ReceiverConfig{Kind: sms.Kind(s.Provider), Token: string(s.CallbackToken), CallbackURL: url, Clock: clock}
	if s.PushKeyID != "" {
		c.PushKeys = map[string]string{s.PushKeyID: string(s.PushKeySecret)}
	}
	v, err := sms.NewReceiver(c)
	if err != nil {
		return nil, usageError{err}
	}
	return map[string]*sms.Receiver{s.Provider: v}, nil
}
