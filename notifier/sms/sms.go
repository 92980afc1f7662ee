// Package sms sends text messages (短信) to mainland numbers through Aliyun,
// Tencent, Huawei, or any gateway that takes HTTP requests, Kannel among them.
//
// Three facts of the trade shape it. The text of a message is not ours to
// choose: carriers deliver only what fits an approved template (模板) under an
// approved signature (签名), so a [Message] is a template and its values. A
// message costs money by its length, so [Count] and [Cost] say how much before
// it is sent. And none of the providers can recognise a message that it has
// already taken: sending again after a timeout may deliver, and bill, twice.
//
// So a [Provider] is asked to send once. If its answer is lost, the error is
// of class Unknown, and [Settle] asks what became of the message. Only
// [ErrNoRecord] says that it may be sent again.
//
// Numbers and texts stay out of errors and logs; see [notifier.Mask].
package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"duban/notifier"
)

// Kind names a provider, in the configuration and in stored records.
type Kind string

// The kinds of providers. A gateway that is not Kannel reports as Kannel does,
// or not at all.
const (
	KindAliyun  Kind = "aliyun"  // 阿里云短信服务
	KindTencent Kind = "tencent" // 腾讯云短信
	KindHuawei  Kind = "huawei"  // 华为云消息&短信
	KindKannel  Kind = "kannel"
)

// Template is a text that the provider has approved for a signature.
type Template struct {
	Name string // of ours whose words it has
	notifier.SMSForm
}

// Message is one text for one person.
type Message struct {
	// Key names the message for ever, to us and to the provider, which returns
	// it with receipts. It consists of letters, digits, ".", "_" and "-".
	Key      string
	Mobile   string // in any form that notifier.ParseMobile takes
	Template Template
	Facts    map[string]string // for the template's places
}

// Sent identifies a message whose fate is asked for. ID is blank if the
// provider's answer never came.
type Sent struct {
	ID, Key, Mobile string
	Date            time.Time
}

// State is what is known of a message's delivery.
type State string

// The states of a message.
const (
	Delivered State = "delivered" // the phone has it
	Failed    State = "failed"    // it never will
	Pending   State = "pending"   // the provider has it
	Unknown   State = "unknown"
)

// Receipt (回执) is what a provider says about one message. It names the
// message by ID, by Key, or by both.
type Receipt struct {
	ID, Key string
	Mobile  string // eleven digits; may be blank
	State   State
	Code    string    // the provider's or the carrier's: DELIVRD, MK:0001
	At      time.Time // zero if the provider does not say
	// Part and Parts number the pieces of a long message where each has a
	// receipt of its own. They are 0 where the message has one as a whole.
	Part, Parts int
}

// Accepted reports whether the provider is known to have taken the message:
// it must not be sent again.
func (r Receipt) Accepted() bool { return r.ID != "" || r.State != Unknown }

// Provider sends messages. Implementations are safe for concurrent use.
type Provider interface {
	// Send hands the message over, once, and returns the provider's id for it,
	// which is blank where the provider gives none. Its errors are
	// *notifier.SendError.
	Send(ctx context.Context, m Message) (id string, err error)
	// Query asks for the receipts of a message. None and no error means that
	// nothing can be said yet. See ErrNoRecord and ErrNotSupported.
	Query(ctx context.Context, s Sent) ([]Receipt, error)
}

// Errors of Query.
var (
	// ErrNotSupported means that this provider reports by callback only.
	ErrNotSupported = errors.New("该短信服务商不支持查询回执，只能等待其推送")
	// ErrNoRecord means that the provider lists the messages that it took, and
	// this one is not among them: it was never accepted.
	ErrNoRecord = errors.New("短信服务商没有这条短信的记录")
)

// beijing is the zone of the providers' calendars and clocks.
var beijing = time.FixedZone("CST", 8*60*60)

// String and LogValue keep the number and the facts out of logs and errors.

// String names the message by its key.
func (m Message) String() string {
	return fmt.Sprintf("sms %s to %s, template %s", m.Key, notifier.Mask(m.Mobile), m.Template.Name)
}

// LogValue is String, for slog.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.String()) }

// String names the message by its key and id.
func (s Sent) String() string {
	return fmt.Sprintf("sms %s (%s) to %s", s.Key, s.ID, notifier.Mask(s.Mobile))
}

// LogValue is String, for slog.
func (s Sent) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String names the message and its state.
func (r Receipt) String() string {
	return fmt.Sprintf("sms %s (%s) to %s: %s %s", r.Key, r.ID, notifier.Mask(r.Mobile), r.State, r.Code)
}

// LogValue is String, for slog.
func (r Receipt) LogValue() slog.Value { return slog.StringValue(r.String()) }
