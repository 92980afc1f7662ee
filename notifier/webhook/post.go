package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"duban/notifier"
)

// maxAnswer bounds what is read of an answer. Its body says nothing to us; it
// is read so that the connection can be used again.
const maxAnswer = 64 << 10

// post sends the document and judges the status. It returns nil once the
// receiver has taken it.
func (w *Webhook) post(ctx context.Context, key string, body []byte) *notifier.SendError {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	// From here on the message may be on its way, and an error leaves open
	// whether it arrived.
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(body))
	if err != nil {
		return &notifier.SendError{Class: notifier.Down, Code: "webhook_request", Local: true, Err: notifier.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "duban")
	req.Header.Set(IDHeader, key)
	req.Header.Set(SignatureHeader, w.signature(body))
	resp, err := w.client.Do(req)
	if err != nil {
		return transportFailure(err, written.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status has said it all
	return w.judge(resp)
}

// transportFailure judges an error before any answer.
func transportFailure(err error, written bool) *notifier.SendError {
	if !written && errors.Is(err, errForbidden) {
		return &notifier.SendError{Class: notifier.Down, Code: "webhook_forbidden", Detail: errForbidden.Error(), Err: notifier.WithoutURL(err)}
	}
	return notifier.TransportFailure("webhook", err, written, notifier.Redacted)
}

// judge returns nil if the receiver has taken the message. What it says in the
// body is not repeated: anybody could make it say anything.
func (w *Webhook) judge(resp *http.Response) *notifier.SendError {
	e := &notifier.SendError{Class: notifier.Down, Code: "webhook_http_" + strconv.Itoa(resp.StatusCode)}
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests:
		until := w.keepSilent(resp.Header.Get("Retry-After"))
		e.Detail = notBefore(until)
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly:
		e.Class = notifier.Retry
	case status == http.StatusBadRequest, status == http.StatusNotFound, status == http.StatusGone,
		status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		e.Class = notifier.Reject
	}
	return e // otherwise a key, an address or a gateway is wrong: every message would fail
}

// How long the receiver can keep us silent.
const (
	usualSilence = time.Minute
	maxSilence   = time.Hour
)

// keepSilent keeps messages back for as long as the receiver asks: seconds, or
// a date.
func (w *Webhook) keepSilent(retryAfter string) time.Time {
	now := w.cfg.Clock.Now()
	wait := usualSilence
	if seconds, err := strconv.Atoi(retryAfter); err == nil {
		wait = time.Duration(min(max(seconds, 1), int(maxSilence/time.Second))) * time.Second
	} else if at, err := http.ParseTime(retryAfter); err == nil {
		wait = min(max(at.Sub(now), time.Second), maxSilence)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = now.Add(wait)
	return w.closed
}

// silence returns a failure while the receiver wants to hear nothing.
func (w *Webhook) silence() *notifier.SendError {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cfg.Clock.Now().Before(w.closed) {
		return nil
	}
	return &notifier.SendError{Class: notifier.Down, Code: "rate_limited", Local: true, Detail: notBefore(w.closed)}
}

func notBefore(at time.Time) string { return "not before " + at.UTC().Format(time.RFC3339) }
