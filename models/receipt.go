package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// ReceiptState is what a provider says about a part of a message.
type ReceiptState string

// The states of a receipt.
const (
	ReceiptPending   ReceiptState = "pending"
	ReceiptDelivered ReceiptState = "delivered"
	ReceiptFailed    ReceiptState = "failed"
)

// certainty orders what is said about one part: the same message may have been
// taken twice, and then it arrived if one of them did.
func (r ReceiptState) certainty() int {
	return slices.Index([]ReceiptState{ReceiptPending, ReceiptFailed, ReceiptDelivered}, r)
}

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

	// Part and Parts number a part that has a receipt of its own, but only the
	// message's id. They are 0 where the id is the part's, or there is but one.
	Part  int `gorm:"-"`
	Parts int `gorm:"-"`
}

// maxReceiptCode is the length of what is kept of a provider's code.
const maxReceiptCode = 64

// maxReceiptID is the length of the longest id that is kept, in bytes.
const maxReceiptID = 190

// maxParts bounds into how many parts a provider may say that a message went.
const maxParts = 64

// keepParts stores what is known of a part, and that the others of its message
// are awaited: without them, it would be taken for the whole.
func (tx *Tx) keepParts(r Receipt) (notificationID int64, err error) {
	if r.Parts < 2 || r.Parts > maxParts || r.Part < 1 || r.Part > r.Parts {
		return tx.keepReceipt(r)
	}
	message := r.ProviderID
	for part := 1; part <= r.Parts; part++ {
		one := r
		if one.ProviderID = message; part > 1 { // the first has the message's id, by which it is awaited
			one.ProviderID += "/" + strconv.Itoa(part)
		}
		if part != r.Part {
			one.State, one.Code, one.At = ReceiptPending, "", nil
		}
		id, err := tx.keepReceipt(one)
		if err != nil {
			return 0, err
		}
		r.NotificationID = cmp.Or(r.NotificationID, id)
	}
	return r.NotificationID, nil
}

// keepReceipt stores what is known of one part, and returns the message that
// the part belongs to, 0 if that is not known.
func (tx *Tx) keepReceipt(r Receipt) (notificationID int64, err error) {
	r.Code = clip(strings.ToValidUTF8(r.Code, "\uFFFD"), maxReceiptCode)
	var have Receipt
	err = tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Where("channel = ? AND provider_id = ?", r.Channel, r.ProviderID).Take(&have).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		n, err := tx.createMissing(&r)
		if err == nil && n == 0 { // another one came at the same moment
			err = ErrConflict
		}
		return r.NotificationID, err
	}
	if err != nil {
		return 0, err
	}
	if have.NotificationID == 0 {
		have.NotificationID = r.NotificationID
	}
	if r.State.certainty() > have.State.certainty() {
		have.State, have.Code, have.At = r.State, r.Code, r.At
	}
	return have.NotificationID, tx.db.Save(&have).Error
}

// ReceiptsOf returns what providers have said about a message.
func (s *Store) ReceiptsOf(ctx context.Context, notification int64) ([]Receipt, error) {
	return receiptsOf(s.Read(ctx), notification)
}

func receiptsOf(db *gorm.DB, notification int64) ([]Receipt, error) {
	var receipts []Receipt
	if err := db.Where("notification_id = ?", notification).Order("id").Find(&receipts).Error; err != nil {
		return nil, fmt.Errorf("read the receipts of message %d: %w", notification, err)
	}
	return receipts, nil
}
