package sms

import "context"

// Settle finds out what became of a message whose sending ended without an
// answer. It asks, and never sends.
//
// If the receipt is Accepted, the message must not be sent again. If the error
// is ErrNoRecord, the provider never took it, and it may be. In every other
// case nothing is known yet: ask again later, or, after ErrNotSupported, wait
// for the callback, and in the end let a person decide.
func Settle(ctx context.Context, p Provider, s Sent) (Receipt, error) {
	best := Receipt{ID: s.ID, Key: s.Key, Mobile: s.Mobile, State: Unknown}
	receipts, err := p.Query(ctx, s)
	if err != nil {
		return best, err
	}
	for _, r := range receipts {
		if certainty[r.State] > certainty[best.State] {
			best = r
		}
	}
	return best, nil
}

// certainty orders the receipts of one message. The same message may have been
// taken twice, and then it arrived if one of them did.
var certainty = map[State]int{Unknown: 0, Failed: 1, Pending: 2, Delivered: 3}
