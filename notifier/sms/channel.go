package sms

import (
	"context"
	"errors"
	"sync"
	"time"

	"duban/notifier"
)

// ChannelConfig says how messages become text messages.
type ChannelConfig struct {
	Provider    Provider
	Signature   string        // 签名 of forms that name none, without 【】
	Price       MilliFen      // of a part, for estimates; 0 if it is not known
	ReceiptWait time.Duration // see [notifier.Careful]; 0 if the provider reports nothing
}

// Channel brings messages to people by a provider of text messages.
type Channel struct {
	cfg      ChannelConfig
	inFlight sync.RWMutex // held for reading by every message
}

var _ notifier.Careful = (*Channel)(nil)

// NewChannel returns the channel through a provider.
func NewChannel(cfg ChannelConfig) *Channel { return &Channel{cfg: cfg} }

// Send hands the message over in its approved form, and returns the provider's
// id, which is blank where the provider gives none.
func (c *Channel) Send(ctx context.Context, m notifier.Message) (string, error) {
	c.inFlight.RLock()
	defer c.inFlight.RUnlock()
	return c.cfg.Provider.Send(ctx, c.message(m))
}

func (c *Channel) message(m notifier.Message) Message {
	return Message{
		Key: m.Key, Mobile: m.Mobile, Facts: m.Facts,
		Template: Template{Name: m.Template, SMSForm: m.SMS.Signed(c.cfg.Signature)},
	}
}

// Settle asks the provider what became of a message.
func (c *Channel) Settle(ctx context.Context, m notifier.Message, providerID string, handedAt time.Time) (notifier.Fate, error) {
	r, err := Settle(ctx, c.cfg.Provider, Sent{ID: providerID, Key: m.Key, Mobile: m.Mobile, Date: handedAt})
	fate := notifier.Fate{State: fates[r.State], ProviderID: r.ID, Code: r.Code, At: r.At}
	if fate.State == notifier.FateUnknown && providerID != "" {
		fate.State = notifier.FateTaken // it gave an id, whatever it says now
	}
	switch {
	case errors.Is(err, ErrNoRecord) && providerID == "":
		return notifier.Fate{State: notifier.FateNotTaken}, nil
	case errors.Is(err, ErrNoRecord), errors.Is(err, ErrNotSupported):
		return fate, nil
	}
	return fate, err
}

var fates = map[State]notifier.FateState{
	Unknown: notifier.FateUnknown, Pending: notifier.FateTaken, Delivered: notifier.FateDelivered, Failed: notifier.FateFailed,
}

// ReceiptWait is as configured.
func (c *Channel) ReceiptWait() time.Duration { return c.cfg.ReceiptWait }

// Measure counts the parts of the message's text, and what they cost.
func (c *Channel) Measure(m notifier.Message) (parts int, cost int64) {
	parts = Count(m.SMS.Signed(c.cfg.Signature).Text(m.Facts)).Parts
	return parts, int64(Cost(parts, c.cfg.Price))
}

// Close waits for the messages in flight.
func (c *Channel) Close() error {
	c.inFlight.Lock()
	defer c.inFlight.Unlock()
	return nil
}
