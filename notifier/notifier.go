// Package notifier brings messages from the outbox to people.
//
// A message exists once a row of [models.Notification] is committed. From then
// on the [Dispatcher] owns it: it claims due rows under a lease, lets
// [Templates] put the frozen facts into words, hands the [Message] to the
// [Channel] that the row names, and records the outcome. Whoever creates
// messages knows none of this, and whoever sends them creates none.
//
// Delivery is at least once. The one window for a repeat lies between the
// provider's acceptance and our commit: a process that dies there, or a
// connection that breaks before the server's answer, leaves a message that may
// or may not have arrived, and it is sent again. It keeps its Message-ID, so
// that a mail system can drop the copy and a reader can see that it is one.
//
// A failure is judged by what it says about the future, its [Class]: this
// message later, this message never, or this channel not now. The last kind
// opens a circuit breaker, because a mail server that refuses our password
// will do so for the whole outbox, and no message dies of it.
//
// Logs name messages by their ids. Addresses, texts and secrets stay out of
// them, and also out of the stored error.
package notifier

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"duban/models"
)

// Message is what one person is told, in words, ready for any channel.
type Message struct {
	NotificationID int64
	// Key names the message for ever: it is the same at every attempt, and no
	// other message has it. It is safe in a Message-ID and in a file's name.
	Key      string
	Template string          // whose words it has
	Language models.Language // of the words
	Wording  int             // the number of the [models.Wording], 0 for the built-in one
	Name     string          // the recipient's
	Address  string          // e-mail; may be empty, which only some channels mind
	Mobile   string          // likewise
	Subject  string          // one line
	Text     string
	Brief    string // for a group, where Text lists much; blank if Text is short
	HTML     string
	SMS      SMSForm
	Facts    map[string]string // what an SMS form may mention, by name
	Date     time.Time         // when it is sent; zero is now
}

// Channel is one way to reach people. Implementations are safe for concurrent
// use.
type Channel interface {
	// Send hands the message over and returns the provider's id for it once
	// the provider has taken responsibility. Its errors are *SendError.
	Send(ctx context.Context, m Message) (providerID string, err error)
	// Close releases connections. It waits for messages in flight.
	Close() error
}

// Class says what a failure means for what is still to be sent.
type Class int

// The classes of failures.
const (
	// Retry: this message failed, and may succeed later.
	Retry Class = iota
	// Reject: this message will never be accepted as it is.
	Reject
	// Down: nothing can be sent by this channel now. It is not the message's
	// fault, and does not count against it.
	Down
	// Unknown: the message may have been accepted. It is sent again.
	Unknown
)

// String returns the name of the class.
func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Reject:
		return "reject"
	case Down:
		return "down"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("class(%d)", int(c))
}

// SendError is a failure to send. Its text is fit for the database and the
// console: it names no address.
type SendError struct {
	Class  Class
	Code   string // stable English identifier, smtp_rcpt_550
	Detail string // what the other side said, redacted; may be empty
	Local  bool   // found before the other side was asked: it says nothing about the channel
	Err    error  // the cause. It may name addresses: match it, never print it.
}

// Error returns the code and the detail.
func (e *SendError) Error() string {
	if e.Detail == "" {
		return e.Code
	}
	return e.Code + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// maxDetail bounds the detail of an error, in characters.
const maxDetail = 200

var (
	anAddress = regexp.MustCompile(`[^\s<>:,;"'()\[\]]+@[^\s<>:,;"'()\[\]]+`)
	// aNumber is what may be one: many digits, or a mobile's in groups.
	aNumber = regexp.MustCompile(`1[3-9][0-9][ -][0-9]{4}[ -]?[0-9]{4}|1[3-9][0-9]{5}[ -][0-9]{4}|\+?[0-9]{7,}`)
)

// Redacted makes the other side's words fit to be stored: one line, bounded,
// and without the addresses and numbers that servers like to repeat.
func Redacted(s string) string {
	s = anAddress.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "[address]")
	s = oneLine(aNumber.ReplaceAllStringFunc(s, Mask))
	if r := []rune(s); len(r) > maxDetail {
		s = string(r[:maxDetail]) + "…"
	}
	return s
}

// oneLine folds line breaks, control characters and runs of spaces into single
// spaces, so that no name or title can start a header of its own.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}
