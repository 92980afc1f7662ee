package cmpp

import (
	"context"
	"fmt"
	"time"

	"duban/notifier"
)

// keeper keeps one connection up. Its fields are guarded by Client.mu.
type keeper struct {
	link    *link               // nil while there is none
	hopeful bool                // there will be one soon: it is worth waiting for
	failure *notifier.SendError // why there is none
}

// hopes is how often a connection may be lost soon after the login before
// messages are no longer made to wait for the next.
const hopes = 3

// stable is how long a connection lasts that was not lost soon.
const stable = time.Minute

// keep connects again and again until ctx ends.
func (c *Client) keep(ctx context.Context, k *keeper) {
	for failures := 0; ctx.Err() == nil; {
		l, failure := c.open(ctx)
		if failure != nil {
			failures++
			c.update(k, keeper{failure: failure})
			c.retire(ctx, failure, failures)
			continue
		}
		c.cfg.Logger.Info("connected to the SMS gateway")
		c.update(k, keeper{link: l})
		since := c.cfg.Clock.Now()
		failure = lostFailure(l.serve(ctx))
		if c.cfg.Clock.Since(since) >= stable {
			failures = 0
		}
		failures++
		c.update(k, keeper{hopeful: failures < hopes, failure: failure})
		c.retire(ctx, failure, failures)
	}
}

// retire waits before the next attempt.
func (c *Client) retire(ctx context.Context, failure *notifier.SendError, failures int) {
	delay := reconnect.after(failures)
	if failure.Err == nil { // the gateway refused, or is not the one it should be
		delay = refusedDelay
	}
	if ctx.Err() == nil {
		c.cfg.Logger.Warn("no connection to the SMS gateway",
			"code", failure.Code, "detail", failure.Detail, "cause", failure.Err, "retry_in", delay)
	}
	_ = sleep(ctx, c.cfg.Clock, delay) // the loop sees that ctx has ended
}

// update records the state of a connection and wakes those who wait for one.
func (c *Client) update(k *keeper, state keeper) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*k = state
	close(c.changed)
	c.changed = make(chan struct{})
}

// open connects and logs in, within the timeout.
func (c *Client) open(ctx context.Context) (*link, *notifier.SendError) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.cfg.Clock.AfterFunc(c.cfg.Timeout, func() { cancel(errNoAnswer) }).Stop()
	conn, err := c.cfg.Dial(ctx, "tcp", c.cfg.Address)
	if err != nil {
		return nil, dialFailure(or(context.Cause(ctx), err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	l := newLink(&c.cfg, conn)
	failure := l.login()
	if !stop() { // it was closed, perhaps at the last moment
		failure = dialFailure(context.Cause(ctx))
	}
	if failure != nil {
		_ = conn.Close()
		return nil, failure
	}
	return l, nil
}

// login introduces us to the gateway, and the gateway to us.
func (l *link) login() *notifier.SendError {
	request := NewConnect(l.cfg.Version, l.cfg.SourceAddr, l.cfg.Secret, l.cfg.Clock.Now())
	sequence, err := l.request(request)
	if err != nil {
		return dialFailure(err)
	}
	p, err := l.read()
	if err != nil {
		return dialFailure(err)
	}
	resp, ok := p.Body.(*ConnectResp)
	switch {
	case !ok || p.Sequence != sequence:
		return dialFailure(fmt.Errorf("%w: not the answer to CONNECT", ErrMalformed))
	case resp.Status != 0:
		return connectRefused(resp.Status)
	case !l.cfg.TrustGateway && !resp.Authentic(l.cfg.Version, request, l.cfg.Secret):
		return notAuthentic()
	}
	return nil
}
