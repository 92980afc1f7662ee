package notifier

import (
	"context"
	"time"
)

// SMSForm is a message as carriers deliver it: a text that has been approved
// under a signature, with places for facts.
type SMSForm struct {
	TemplateID string // the provider's id of the text, blank where it takes any
	Signature  string // 签名, without 【】; blank is the channel's
	Body       string // the approved text with ${name} places
	Vars       []SMSVar
}

// SMSVar fills a place with one of the facts of [Message.Facts].
type SMSVar struct {
	Name string `json:"name" yaml:"name"` // the provider's, or its position: "1", "2"
	Fact string `json:"fact" yaml:"fact"`
}

// FateState is what is known of a message that may have been handed over.
type FateState int

// The states of a fate.
const (
	FateUnknown   FateState = iota // nothing can be said, now or at all
	FateNotTaken                   // the provider never accepted it: it may be sent
	FateTaken                      // the provider has it
	FateDelivered                  // the person has it
	FateFailed                     // the provider had it, and it will never arrive
)

// Fate is what a provider says about a message.
type Fate struct {
	State      FateState
	ProviderID string
	Code       string // the provider's or the carrier's
	At         time.Time
}

// Careful is a channel whose provider cannot recognise a message that it has
// seen: a repeat is delivered, and paid for, twice. So the dispatcher records
// that it is about to hand a message over, and one whose outcome is unknown is
// asked for and never blindly sent again.
type Careful interface {
	Channel
	// Settle asks what became of a message that was to be handed over at the
	// given time. The id is blank if the provider's answer never came.
	Settle(ctx context.Context, m Message, providerID string, handedAt time.Time) (Fate, error)
	// ReceiptWait is for how long a receipt is waited for after a message was
	// sent; 0 if none will come.
	ReceiptWait() time.Duration
	// Measure returns in how many parts the message goes, and what they cost
	// in thousandths of a 分.
	Measure(m Message) (parts int, cost int64)
}

// Tester is a channel that can be tried out without a person to write to
// (测试): a robot's group, a webhook's receiver.
type Tester interface {
	Test(ctx context.Context) error
}

// Mentioner is a channel into a group that can mention the one whom a message
// concerns by the mobile number.
type Mentioner interface {
	SendTo(ctx context.Context, m Message, mobile string) (providerID string, err error)
}
