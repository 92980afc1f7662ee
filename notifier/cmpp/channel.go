package cmpp

import (
	"context"
	"strings"
	"time"

	"duban/models"
	"duban/notifier"
)

// ChannelConfig says how messages become text messages of the gateway.
type ChannelConfig struct {
	Config                    // OnReport is the channel's own
	Signature   string        // 签名 of forms that name none, without 【】
	Price       int64         // of a part, in thousandths of a 分, for estimates
	ReceiptWait time.Duration // see [notifier.Careful]; 0 asks for no reports
	Receipts    Receipts      // where reports go
}

// Receipts keeps what a gateway reports. See [models.Store.ApplyReceipt].
type Receipts interface {
	ApplyReceipt(ctx context.Context, r models.Receipt, key string) error
}

// Channel brings messages to people by a carrier's gateway.
type Channel struct {
	cfg    ChannelConfig
	client *Client
}

var _ notifier.Careful = (*Channel)(nil)

// NewChannel checks the configuration and begins to connect, as [New] does.
func NewChannel(cfg ChannelConfig) (*Channel, error) {
	if cfg.ReceiptWait > 0 && cfg.Receipts != nil {
		cfg.OnReport = func(ctx context.Context, r Report) error {
			receipt, ok := r.receipt()
			if !ok {
				return nil
			}
			return cfg.Receipts.ApplyReceipt(ctx, receipt, "")
		}
	}
	client, err := New(cfg.Config)
	if err != nil {
		return nil, err
	}
	return &Channel{cfg: cfg, client: client}, nil
}

// Send hands the message over in its approved form, and returns the gateway's
// ids of its parts, separated by commas. If it fails, there may be ids of
// parts that the gateway took.
func (c *Channel) Send(ctx context.Context, m notifier.Message) (string, error) {
	form := m.SMS.Signed(c.cfg.Signature)
	if err := form.Validate(); err != nil { // messages of other templates go on
		return "", &notifier.SendError{
			Class: notifier.Retry, Code: "cmpp_template_invalid", Detail: "短信模板 " + m.Template + "：" + err.Error(), Local: true, Err: err,
		}
	}
	if place := form.Missing(m.Facts); place != "" {
		return "", &notifier.SendError{Class: notifier.Reject, Code: "cmpp_value_missing", Detail: place, Local: true}
	}
	ids, err := c.client.Send(ctx, m.Key, m.Mobile, form.Text(m.Facts))
	return strings.Join(ids, ","), err
}

// Settle knows only what Send was told: the gateway cannot be asked about one
// message. What became of it, the reports say.
func (c *Channel) Settle(_ context.Context, _ notifier.Message, providerID string, _ time.Time) (notifier.Fate, error) {
	if providerID == "" {
		return notifier.Fate{}, nil
	}
	return notifier.Fate{State: notifier.FateTaken, ProviderID: providerID}, nil
}

// ReceiptWait is as configured.
func (c *Channel) ReceiptWait() time.Duration { return c.cfg.ReceiptWait }

// Measure counts the parts of the message's text, and what they cost.
func (c *Channel) Measure(m notifier.Message) (parts int, cost int64) {
	pieces, failure := split(m.SMS.Signed(c.cfg.Signature).Text(m.Facts), 0, c.client.cfg.MaxParts)
	if failure != nil {
		return 0, 0 // it is not going to be sent
	}
	return len(pieces), int64(len(pieces)) * c.cfg.Price
}

// Close waits for the messages in flight and disconnects.
func (c *Channel) Close() error { return c.client.Close() }

// receipt returns the report as it is kept, unless it says nothing.
func (r Report) receipt() (models.Receipt, bool) {
	receipt := models.Receipt{Channel: models.ChannelSMS, ProviderID: r.MsgID, State: models.ReceiptFailed, Code: r.Stat}
	switch {
	case r.Delivered:
		receipt.State = models.ReceiptDelivered
	case r.Stat == "ACCEPTD":
		receipt.State = models.ReceiptPending
	case r.Stat == "UNKNOWN":
		return receipt, false
	}
	if !r.DoneAt.IsZero() {
		receipt.At = &r.DoneAt
	}
	return receipt, true
}
