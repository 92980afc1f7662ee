package notifier

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jonboulle/clockwork"
	"github.com/wneessen/go-mail"
)

// Security says how the connection to the mail server is encrypted.
type Security string

// The kinds of encryption. There is no "if available": who sits on the wire
// could make it unavailable.
const (
	StartTLS    Security = "starttls" // upgrade on the submission port, 587
	ImplicitTLS Security = "tls"      // TLS from the first byte, 465
	NoTLS       Security = "none"     // a relay on the same machine, 25
)

// SMTPConfig says how to reach the mail server.
type SMTPConfig struct {
	Host     string
	Port     int      // 0 is the usual port of the kind of encryption
	Security Security // StartTLS unless set
	Username string   // blank to send without authentication
	Password string
	From     string // sender's address
	FromName string
	HELO     string // our name in EHLO; blank is the machine's
	CAFile   string // PEM certificates to trust besides the system's

	Timeout     time.Duration // for connecting, and for each message; 0 is 30 s
	IdleTimeout time.Duration // a connection idle for longer is not used again; 0 is 1 min
	Connections int           // at most so many at a time; 0 is 2
	Clock       clockwork.Clock
}

// The defaults of SMTPConfig.
const (
	defaultSMTPTimeout = 30 * time.Second
	defaultIdleTimeout = time.Minute
	defaultConnections = 2
)

// ErrInsecureCredentials means that a password would cross the network in the
// clear.
var ErrInsecureCredentials = errors.New("未加密的连接不得发送密码（本机除外）")

// withDefaults fills in what is blank, and reports what cannot work.
func (c SMTPConfig) withDefaults() (SMTPConfig, error) {
	if c.Security == "" {
		c.Security = StartTLS
	}
	usual, ok := map[Security]int{StartTLS: 587, ImplicitTLS: 465, NoTLS: 25}[c.Security]
	switch {
	case c.Host == "":
		return c, errors.New("未设置邮件服务器地址")
	case !ok:
		return c, fmt.Errorf("邮件加密方式 %q 无效，应为 starttls、tls 或 none", c.Security)
	case c.Port < 0 || c.Port > 65535:
		return c, fmt.Errorf("邮件服务器端口 %d 无效", c.Port)
	case c.Security == NoTLS && c.Username != "" && !IsLoopback(c.Host):
		return c, ErrInsecureCredentials
	case c.Timeout < 0 || c.IdleTimeout < 0 || c.Connections < 0:
		return c, errors.New("邮件超时和连接数不得为负")
	}
	if c.Port == 0 {
		c.Port = usual
	}
	if c.Timeout == 0 {
		c.Timeout = defaultSMTPTimeout
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	if c.Connections == 0 {
		c.Connections = defaultConnections
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	return c, nil
}

// SMTP is the e-mail channel. It keeps up to Connections connections open and
// sends one message at a time on each.
type SMTP struct {
	cfg     SMTPConfig
	addr    string
	from    *netmail.Address
	tls     *tls.Config
	options []mail.Option
	// slots holds one entry for every permitted connection that is not in
	// use: the open connection, or nil if it is still to be made.
	slots chan *smtpConn
}

// NewSMTP checks the configuration and returns the channel. It does not
// connect: a mail server that is down must not keep duban from starting.
func NewSMTP(cfg SMTPConfig) (*SMTP, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	from, err := parseAddress(cfg.From)
	if err != nil {
		return nil, fmt.Errorf("发件地址 %q 无效：%w", cfg.From, err)
	}
	from.Name = oneLine(cfg.FromName)
	roots, err := Trusted(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	s := &SMTP{
		cfg:   cfg,
		addr:  net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)),
		from:  from,
		tls:   &tls.Config{ServerName: cfg.Host, MinVersion: tls.VersionTLS12, RootCAs: roots},
		slots: make(chan *smtpConn, cfg.Connections),
	}
	s.options = s.clientOptions()
	if _, err := mail.NewClient(cfg.Host, s.options...); err != nil {
		return nil, fmt.Errorf("邮件配置无效：%w", err)
	}
	for range cfg.Connections {
		s.slots <- nil
	}
	return s, nil
}

func (s *SMTP) clientOptions() []mail.Option {
	o := []mail.Option{
		mail.WithTimeout(s.cfg.Timeout),
		mail.WithTLSConfig(s.tls),
		mail.WithTLSPolicy(mail.TLSMandatory),
		// go-mail would check the connection before a message and reset it
		// after, three round trips. A failed reset after the server's "250"
		// also looks like a failed message. We reset before, if at all.
		mail.WithoutNoop(),
		mail.WithoutRset(),
	}
	if s.cfg.HELO != "" {
		o = append(o, mail.WithHELO(s.cfg.HELO))
	}
	mechanisms := []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin}
	if s.cfg.Security == NoTLS {
		o = append(o, mail.WithTLSPolicy(mail.NoTLS))
		mechanisms = []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc}
	}
	if s.cfg.Security == ImplicitTLS {
		o = append(o, mail.WithSSL())
	}
	if s.cfg.Username != "" {
		o = append(o,
			mail.WithUsername(s.cfg.Username),
			mail.WithPassword(s.cfg.Password),
			mail.WithOpportunisticSMTPAuth(mechanisms...))
	}
	return o
}

// Trusted returns the system's certificates and those of the file (PEM), or nil
// for the system's alone.
func Trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the administrator names the file
	if err != nil {
		return nil, fmt.Errorf("无法读取 CA 证书：%w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s 中没有 PEM 证书", file)
	}
	return pool, nil
}

// Send delivers the message to the mail server and returns its Message-ID.
func (s *SMTP) Send(ctx context.Context, m Message) (string, error) {
	if m.Address == "" {
		return "", &SendError{Class: Reject, Code: "no_address", Local: true}
	}
	msg, id, err := compose(m, s.from)
	if err != nil {
		return "", err
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return "", err
	}
	reusable, err := conn.send(ctx, msg, !isASCII(s.from.Address+m.Address))
	if reusable {
		conn.idleSince = s.cfg.Clock.Now()
	} else {
		conn.abandon()
		conn = nil
	}
	s.slots <- conn
	if err != nil {
		return "", err
	}
	return id, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// acquire waits for a free slot and returns a connection that the server is
// known to listen on. Only the caller uses it until it goes back to s.slots.
func (s *SMTP) acquire(ctx context.Context) (*smtpConn, error) {
	var conn *smtpConn
	select {
	case conn = <-s.slots:
	case <-ctx.Done():
		return nil, &SendError{Class: Retry, Code: "cancelled", Local: true, Err: ctx.Err()}
	}
	if conn != nil {
		if s.cfg.Clock.Since(conn.idleSince) < s.cfg.IdleTimeout && conn.reset(ctx) == nil {
			return conn, nil
		}
		conn.abandon()
	}
	conn, err := s.dial(ctx)
	if err != nil {
		s.slots <- nil
		return nil, err
	}
	return conn, nil
}

// Close says goodbye on every connection, once those in use are free. A later
// Send connects anew.
func (s *SMTP) Close() error {
	for range s.cfg.Connections {
		if conn := <-s.slots; conn != nil {
			conn.quit()
		}
	}
	for range s.cfg.Connections {
		s.slots <- nil
	}
	return nil
}
