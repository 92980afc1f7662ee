package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"duban/models/calendar"
)

// RunsBetween returns the runs of a job that were scheduled from a moment on
// and before another, in order.
func (s *Store) RunsBetween(ctx context.Context, job string, from, to time.Time) ([]JobRun, error) {
	var runs []JobRun
	err := s.Read(ctx).Where("job = ? AND scheduled_at >= ? AND scheduled_at < ?", job, stored(from), stored(to)).
		Order("scheduled_at").Find(&runs).Error
	if err != nil {
		return nil, fmt.Errorf("read the runs of %s: %w", job, err)
	}
	return runs, nil
}

// Backlog is what one channel has not got rid of.
type Backlog struct {
	Channel Channel
	Count   int
	Since   time.Time // of the oldest message
}

// LateMessages returns, by channel, the messages that have been due since
// before a moment and are not on their way, or that have failed since then.
// What waits on purpose, for the end of quiet hours, is not due.
func (s *Store) LateMessages(ctx context.Context, before time.Time) ([]Backlog, error) {
	// One that failed is due again and again, each time a little later; one
	// that somebody waits for is dated back.
	since := age{"COALESCE(failing_since, CASE WHEN urgency = 'instant' THEN created_at ELSE next_attempt_at END)", func(n Notification) time.Time {
		if n.Urgency == Instant {
			return or(n.FailingSince, n.CreatedAt)
		}
		return or(n.FailingSince, n.NextAttemptAt)
	}}
	return s.backlogs(ctx, since, before,
		"state IN ('pending', 'failed', 'sending', 'unknown') AND (state <> 'pending' OR next_attempt_at <= ?)", s.now())
}

// UnsettledMessages returns, by channel, the messages that were handed over
// before a moment, of which nobody knows since whether they arrived.
func (s *Store) UnsettledMessages(ctx context.Context, before time.Time) ([]Backlog, error) {
	since := age{"COALESCE(handed_at, updated_at)", func(n Notification) time.Time { return or(n.HandedAt, n.UpdatedAt) }}
	return s.backlogs(ctx, since, before, "state = 'unknown'")
}

// DeadMessages returns, by channel, the messages that were given up after a
// moment and up to another, but for those with a template: an alarm about a
// lost alarm helps nobody.
func (s *Store) DeadMessages(ctx context.Context, after, until time.Time, except string) ([]Backlog, error) {
	since := age{"updated_at", func(n Notification) time.Time { return n.UpdatedAt }}
	return s.backlogs(ctx, since, until, "state = 'dead' AND updated_at > ? AND template <> ?", stored(after), except)
}

// age is since when a message is in its state: in SQL, and of a row, because
// SQLite does not know the type of what is computed.
type age struct {
	sql string
	of  func(Notification) time.Time
}

// backlogs counts by channel the messages that meet a condition since before a
// moment.
func (s *Store) backlogs(ctx context.Context, since age, before time.Time, condition string, args ...any) ([]Backlog, error) {
	meeting := func() *gorm.DB {
		return s.Read(ctx).Model(&Notification{}).Where(condition, args...).Where(since.sql+" <= ?", stored(before))
	}
	var list []Backlog
	if err := meeting().Select("channel, COUNT(*) AS count").Group("channel").Order("channel").Scan(&list).Error; err != nil {
		return nil, fmt.Errorf("count messages by channel: %w", err)
	}
	for i := range list {
		var oldest Notification
		err := meeting().Select("failing_since", "next_attempt_at", "handed_at", "created_at", "updated_at", "urgency").
			Where("channel = ?", list[i].Channel).Order(since.sql).Limit(1).Find(&oldest).Error
		if err != nil {
			return nil, fmt.Errorf("read the oldest message: %w", err)
		}
		list[i].Since = since.of(oldest)
	}
	return list, nil
}

// Messages returns the messages whose dedup key begins with the prefix and
// that were due to be said on or after a day, in the order of their ids.
func (tx *Tx) Messages(prefix string, day calendar.Date) ([]Notification, error) {
	var list []Notification
	err := tx.db.Where("day >= ? AND dedup_key >= ? AND dedup_key < ?", day, prefix, prefix+"~").Order("id").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read messages %s: %w", prefix, err)
	}
	return list, nil
}
