package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Heartbeat (心跳) tells a monitor outside, such as Healthchecks, that duban
// works: it asks for an address while all is well, and for the same with /fail
// otherwise. A monitor that hears nothing raises the alarm itself. The address
// is a secret: who knows it can pretend that all is well.
type Heartbeat struct {
	Every  time.Duration // the least time between two
	url    *url.URL
	client *http.Client
}

const (
	defaultBeat = 5 * time.Minute
	// beatTimeout is shorter than the time between two checks.
	beatTimeout = 10 * time.Second
	maxBeatBody = 64 << 10 // of an answer that is read and thrown away
)

// ErrHeartbeatURL means that an address cannot be asked for.
var ErrHeartbeatURL = errors.New("心跳地址应以 http:// 或 https:// 开头")

// NewHeartbeat returns a heartbeat to an address, each so often (0 is 5 min).
// It uses the transport, or the usual one for nil.
func NewHeartbeat(address string, every time.Duration, transport http.RoundTripper) (*Heartbeat, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, ErrHeartbeatURL // the parser's error repeats the address
	}
	if every <= 0 {
		every = defaultBeat
	}
	return &Heartbeat{Every: every, url: u, client: &http.Client{
		Transport: transport, Timeout: beatTimeout,
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if to.URL.Scheme != via[0].URL.Scheme || to.URL.Host != via[0].URL.Host || len(via) > 3 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}, nil
}

// Beat tells the monitor whether something is wrong. Its errors name neither
// the address nor the host.
func (h *Heartbeat) Beat(ctx context.Context, wrong bool) error {
	to := *h.url
	if wrong {
		to = *h.url.JoinPath("fail")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return ErrHeartbeatURL
	}
	req.Header.Set("User-Agent", "duban")
	res, err := h.client.Do(req)
	if err != nil {
		if failure, ok := errors.AsType[*url.Error](err); ok && failure.Timeout() {
			return errors.New("heartbeat: no answer in time")
		}
		return errors.New("heartbeat: the monitor cannot be reached")
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBeatBody))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("heartbeat: the monitor answers %d", res.StatusCode)
	}
	return nil
}
