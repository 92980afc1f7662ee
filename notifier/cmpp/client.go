package cmpp

import (
	"context"
	"sync"

	"duban/notifier"
)

// Client sends short messages. It is safe for concurrent use.
type Client struct {
	cfg  Config
	pace *pacer
	stop context.CancelFunc // ends the keepers

	working sync.WaitGroup // keepers
	sending sync.WaitGroup // calls of Send

	mu      sync.Mutex
	closing bool
	keepers []*keeper
	changed chan struct{} // closed when a keeper's state changes
}

// New checks the configuration and begins to connect. It does not wait for
// that: a gateway that is down must not keep duban from starting.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		cfg:     cfg,
		pace:    newPacer(cfg.Clock, cfg.RatePerSecond),
		stop:    cancel,
		changed: make(chan struct{}),
	}
	for range cfg.Connections {
		c.keepers = append(c.keepers, &keeper{hopeful: true})
	}
	for _, k := range c.keepers {
		c.working.Go(func() { c.keep(ctx, k) })
	}
	return c, nil
}

// Close waits for the messages in flight, says goodbye to the gateway and
// disconnects. Messages that come later are not sent.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.sending.Wait()
	c.stop()
	c.working.Wait()
	return nil
}

// Send hands a text over to the gateway, in as many parts as it needs, and
// returns the gateway's ids of the parts that it took; there may be some even
// if there is an error. Errors are *notifier.SendError. Nothing is submitted
// again unless the gateway said that it did not take it.
//
// The key names the message: it must be the same if the message is sent again.
func (c *Client) Send(ctx context.Context, key, mobile, text string) (ids []string, err error) {
	number, err := notifier.ParseMobile(mobile)
	if err != nil {
		return nil, refused("cmpp_bad_mobile")
	}
	parts, failure := split(text, reference(key), c.cfg.MaxParts)
	if failure != nil {
		return nil, failure
	}
	if !c.enter() {
		return nil, closed()
	}
	defer c.sending.Done()
	return c.sendAll(ctx, number, parts)
}

// enter registers a call of Send, unless the client is closing.
func (c *Client) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.sending.Add(1)
	return true
}

// sendAll sends the first part alone. If the gateway does not take it, none of
// the others is sent, and the telephone shows no fragments. Then the others go
// out together.
func (c *Client) sendAll(ctx context.Context, number string, parts []part) ([]string, error) {
	ids := make([]string, len(parts))
	failures := make([]*notifier.SendError, len(parts))
	ids[0], failures[0] = c.sendPart(ctx, c.submission(number, parts[0]))
	if failures[0] == nil {
		var others sync.WaitGroup
		for i := 1; i < len(parts); i++ {
			others.Go(func() { ids[i], failures[i] = c.sendPart(ctx, c.submission(number, parts[i])) })
		}
		others.Wait()
	}
	return verdict(ids, failures)
}

// paidBySP is the Fee_UserType that makes us pay, and not the recipient.
const paidBySP = 2

// formatUCS2 is the Msg_Fmt of UCS-2.
const formatUCS2 = 8

func (c *Client) submission(number string, p part) *Submit {
	s := &Submit{
		PkTotal:         p.total,
		PkNumber:        p.number,
		ServiceID:       c.cfg.ServiceID,
		FeeUserType:     paidBySP,
		MsgFmt:          formatUCS2,
		MsgSrc:          c.cfg.SourceAddr,
		FeeType:         c.cfg.FeeType,
		FeeCode:         c.cfg.FeeCode,
		SrcID:           c.cfg.SrcID,
		DestTerminalIDs: []string{number},
		Content:         p.content,
	}
	if p.total > 1 {
		s.TPUdhi = 1
	}
	if c.cfg.OnReport != nil {
		s.RegisteredDelivery = 1
	}
	return s
}

// slowdowns is how often a part waits because the gateway asked us to slow
// down, about half a minute altogether.
const slowdowns = 5

// sendPart submits one part. It does so again only if the gateway cannot have
// taken it: because it said that we are too fast, or because the connection
// was lost before the part was written.
func (c *Client) sendPart(ctx context.Context, s *Submit) (id string, failure *notifier.SendError) {
	for refusals, losses := 0, 0; ; {
		l, failure := c.acquire(ctx)
		if failure != nil {
			return "", failure
		}
		resp, failure := l.submit(ctx, c.pace, s)
		switch {
		case failure != nil && failure.Code == codeUnsent && losses < hopes:
			losses++
		case failure != nil:
			return "", failure
		case resp.Result == resultFlow && refusals < slowdowns:
			refusals++
			c.pace.hold(slowdown.after(refusals))
		case resp.Result != 0:
			return "", submitRefused(c.cfg.Version, resp.Result)
		default:
			return formatID(resp.MsgID), nil
		}
	}
}

// acquire returns the connection with the most room in its window. If there is
// none it waits for one that is expected soon.
func (c *Client) acquire(ctx context.Context) (*link, *notifier.SendError) {
	for {
		l, failure, changed := c.choose()
		if l != nil || failure != nil {
			return l, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, cancelled(ctx.Err())
		}
	}
}

func (c *Client) choose() (best *link, failure *notifier.SendError, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hope := false
	for _, k := range c.keepers {
		switch {
		case k.link == nil:
			hope = hope || k.hopeful
			failure = or(k.failure, failure)
		case k.link.isGone(): // its keeper is about to say what comes next
			hope = true
		case best == nil || len(k.link.window) < len(best.window):
			best = k.link
		}
	}
	if best != nil || hope {
		failure = nil
	}
	return best, failure, c.changed
}
