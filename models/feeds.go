package models

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm/clause"
)

// CalendarFeed lets a calendar program read due dates without logging in
// (日历订阅): those of a person, or those of a unit that the person may see. Its
// token is the only proof, so only its hash is stored.
type CalendarFeed struct {
	ID int64
	Stamps
	UserID    int64
	UnitID    int64 // 0: the person's own duties
	TokenHash string
	RevokedAt *time.Time
	UsedAt    *time.Time // when it was read last, to the hour
}

// MaxFeeds is how many feeds of one person are in force at most.
const MaxFeeds = 10

// ErrTooManyFeeds means that a person has as many feeds as may be.
var ErrTooManyFeeds = errors.New("日历订阅过多")

// feedToken returns 256 random bits, as a part of a URL that survives being
// read out and typed.
func feedToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// AddFeed makes a feed for a person, and returns its token, which nobody can
// read again. It returns ErrTooManyFeeds if they have too many.
func (tx *Tx) AddFeed(userID, unitID int64) (token string, err error) {
	var owner User // locked, so that two at once cannot both be the last
	if err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&owner, userID).Error; err != nil {
		return "", notFound(err, "人员", userID)
	}
	var have int64
	err = tx.db.Model(&CalendarFeed{}).Where("user_id = ? AND revoked_at IS NULL", userID).Count(&have).Error
	if err != nil {
		return "", fmt.Errorf("count calendar feeds: %w", err)
	}
	if have >= MaxFeeds {
		return "", ErrTooManyFeeds
	}
	token = feedToken()
	f := CalendarFeed{UserID: userID, UnitID: unitID, TokenHash: hashToken(token)}
	if err := tx.Create(&f); err != nil {
		return "", err
	}
	return token, tx.Audit("feed.added", "calendar_feeds", f.ID, map[string]any{"user": userID, "unit": unitID})
}

// RevokeFeed makes a person's feed worthless, or returns ErrNotFound if it is
// not theirs or not in force.
func (tx *Tx) RevokeFeed(id, userID int64) error {
	now := tx.store.now()
	res := tx.db.Model(&CalendarFeed{}).Where("id = ? AND user_id = ? AND revoked_at IS NULL", id, userID).
		UpdateColumns(map[string]any{"revoked_at": now, "updated_at": now})
	if res.Error != nil {
		return fmt.Errorf("revoke calendar feed %d: %w", id, res.Error)
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("calendar feed %d: %w", id, ErrNotFound)
	}
	return tx.Audit("feed.revoked", "calendar_feeds", id, map[string]any{"user": userID})
}

// FeedRow is a feed with the name of its unit, "" for a person's own.
type FeedRow struct {
	CalendarFeed
	UnitName string
}

// FeedsOf returns the feeds of a person that are in force, the latest first.
func (s *Store) FeedsOf(ctx context.Context, userID int64) ([]FeedRow, error) {
	var feeds []FeedRow
	err := s.Read(ctx).Table("calendar_feeds f").Joins("LEFT JOIN units u ON u.id = f.unit_id").
		Select("f.*, COALESCE(u.name, '') AS unit_name").
		Where("f.user_id = ? AND f.revoked_at IS NULL", userID).Order("f.id DESC").Limit(MaxFeeds).Scan(&feeds).Error
	if err != nil {
		return nil, fmt.Errorf("read calendar feeds: %w", err)
	}
	return feeds, nil
}

// FeedByToken returns the feed with the token and whose it is. A feed that was
// revoked, and one of a person who is not active, is none.
func (s *Store) FeedByToken(ctx context.Context, token string) (f CalendarFeed, owner User, ok bool, err error) {
	res := s.Read(ctx).Where("token_hash = ? AND revoked_at IS NULL", hashToken(token)).Limit(1).Find(&f)
	if res.Error == nil && res.RowsAffected > 0 {
		res = s.Read(ctx).Where("id = ? AND active = ?", f.UserID, true).Limit(1).Find(&owner)
	}
	if res.Error != nil {
		return f, owner, false, fmt.Errorf("read a calendar feed: %w", res.Error)
	}
	return f, owner, res.RowsAffected > 0, nil
}

// usedEvery is how exactly it is recorded when a feed was read.
const usedEvery = time.Hour

// FeedUsed records that a feed was read, unless that was recorded within the
// hour. It changes nothing that anybody decides by, so it is not audited.
func (s *Store) FeedUsed(ctx context.Context, f CalendarFeed) error {
	now := s.now()
	if f.UsedAt != nil && now.Sub(*f.UsedAt) < usedEvery {
		return nil
	}
	return s.Tx(ctx, "system", func(tx *Tx) error {
		return tx.db.Model(&CalendarFeed{}).Where("id = ?", f.ID).UpdateColumn("used_at", now).Error
	})
}
