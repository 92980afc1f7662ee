package notifier

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
)

// IsLoopback reports whether the host is this machine, so that nothing sent to
// it crosses a network.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// WithoutURL takes the address out of an error of net/http: it may hold a
// number, a password or a key.
func WithoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// TransportFailure judges an error of net/http that came instead of an answer.
// Its codes begin with the prefix, and its details are made fit to be stored by
// redact. Once the head of the request was written, the message may have
// arrived.
func TransportFailure(prefix string, err error, written bool, redact func(string) string) *SendError {
	err = WithoutURL(err)
	e := &SendError{Class: Down, Code: prefix + "_unreachable", Err: err}
	var (
		netErr  net.Error
		badCert *tls.CertificateVerificationError
		opErr   *net.OpError
	)
	switch {
	case written:
		e.Class, e.Code = Unknown, prefix+"_unconfirmed"
	case errors.Is(err, context.Canceled):
		e.Class, e.Code, e.Local = Retry, "cancelled", true
	case errors.As(err, &badCert):
		e.Code, e.Detail = prefix+"_certificate", redact(badCert.Err.Error())
	case errors.As(err, &netErr) && netErr.Timeout():
		// The other side was not asked, so nothing was learned about it.
		e.Class, e.Code, e.Local = Retry, prefix+"_timeout", true
	case errors.As(err, &opErr):
		e.Detail = redact(opErr.Err.Error())
	}
	return e
}
