package sms

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
)

// Options are common to all providers.
type Options struct {
	Endpoint string        // scheme, host and port; blank is the provider's public one
	Timeout  time.Duration // for one request; 0 is 15 s
	Clock    clockwork.Clock
}

const defaultTimeout = 15 * time.Second

// maxBody bounds what is read from providers.
const maxBody = 1 << 20

// wire carries requests to one provider.
type wire struct {
	kind    Kind
	base    *url.URL
	timeout time.Duration
	clock   clockwork.Clock
	client  *http.Client
}

// answer is a provider's response.
type answer struct {
	status int
	body   []byte
}

// newWire checks the options. Text messages name people, so plain HTTP is for
// this machine only, unless plain says otherwise.
func newWire(k Kind, o Options, public string, plain bool) (*wire, error) {
	if o.Endpoint == "" {
		o.Endpoint = public
	}
	base, err := url.Parse(o.Endpoint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("短信服务地址无效：%w", err)
	case base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("短信服务地址应为 https://主机")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("短信服务地址不得含用户名、参数或片段")
	case base.Scheme == "http" && !plain && !notifier.IsLoopback(base.Hostname()):
		return nil, errors.New("短信服务地址应使用 https（本机除外）")
	case o.Timeout < 0:
		return nil, errors.New("短信服务超时不得为负")
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	return &wire{kind: k, base: base, timeout: o.Timeout, clock: o.Clock, client: newClient()}, nil
}

// newClient returns a client that puts each request on the wire at most once.
// The standard one does not: it follows redirects, and it repeats a GET whose
// connection breaks, if the connection had been used before. So every request
// has a connection of its own.
func newClient() *http.Client {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: defaultTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    defaultTimeout,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// request makes a request below the endpoint.
func (w *wire) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, w.base.JoinPath(path).String(), bytes.NewReader(body))
}

// do sends the request and reads the answer, whatever its status.
//
// A failure before there is a connection is safe: the provider knows nothing
// of the message. After that it is not, even if our own writing fails: nobody
// can tell how much was read at the other end.
func (w *wire) do(req *http.Request) (answer, *notifier.SendError) {
	if err := req.Context().Err(); err != nil {
		return answer{}, &notifier.SendError{Class: notifier.Retry, Code: "cancelled", Local: true, Err: err}
	}
	var connected atomic.Bool
	ctx, cancel := context.WithTimeout(req.Context(), w.timeout)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	resp, err := w.client.Do(req.WithContext(ctx)) //nolint:gosec // the administrator names the host
	if err != nil {
		return answer{}, w.failure(err, connected.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return answer{}, w.failure(err, true)
	}
	return answer{status: resp.StatusCode, body: body}, nil
}

// failure judges an error of the network.
func (w *wire) failure(err error, connected bool) *notifier.SendError {
	var (
		badCert *tls.CertificateVerificationError
		netErr  net.Error
	)
	err = notifier.WithoutURL(err)
	e := &notifier.SendError{Class: notifier.Retry, Code: w.code("unreachable"), Err: err}
	switch {
	case connected:
		e.Class, e.Code = notifier.Unknown, w.code("unconfirmed")
	case errors.As(err, &badCert):
		e.Class, e.Code, e.Detail = notifier.Down, w.code("certificate"), notifier.Redacted(badCert.Err.Error())
	case errors.As(err, &netErr) && netErr.Timeout():
		e.Code = w.code("timeout")
	}
	return e
}

func (w *wire) code(what string) string { return "sms_" + string(w.kind) + "_" + what }

// unencodable is for a request that cannot even be written.
func (w *wire) unencodable(err error) *notifier.SendError {
	return &notifier.SendError{Class: notifier.Reject, Code: w.code("request"), Local: true, Err: err}
}
