package models

import (
	"time"

	"duban/models/calendar"
)

// Channel is a way in which a message reaches a person.
type Channel string

// The channels.
const (
	ChannelEmail Channel = "email"
	ChannelFile  Channel = "file" // one file a message, until SMTP is configured
)

// NotificationState is the state of a message in the outbox.
type NotificationState string

// The states of a message. Pending and failed ones are due again at
// NextAttemptAt; a sending one whose lease has run out is due as well.
const (
	NotificationPending    NotificationState = "pending"
	NotificationSending    NotificationState = "sending"
	NotificationSent       NotificationState = "sent"
	NotificationFailed     NotificationState = "failed" // will be tried again
	NotificationDead       NotificationState = "dead"   // given up; an administrator may resend
	NotificationSuppressed NotificationState = "suppressed"
)

// Reasons for which a message that was due is not sent.
const (
	SuppressedStale       = "stale"        // a more urgent one about the same duty goes out
	SuppressedNoRecipient = "no_recipient" // nobody holds the role, or nobody is named
	SuppressedNoAddress   = "no_address"   // the person has no address for the channel
)

// Notification is one message to one person by one channel (the outbox).
type Notification struct {
	ID int64
	Stamps
	// DedupKey is unique: obligation|rule|due date|offset|recipient|channel, or
	// workflow|instance|sequence|template|task|recipient|channel.
	DedupKey     string
	ObligationID int64
	InstanceID   int64 // of the workflow that speaks, 0 for a reminder
	RecipientID  int64 // 0 only when suppressed for want of a recipient
	Channel      Channel
	Day          calendar.Date // the day on which it was due to be said
	Template     string        // reminder_before, reminder_overdue, ...
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
	ProviderID string // the Message-ID, or the file's name
	SentAt     *time.Time
	LastError  string
}
