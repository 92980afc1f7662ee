package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Validate returns every value that the server could not work with, as
// an [Error], or nil. It also looks whether the files of certificates hold
// any; it connects to nothing. Load has called it.
func (c *Config) Validate() error { return asError(c.problems()) }

func (c *Config) problems() []Problem {
	k := checker{config: c, fields: map[string]field{}}
	for _, f := range fieldsOf(c) {
		k.fields[f.key] = f
	}
	k.database(c.Database)
	k.server(c.Server)
	if c.Mail.Configured() {
		k.mail(c.Mail)
	}
	if c.SMS.Configured() {
		k.sms(c.SMS)
	}
	k.robot("wecom", c.WeCom, false)
	k.robot("dingtalk", c.DingTalk, true)
	k.robot("feishu", c.Feishu, true)
	if c.Webhook.Configured() {
		k.webhook(c.Webhook)
	}
	k.delivery(c.Delivery)
	k.outbox(c.Outbox, c.Mail)
	k.watch(c.Watch)
	k.oneOf("language", c.Language, Chinese, English)
	k.oneOf("log.format", c.Log.Format, FormatText, FormatJSON)
	return k.found
}

func (k *checker) database(d Database) {
	k.oneOf("database.driver", d.Driver, DriverSQLite, DriverMySQL)
	if d.DSN == "" {
		k.fail("database.dsn", CodeRequired, "数据库文件的路径，或 MySQL 的连接串")
	} else if d.Driver == DriverMySQL {
		if parsed, err := mysql.ParseDSN(string(d.DSN)); err != nil || parsed.DBName == "" {
			k.fail("database.dsn", CodeInvalid, "用户:密码@tcp(主机:3306)/库名")
		}
	} else if strings.Contains(string(d.DSN), "@tcp(") {
		k.fail("database.dsn", CodeConflict, "SQLite 文件的路径；用 MySQL 请把 database.driver 设为 mysql")
	}
}

func (k *checker) server(s Server) {
	host, port, err := net.SplitHostPort(s.Listen)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 0 || n > 65535 {
		k.fail("server.listen", CodeInvalid, "主机:端口，如 127.0.0.1:8080")
	} else if !isLoopback(host) && !s.AllowRemote {
		k.fail("server.listen", CodeInsecure,
			"本机地址，如 127.0.0.1:8080；控制台自己不加密，宜由前置的网关提供 HTTPS；确要让其他机器直接访问，请设 server.allow_remote: true")
	}
	if s.BaseURL == "" {
		return
	}
	u, err := url.Parse(s.BaseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		k.fail("server.base_url", CodeInvalid, "http:// 或 https:// 开头的网址，如 https://duban.example.cn")
	}
}

// isLoopback reports whether only this machine can reach the host. An empty
// host is every address of the machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// hostname is a DNS name or an IP address, nothing that could break into the
// SMTP dialogue.
var hostname = regexp.MustCompile(`^[A-Za-z0-9:]([A-Za-z0-9._:-]{0,252})$`)

func (k *checker) mail(m Mail) {
	if !hostname.MatchString(m.Host) {
		k.fail("mail.host", CodeInvalid, "主机名或 IP 地址，端口写在 mail.port")
	}
	k.upTo(65535, "mail.port", m.Port)
	k.oneOf("mail.security", m.Security, SecuritySTARTTLS, SecurityTLS, SecurityNone)
	if addr, err := mail.ParseAddress(m.From); m.From == "" {
		k.fail("mail.from", CodeRequired, "发件人地址，因为已设 mail.host")
	} else if err != nil || addr.Address != m.From {
		k.fail("mail.from", CodeInvalid, "不带姓名的邮箱地址，如 duban@example.cn")
	}
	if strings.ContainsAny(m.FromName, "\r\n") {
		k.fail("mail.from_name", CodeInvalid, "一行文字")
	}
	if m.HELO != "" && !hostname.MatchString(m.HELO) {
		k.fail("mail.helo", CodeInvalid, "主机名")
	}
	switch {
	case m.Username != "" && m.Password == "" && m.PasswordFile == "":
		k.fail("mail.password", CodeRequired, "密码（或写 mail.password_file），因为已设 mail.username")
	case m.Username == "" && (m.Password != "" || m.PasswordFile != ""):
		k.fail("mail.username", CodeRequired, "用户名，因为已设密码")
	}
	k.lasts("mail.timeout", m.Timeout, time.Second, 10*time.Minute)
	k.upTo(50, "mail.connections", m.Connections)
	k.certificates("mail.ca_file", m.CAFile)
}

func (k *checker) certificates(key, file string) {
	if file == "" {
		return
	}
	pem, err := readLimited(file, maxBundle)
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(pem) {
		k.fail(key, CodeInvalid, "可读的 PEM 证书文件")
	}
}

func (k *checker) outbox(o Outbox, m Mail) {
	if o.Dir == "" {
		k.fail("outbox.dir", CodeRequired, "存放消息文件的目录")
	}
	k.upTo(64, "outbox.workers", o.Workers)
	k.upTo(1000, "outbox.batch", o.Batch)
	k.lasts("outbox.lease", o.Lease, 10*time.Second, time.Hour)
	if m.Configured() && o.Lease <= m.Timeout {
		// A claim that ends while its message is still in delivery lets
		// another worker send the message again.
		k.fail("outbox.lease", CodeConflict, fmt.Sprintf("比 mail.timeout（%s）长的时长", m.Timeout))
	}
	k.lasts("outbox.max_age", o.MaxAge, time.Hour, 90*24*time.Hour)
}

// checker collects what is wrong with the values of a configuration.
type checker struct {
	config *Config
	fields map[string]field
	found  []Problem
}

func (k *checker) fail(key string, code Code, expected string) {
	f, at := k.fields[key], k.config.origins[key]
	k.found = append(k.found, Problem{
		Code: code, Key: key, File: at.file, Line: at.line, Env: at.env,
		Value: k.config.shown(f), Expected: expected,
	})
}

func (k *checker) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		k.fail(key, CodeInvalid, strings.Join(allowed, "、")+" 之一")
	}
}

// upTo checks a count or a port, of which there is at least one.
func (k *checker) upTo(high int, key string, value int) { k.between(1, high, key, value) }

func (k *checker) lasts(key string, value, low, high time.Duration) {
	if value < low || value > high {
		k.fail(key, CodeInvalid, fmt.Sprintf("%s 到 %s 之间的时长", low, high))
	}
}
