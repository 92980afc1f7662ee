package robot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"

	"duban/notifier"
)

// maxAnswer bounds the body of an answer. Real ones have some hundred bytes.
const maxAnswer = 64 << 10

var errTooLong = errors.New("answer is too long")

// answer is what the platform sent back, as far as it came.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // the body broke off
}

// post sends the note and judges the answer. It returns nil once the platform
// has taken the message.
func (r *Robot) post(ctx context.Context, n note) *notifier.SendError {
	query, body := r.platform.compose(n, r.cfg.Secret, r.cfg.Clock.Now())
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	// From here on the message may be on its way. What follows breaks the
	// connection before the platform has all of it, or after: nobody knows.
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address(query), bytes.NewReader(body))
	if err != nil {
		return &notifier.SendError{Class: notifier.Down, Code: r.code("request"), Local: true, Err: notifier.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	a, err := r.do(req)
	if err != nil {
		return notifier.TransportFailure(string(r.cfg.Kind), err, written.Load(), r.secrets.hidden)
	}
	return r.judge(a)
}

// address returns the webhook with more in its query.
func (r *Robot) address(more url.Values) string {
	if len(more) == 0 {
		return r.url.String()
	}
	u, query := *r.url, r.url.Query()
	for name := range more {
		query.Set(name, more.Get(name))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func (r *Robot) do(req *http.Request) (answer, error) {
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if len(a.body) > maxAnswer {
		a.body, a.err = nil, errTooLong
	}
	return a, nil
}

func (r *Robot) httpCode(status int) string { return r.code("http_" + strconv.Itoa(status)) }
