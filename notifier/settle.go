package notifier

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"duban/models"
)

const (
	// receiptQueries is how often a provider is asked for a receipt before
	// the wait for it is over.
	receiptQueries = 4
	// unknownFor is for how long a provider is asked what became of a message
	// before another channel takes over.
	unknownFor = time.Hour
	// receiptBatch bounds how many receipts are asked for at a time.
	receiptBatch = 50
	// maxUnanswered is how many questions in a row a provider may leave
	// unanswered before it is not asked for the rest of them.
	maxUnanswered = 2
)

// settleBackoff spaces the questions about a message whose fate is unknown.
var settleBackoff = backoff{min: time.Minute, max: 30 * time.Minute}

// settle finds out what became of a message that may have been handed over. It
// returns known=false only if the provider says that it never had it, so that
// it may be sent.
func (b *batch) settle(ctx context.Context, n models.Notification, m Message, out *outlet) (o models.Outcome, known bool) {
	receipts, err := b.d.cfg.Store.ReceiptsOf(ctx, n.ID)
	if err == nil && len(receipts) > 0 { // it was taken: there is word of it already
		o = b.sent(n, m, out, n.ProviderID)
		o.Receipts = receipts
		return o, true
	}
	asking, cancel := b.d.sendContext(ctx)
	defer cancel()
	fate, err := out.careful.Settle(asking, m, n.ProviderID, *n.HandedAt)
	if err != nil {
		b.d.cfg.Logger.Warn("fate of a message not known", "notification", n.ID, "channel", n.Channel, "error", Redacted(err.Error()))
		fate = Fate{}
	}
	switch fate.State {
	case FateNotTaken:
		return models.Outcome{}, false
	case FateUnknown:
		return b.unknown(n, *n.HandedAt, n.LastError), true
	case FateTaken, FateDelivered, FateFailed:
	}
	o = b.sent(n, m, out, fate.ProviderID)
	o.Receipts = fate.receipts(n)
	return o, true
}

// unknown is the outcome of a message that may have been sent: it is asked for,
// until another channel takes over, or until only a person can decide.
func (b *batch) unknown(n models.Notification, handedAt time.Time, cause string) models.Outcome {
	now := b.d.cfg.Clock.Now()
	o := models.Outcome{
		State: models.NotificationUnknown, LastError: cause, NextAttemptAt: now.Add(settleBackoff.after(n.Attempts)),
		FailingSince: n.FailingSince, Handed: true,
	}
	switch age := now.Sub(handedAt); {
	case age >= unknownFor && len(n.Route) > 0, n.Urgency == models.Instant && len(n.Route) > 0:
		o.FallBack, o.Reason = true, models.NoReceipt
	case age >= b.d.cfg.MaxAge:
		o.State, o.Reason = models.NotificationDead, models.NoReceipt
	case age >= unknownFor:
		o.Reason = models.NoReceipt
	}
	return o
}

// confirmAll asks for receipts until ctx ends.
func (d *Dispatcher) confirmAll(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := d.confirm(ctx)
		if err != nil {
			d.cfg.Logger.Error("receipts not asked for", "error", err)
		}
		if n > 0 { // other channels may have to take over
			d.Wake()
		}
		if n < receiptBatch || err != nil {
			d.rest(ctx, d.cfg.Poll, nil)
		}
	}
}

// confirm asks for some of the receipts that sent messages await, and ends the
// wait for those that do not come. It returns how many were due. A channel
// whose provider does not answer is asked no more for now.
func (d *Dispatcher) confirm(ctx context.Context) (int, error) {
	due, err := d.awaitReceipts(ctx)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	people := make([]int64, len(due))
	for i, n := range due {
		people[i] = n.RecipientID
	}
	users, err := d.cfg.Store.UsersByID(ctx, people)
	if err != nil {
		return 0, err
	}
	unanswered := map[models.Channel]int{}
	for _, n := range due {
		if err = d.confirmOne(ctx, n, users[n.RecipientID], unanswered); err != nil || ctx.Err() != nil {
			break
		}
	}
	return len(due), err
}

// awaitReceipts takes the messages whose receipts are to be asked for by now.
func (d *Dispatcher) awaitReceipts(ctx context.Context) ([]models.Notification, error) {
	wait := d.receiptWait()
	if wait == 0 {
		return nil, nil
	}
	return d.cfg.Store.AwaitReceipts(ctx, receiptBatch, wait/receiptQueries)
}

// receiptWait is for how long any channel waits for its receipts, 0 if none
// brings any.
func (d *Dispatcher) receiptWait() time.Duration {
	longest := time.Duration(0)
	for _, out := range d.channels {
		if out.careful != nil {
			longest = max(longest, out.careful.ReceiptWait())
		}
	}
	return longest
}

// confirmOne asks for the receipt of one message, unless its channel has left
// too many questions in a row unanswered.
func (d *Dispatcher) confirmOne(ctx context.Context, n models.Notification, user models.User, unanswered map[models.Channel]int) error {
	out, ok := d.channels[n.Channel]
	if !ok || out.careful == nil || n.SentAt == nil {
		return d.cfg.Store.NoReceiptCame(ctx, n.ID)
	}
	if unanswered[n.Channel] < maxUnanswered {
		fate, err := d.askFor(ctx, n, user, out)
		if err == nil {
			unanswered[n.Channel] = 0
		} else {
			unanswered[n.Channel]++
			d.cfg.Logger.Warn("receipt not to be had", "notification", n.ID, "channel", n.Channel, "error", Redacted(err.Error()))
		}
		if fate.State == FateDelivered || fate.State == FateFailed {
			for _, r := range fate.receipts(n) {
				err = errors.Join(err, d.cfg.Store.ApplyReceipt(ctx, r, n.Key()))
			}
			return err
		}
	}
	if d.cfg.Clock.Now().Sub(*n.SentAt) >= out.careful.ReceiptWait() {
		return d.cfg.Store.NoReceiptCame(ctx, n.ID)
	}
	return nil
}

// askFor asks the provider what became of a message that was sent.
func (d *Dispatcher) askFor(ctx context.Context, n models.Notification, user models.User, out *outlet) (Fate, error) {
	words, err := d.library.For(ctx, n)
	if err != nil {
		return Fate{}, err
	}
	m, failure := d.render(words, n, user)
	if failure != nil { // there is nothing to ask with
		return Fate{}, nil
	}
	asking, cancel := d.sendContext(ctx)
	defer cancel()
	return out.careful.Settle(asking, m, n.ProviderID, *n.SentAt)
}

// awaited returns what is recorded of the receipts that are to come: one for
// each id that the provider gave, or one by our key where it gave none.
func awaited(n models.Notification, providerID string) []models.Receipt {
	if providerID == "" {
		providerID = n.Key()
	}
	var receipts []models.Receipt
	for id := range strings.SplitSeq(providerID, ",") {
		receipts = append(receipts, models.Receipt{ProviderID: id, State: models.ReceiptPending})
	}
	return receipts
}

// receipts are what is recorded of a fate, which is that of every part.
func (f Fate) receipts(n models.Notification) []models.Receipt {
	all := awaited(n, cmp.Or(f.ProviderID, n.ProviderID))
	for i := range all {
		r := &all[i]
		r.Channel, r.Code = n.Channel, f.Code
		switch f.State {
		case FateDelivered:
			r.State = models.ReceiptDelivered
		case FateFailed:
			r.State = models.ReceiptFailed
		case FateUnknown, FateNotTaken, FateTaken:
		}
		if !f.At.IsZero() {
			r.At = &f.At
		}
	}
	return all
}
