package notifier

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// quitTimeout bounds the goodbye, which is only a courtesy.
const quitTimeout = 2 * time.Second

// smtpConn is one connection to the mail server.
//
// It keeps hold of the network connection below go-mail's client, because
// go-mail neither closes it when a handshake fails nor gives up on it when a
// context ends; closing it does both.
type smtpConn struct {
	raw       net.Conn
	mailer    *mail.Client
	client    *smtp.Client
	timeout   time.Duration
	idleSince time.Time
}

// dial connects, encrypts and authenticates. Whatever goes wrong here goes
// wrong for every message, so each error is of class Down.
func (s *SMTP) dial(ctx context.Context) (*smtpConn, error) {
	raw, err := s.connect(ctx)
	if err != nil {
		return nil, dialFailure(err)
	}
	defer closeWhenDone(ctx, raw)()

	options := append(s.options[:len(s.options):len(s.options)],
		mail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return raw, nil }))
	mailer, err := mail.NewClient(s.cfg.Host, options...)
	if err == nil {
		var client *smtp.Client
		if client, err = mailer.DialToSMTPClientWithContext(ctx); err == nil {
			return &smtpConn{raw: raw, mailer: mailer, client: client, timeout: s.cfg.Timeout}, nil
		}
	}
	_ = raw.Close()
	return nil, dialFailure(err)
}

// connect opens the network connection, with TLS if that comes first. go-mail
// could do so too, but it writes an IPv6 address without its brackets.
func (s *SMTP) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil || s.cfg.Security != ImplicitTLS {
		return raw, err
	}
	encrypted := tls.Client(raw, s.tls)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return encrypted, nil
}

// closeWhenDone closes the connection when ctx ends, which fails whatever
// waits on it. The returned function calls that off.
func closeWhenDone(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

// reset begins anew on a connection that has been used, and so finds out
// whether the server is still there before a message depends on it.
func (c *smtpConn) reset(ctx context.Context) error {
	defer closeWhenDone(ctx, c.raw)()
	if err := c.client.UpdateDeadline(c.timeout); err != nil {
		return err
	}
	return c.client.Reset()
}

// send transmits one message within the timeout, and reports whether the
// connection is fit for another. A message to a Chinese address (RFC 6531) is
// declared as such. Any other must not be, though go-mail would: a server that
// passes it on to one that has never heard of this has to return it.
func (c *smtpConn) send(ctx context.Context, msg *mail.Msg, declare bool) (reusable bool, err error) {
	defer closeWhenDone(ctx, c.raw)()
	c.client.SkipSMTPUTF8(!declare)
	if err := c.mailer.SendWithSMTPClient(c.client, msg); err != nil {
		failure, reusable := sendFailure(err)
		return reusable, failure
	}
	return true, nil
}

// quit says goodbye to the server.
func (c *smtpConn) quit() {
	if c.client.UpdateDeadline(quitTimeout) == nil {
		_ = c.client.Quit()
	}
	c.abandon()
}

// abandon closes the connection without a word, for when the server is not
// listening, or would take our words for part of a message.
func (c *smtpConn) abandon() { _ = c.raw.Close() }
