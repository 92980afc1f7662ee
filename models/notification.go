package models

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"duban/models/calendar"
)

// Channel is a way in which a message reaches a person.
type Channel string

// The channels.
const (
	ChannelEmail    Channel = "email"
	ChannelSMS      Channel = "sms" // 短信, by any provider
	ChannelWeCom    Channel = "wecom"
	ChannelDingTalk Channel = "dingtalk"
	ChannelFeishu   Channel = "feishu"
	ChannelWebhook  Channel = "webhook"
	ChannelFile     Channel = "file" // one file a message, until another is configured
)

// Channels lists every channel.
var Channels = []Channel{ChannelEmail, ChannelSMS, ChannelWeCom, ChannelDingTalk, ChannelFeishu, ChannelWebhook, ChannelFile}

// Public reports whether others than the recipient read what the channel
// carries: a group's robot speaks to the group, and a webhook to a program. A
// code or a signed link must not go there.
func (c Channel) Public() bool {
	switch c {
	case ChannelEmail, ChannelSMS, ChannelFile:
		return false
	case ChannelWeCom, ChannelDingTalk, ChannelFeishu, ChannelWebhook:
	}
	return true
}

// NotificationState is the state of a message in the outbox.
type NotificationState string

// The states of a message. Pending, failed and unknown ones are due again at
// NextAttemptAt; a sending one whose lease has run out is due as well.
const (
	NotificationHeld       NotificationState = "held" // waits to be told in a digest
	NotificationPending    NotificationState = "pending"
	NotificationSending    NotificationState = "sending"
	NotificationSent       NotificationState = "sent"
	NotificationDelivered  NotificationState = "delivered" // the provider has a receipt
	NotificationFailed     NotificationState = "failed"    // will be tried again
	NotificationUnknown    NotificationState = "unknown"   // may have been sent; it is asked, not sent again
	NotificationDead       NotificationState = "dead"      // given up; an administrator may resend
	NotificationSuppressed NotificationState = "suppressed"
)

// Reasons for which a message that was due is not sent, or waits. The first
// five are found when it is created, the others when its turn comes.
const (
	SuppressedStale       = "stale"        // a more urgent one about the same duty goes out
	SuppressedNoRecipient = "no_recipient" // nobody holds the role, or nobody is named
	SuppressedNoAddress   = "no_address"   // the person has no address for any channel
	SuppressedDigest      = "digest"       // a digest tells it, see DigestID
	SuppressedFellBack    = "fell_back"    // another channel took over, see Notification.FallbackOf

	SuppressedSettled  = "settled"  // the duty was fulfilled meanwhile, or the decision taken
	SuppressedSilenced = "silenced" // 静默, see SilenceID
	SuppressedMuted    = "muted"    // the project is muted, see SilenceID
	SuppressedExpired  = "expired"  // the code in it is of no use any more

	WaitsQuiet        = "quiet_hours"  // pending until the person's quiet hours are over
	WaitsMaintenance  = "maintenance"  // pending until the maintenance window is over
	WaitsAcknowledged = "acknowledged" // pending until the pause is over that somebody asked for by 已阅
	WaitsLimit        = "limit"        // pending until a limit permits it

	// NoReceipt marks a sent or unknown message that no receipt came for in time.
	NoReceipt = "no_receipt"
)

// Notification is one message to one person by one channel (the outbox).
type Notification struct {
	ID int64
	Stamps
	// DedupKey is unique: obligation|rule|due date|offset|recipient|channel, or
	// workflow|instance|sequence|template|task|recipient|channel. What comes
	// before the channel is said to a person once, whichever channel comes first
	// for them, see Enqueue.
	DedupKey     string
	ObligationID int64
	InstanceID   int64 // of the workflow that speaks, 0 for a reminder
	RecipientID  int64 // 0 only when suppressed for want of a recipient
	Channel      Channel
	Urgency      Urgency
	Route        []Channel     `gorm:"serializer:json"` // the channels to fall back on, in order
	FallbackOf   int64         // the message that this one stands in for
	DigestID     int64         // the digest that tells this one
	SilenceID    int64         // the silence because of which it is not sent
	Day          calendar.Date // the day on which it was due to be said
	Template     string        // reminder_before, reminder_overdue, ...
	Wording      int           // the number of the Wording that was sent, 0 for the built-in one
	Language     Language
	Payload      Reminder `gorm:"serializer:json"` // the facts, frozen when it was created

	State         NotificationState
	Reason        string
	Attempts      int
	NextAttemptAt time.Time
	LeaseToken    string
	LeaseUntil    *time.Time
	// Uncertain counts the attempts whose outcome was never recorded, because
	// the sender died between the server's acceptance and its own commit:
	// each may have sent the message.
	Uncertain  int
	ProviderID string // the Message-ID, the provider's id, or the file's name
	SentAt     *time.Time
	LastError  string

	// FailingSince is when the attempts began to fail, by which it falls back.
	FailingSince *time.Time
	// HandedAt is when the message was about to be handed to a provider that
	// cannot recognise a repeat. While it is set, the message is not sent
	// before its fate is known.
	HandedAt *time.Time
	// ReceiptDueAt is when to ask for the receipt that a sent message awaits;
	// nil if none is awaited.
	ReceiptDueAt *time.Time
	ReceiptCode  string // the provider's or the carrier's, DELIVRD
	DeliveredAt  *time.Time
	Parts        int   // 短信计费条数
	Cost         int64 // its price as estimated, in thousandths of a 分

	// Behind is set when the message is claimed: what became of an earlier one
	// to the same person, before which this one must not be sent. It is nil if
	// there is none.
	Behind *Outcome `gorm:"-" json:"-"`
}

// about is the dedup key without the channel: what is said to a person once.
// It is blank if the key does not end in the channel.
func (n Notification) about() string {
	key := strings.TrimSuffix(n.DedupKey, "|"+SuppressedNoAddress)
	about, ok := strings.CutSuffix(key, "|"+string(n.Channel))
	if !ok {
		return ""
	}
	return about
}

// Key names the message for ever, to us and to providers: it is the same at
// every attempt, and no other message has it. The id alone would name another
// message after the database was set up anew; the hash does not. It is safe in
// a Message-ID, in a URL and in a file's name.
func (n Notification) Key() string {
	sum := sha256.Sum256([]byte(n.DedupKey))
	return fmt.Sprintf("%d-%s", n.ID, hex.EncodeToString(sum[:8]))
}

// keyID returns the id of the message that a key may name, or 0.
func keyID(key string) int64 {
	id, _, _ := strings.Cut(key, "-")
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
