package cmpp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/jonboulle/clockwork"
)

// Config says how to reach the gateway, and who we are.
type Config struct {
	Address    string // host:port
	Version    Version
	SourceAddr string // 企业代码 (SP_Id), six characters
	Secret     string // shared secret
	ServiceID  string // 业务代码
	SrcID      string // 接入号, which the telephone shows
	FeeType    string // 资费类别; blank is 01, free for the recipient
	FeeCode    string // 资费代码; blank is 000000
	// TrustGateway takes a gateway that does not prove that it knows the
	// secret. Some compute AuthenticatorISMG in a way of their own.
	TrustGateway bool

	Connections     int           // 0 is 1; the contract says how many are permitted
	Window          int           // so many parts may be unanswered on a connection; 0 is 16
	RatePerSecond   int           // at most so many parts a second over all connections; 0 is no limit
	MaxParts        int           // a text that needs more is refused; 0 is 10
	Timeout         time.Duration // for each answer (T); 0 is 60 s
	ActiveTest      time.Duration // a connection silent for so long is tested (C); 0 is 3 min
	ActiveTestTries int           // so many tests without an answer end the connection (N); 0 is 3

	// OnReport is told what became of messages. A report is acknowledged once
	// OnReport has returned nil; otherwise the gateway sends it again, and it
	// may do so in any case. A report may come before Send has returned. If
	// OnReport is nil, no reports are asked for. It must be safe for
	// concurrent use if there are several connections. Its context ends with
	// the connection.
	OnReport func(context.Context, Report) error

	// Dial opens the network connection; nil is a plain one over TCP.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Clock  clockwork.Clock
	Logger *slog.Logger // nil is silence
}

// The defaults of Config. Those of times are the standard's.
const (
	defaultWindow          = 16
	defaultMaxParts        = 10
	defaultTimeout         = 60 * time.Second
	defaultActiveTest      = 3 * time.Minute
	defaultActiveTestTries = 3
)

// Validate reports what cannot work. It connects to nothing.
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults fills in what is blank, and reports what cannot work.
func (c Config) withDefaults() (Config, error) {
	c.FeeType = or(c.FeeType, "01")
	c.FeeCode = or(c.FeeCode, "000000")
	c.Connections = or(c.Connections, 1)
	c.Window = or(c.Window, defaultWindow)
	c.MaxParts = or(c.MaxParts, defaultMaxParts)
	c.Timeout = or(c.Timeout, defaultTimeout)
	c.ActiveTest = or(c.ActiveTest, defaultActiveTest)
	c.ActiveTestTries = or(c.ActiveTestTries, defaultActiveTestTries)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		return fmt.Errorf("短信网关地址 %q 无效，应为 主机:端口", c.Address)
	}
	switch {
	case c.Version != V20 && c.Version != V30:
		return errors.New("CMPP 版本无效，应为 2.0 或 3.0")
	case c.Secret == "":
		return errors.New("未设置短信网关的共享密钥")
	case min(c.Connections, c.Window, c.MaxParts, c.ActiveTestTries) < 0 || c.RatePerSecond < 0:
		return errors.New("短信网关的连接数、窗口、速率、条数和次数不得为负")
	case c.MaxParts > 255:
		return errors.New("长短信最多 255 条")
	case c.Timeout < 0 || c.ActiveTest < 0:
		return errors.New("短信网关的超时和链路检测间隔不得为负")
	}
	for _, f := range []struct {
		name, value string
		width       int
	}{
		{"企业代码", c.SourceAddr, 6},
		{"业务代码", c.ServiceID, 10},
		{"接入号", c.SrcID, 21},
		{"资费类别", c.FeeType, 2},
		{"资费代码", c.FeeCode, 6},
	} {
		if err := checkText(f.value, f.width); err != nil {
			return fmt.Errorf("短信网关的%s无效：%w", f.name, err)
		}
	}
	return nil
}

// checkText reports why a value does not go into a field of the protocol.
func checkText(s string, width int) error {
	if s == "" || len(s) > width {
		return fmt.Errorf("长度应为 1 至 %d", width)
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return errors.New("只能含字母、数字和符号")
		}
	}
	return nil
}

// or returns the value, or the default if it is zero.
func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
