package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"duban/models/calendar"
)

// ChannelState is what all replicas know of a channel.
type ChannelState struct {
	Channel Channel `gorm:"primaryKey"`
	Stamps
	FailingSince *time.Time // nil while it works
	Error        string     // why it fails, without addresses
	SentAt       *time.Time // when it took a message last, to the minute
}

// ChannelStates returns what is known of every channel that was ever used.
func (s *Store) ChannelStates(ctx context.Context) ([]ChannelState, error) {
	var states []ChannelState
	if err := s.Read(ctx).Order("channel").Find(&states).Error; err != nil {
		return nil, fmt.Errorf("read the states of the channels: %w", err)
	}
	return states, nil
}

// maxChannelError is the length of what is kept of a channel's error.
const maxChannelError = 255

// ChannelFails records that a channel does not work, and since when.
func (s *Store) ChannelFails(ctx context.Context, c Channel, cause string) error {
	now := s.now()
	return s.saveChannel(ctx, ChannelState{Channel: c, FailingSince: &now, Error: clip(cause, maxChannelError)}, map[string]any{
		"failing_since": gorm.Expr("COALESCE(failing_since, ?)", now), "error": clip(cause, maxChannelError), "updated_at": now,
	})
}

// ChannelWorks records that a channel has taken a message, and so works.
func (s *Store) ChannelWorks(ctx context.Context, c Channel) error {
	now := s.now()
	return s.saveChannel(ctx, ChannelState{Channel: c, SentAt: &now},
		map[string]any{"failing_since": nil, "error": "", "sent_at": now, "updated_at": now})
}

// ChannelAnswers records that a channel does not fail any more, though it has
// refused the message that found out.
func (s *Store) ChannelAnswers(ctx context.Context, c Channel) error {
	return s.saveChannel(ctx, ChannelState{Channel: c}, map[string]any{"failing_since": nil, "error": "", "updated_at": s.now()})
}

func (s *Store) saveChannel(ctx context.Context, state ChannelState, set map[string]any) error {
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		return tx.db.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "channel"}}, DoUpdates: clause.Assignments(set),
		}).Create(&state).Error
	})
	if err != nil {
		return fmt.Errorf("record the state of channel %s: %w", state.Channel, err)
	}
	return nil
}

// Quota bounds what one channel is given to send, over all replicas. Zero is
// no limit.
type Quota struct {
	PerNumberMinute int // to one person, in any minute
	PerNumberHour   int // in any hour
	PerNumberDay    int // in a day of Shanghai (自然日), as providers count
	PerSecond       int // to everybody, in any second
	PerMinute       int // to everybody, in any minute
}

// channelUse is one message that counts against a quota.
type channelUse struct {
	ID int64
	Stamps
	Channel Channel
	Who     string
}

// TakeQuota counts one message to a person and returns the use, or counts
// nothing and returns how long the message has to wait. Replicas take turns.
func (s *Store) TakeQuota(ctx context.Context, c Channel, recipient int64, q Quota) (use int64, wait time.Duration, err error) {
	err = s.Tx(ctx, "system", func(tx *Tx) error {
		if err := tx.lock("quota " + string(c)); err != nil {
			return err
		}
		now, who := tx.store.now(), strconv.FormatInt(recipient, 10)
		all, err := tx.uses(now.Add(-time.Minute), "channel = ?", c)
		if err != nil {
			return err
		}
		theirs, err := tx.uses(oldestUse(now), "channel = ? AND who = ?", c, who)
		if err != nil {
			return err
		}
		wait = max(
			sliding(all, q.PerSecond, time.Second, now), sliding(all, q.PerMinute, time.Minute, now),
			sliding(theirs, q.PerNumberMinute, time.Minute, now), sliding(theirs, q.PerNumberHour, time.Hour, now),
			daily(theirs, q.PerNumberDay, now),
		)
		if wait > 0 {
			return nil
		}
		// What no limit looks at any more goes when its person is written to again.
		old := tx.db.Where("channel = ? AND who = ? AND created_at < ?", c, who, now.Add(-48*time.Hour)).Delete(&channelUse{})
		if old.Error != nil {
			return old.Error
		}
		row := channelUse{Channel: c, Who: who}
		err = tx.db.Create(&row).Error
		use = row.ID
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count a message by %s: %w", c, err)
	}
	return use, wait, nil
}

// ReturnQuota takes a use back, because the channel did not take the message.
func (s *Store) ReturnQuota(ctx context.Context, use int64) error {
	err := s.Tx(ctx, "system", func(tx *Tx) error { return tx.db.Delete(&channelUse{ID: use}).Error })
	if err != nil {
		return fmt.Errorf("take back the count of a message: %w", err)
	}
	return nil
}

// uses returns when messages went, from a moment on, in order.
func (tx *Tx) uses(from time.Time, condition string, args ...any) ([]time.Time, error) {
	var times []time.Time
	err := tx.db.Model(&channelUse{}).Where(condition, args...).Where("created_at >= ?", from).
		Order("created_at").Pluck("created_at", &times).Error
	return times, err
}

// sliding returns how long until fewer than n of the times lie in a window of
// length d that ends then.
func sliding(times []time.Time, n int, d time.Duration, now time.Time) time.Duration {
	if n <= 0 || len(times) < n {
		return 0
	}
	return max(0, times[len(times)-n].Add(d).Sub(now))
}

// daily returns how long until midnight in Shanghai, if n of the times are of
// today.
func daily(times []time.Time, n int, now time.Time) time.Duration {
	today := calendar.DateOf(now)
	from, _ := slices.BinarySearchFunc(times, today.At(0, 0), time.Time.Compare)
	if n <= 0 || len(times)-from < n {
		return 0
	}
	return today.AddDays(1).At(0, 0).Sub(now)
}

// oldestUse is the earliest moment that a limit for one person looks at.
func oldestUse(now time.Time) time.Time {
	hour := now.Add(-time.Hour)
	if midnight := calendar.DateOf(now).At(0, 0); midnight.Before(hour) {
		return stored(midnight)
	}
	return hour
}

// lockName is a row of the table locks.
type lockName struct {
	Name string `gorm:"primaryKey"`
}

// TableName names the table.
func (lockName) TableName() string { return "locks" }

// lock lets only one transaction at a time go on that locks the same name. An
// embedded database has one writer anyway.
func (tx *Tx) lock(name string) error {
	take := func() error {
		return tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Where("name = ?", name).Take(&lockName{}).Error
	}
	err := take()
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	if _, err := tx.createMissing(&lockName{name}); err != nil {
		return err
	}
	return take()
}
