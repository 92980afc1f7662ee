package models

import "time"

// ReceiptState is what a provider says about a part of a message.
type ReceiptState string

// The states of a receipt.
const (
	ReceiptPending   ReceiptState = "pending"
	ReceiptDelivered ReceiptState = "delivered"
	ReceiptFailed    ReceiptState = "failed"
)

// Receipt (回执) is what became of a message, or of one part of a long one,
// that a provider knows by an id of its own. It may come before that id is on
// record.
type Receipt struct {
	ID int64
	Stamps
	Channel        Channel
	ProviderID     string
	NotificationID int64 // 0 while nobody knows which
	State          ReceiptState
	Code           string // DELIVRD, MK:0001
	At             *time.Time
}
