package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"duban/models/calendar"
)

// The queries of this file are what an audit of the reminders reads beside the
// Past: which duties to look at, which sweeps there were, and the outbox.

// proofColumns are what proves a message, without its words.
var proofColumns = []string{
	"id", "created_at", "updated_at", "dedup_key", "obligation_id", "instance_id", "recipient_id", "channel", "urgency", "route", "fallback_of", "digest_id",
	"silence_id", "day", "template", "state", "reason", "attempts", "next_attempt_at", "sent_at", "delivered_at", "last_error",
}

// EachReminded calls fn with batches of the duties of which something may have
// been due to be said from a day on: those that are due, or first were, up to
// horizon, and that were not done with before that day.
func (s *Store) EachReminded(ctx context.Context, from, horizon calendar.Date, fn func([]Obligation) error) error {
	for after := int64(0); ; {
		var batch []Obligation
		err := s.Read(ctx).Where("id > ? AND (due_on <= ? OR first_due_on <= ?)", after, horizon, horizon).
			Where("settled_on IS NULL OR checked_on IS NULL OR checked_on >= ?", from).
			Where("state <> ? OR updated_at >= ?", StateWaived, from.At(0, 0).UTC()).
			Order("id").Limit(insertChunk).Find(&batch).Error
		if err != nil {
			return fmt.Errorf("read obligations: %w", err)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := fn(batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].ID
	}
}

// ObligationsByID returns the duties with the given ids, in the order of their
// ids; those that do not exist are missing.
func (s *Store) ObligationsByID(ctx context.Context, ids []int64) ([]Obligation, error) {
	var all []Obligation
	for chunk := range slices.Chunk(ids, insertChunk) {
		var batch []Obligation
		if err := s.Read(ctx).Where("id IN ?", chunk).Order("id").Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read obligations: %w", err)
		}
		all = append(all, batch...)
	}
	return all, nil
}

// RunsCovering returns the runs of a job, other than those that were skipped,
// that started in a period, and those since the last one before it that was
// done, in the order in which they started.
func (s *Store) RunsCovering(ctx context.Context, job string, from, to time.Time) ([]JobRun, error) {
	begin := from
	var last JobRun
	res := s.Read(ctx).Where("job = ? AND state = ? AND started_at < ?", job, RunDone, from.UTC()).Order("started_at DESC").Limit(1).Find(&last)
	if res.Error != nil {
		return nil, fmt.Errorf("read the runs of %s: %w", job, res.Error)
	}
	if res.RowsAffected > 0 {
		begin = *last.StartedAt
	}
	var runs []JobRun
	err := s.Read(ctx).Where("job = ? AND state <> ? AND started_at >= ? AND started_at < ?", job, RunSkipped, begin.UTC(), to.UTC()).
		Order("started_at, id").Find(&runs).Error
	if err != nil {
		return nil, fmt.Errorf("read the runs of %s: %w", job, err)
	}
	return runs, nil
}

// LastDone returns the last run of a job that was done.
func (s *Store) LastDone(ctx context.Context, job string) (run JobRun, ok bool, err error) {
	res := s.Read(ctx).Where("job = ? AND state = ?", job, RunDone).Order("started_at DESC").Limit(1).Find(&run)
	if res.Error != nil {
		return run, false, fmt.Errorf("read the runs of %s: %w", job, res.Error)
	}
	return run, res.RowsAffected > 0, nil
}

// RemindersSaid returns the reminders about duties, without their words, that
// were due to be said from a day on.
func (s *Store) RemindersSaid(ctx context.Context, duties []int64, from calendar.Date) ([]Notification, error) {
	return s.proofs(ctx, "obligation_id IN ? AND instance_id = 0 AND day >= ?", duties, from)
}

// RequestsMade returns the messages, without their words, that tell people of
// tasks in the given instances, by the names of their templates.
func (s *Store) RequestsMade(ctx context.Context, instances []int64, templates []string) ([]Notification, error) {
	return s.proofs(ctx, "instance_id IN ? AND template IN ?", instances, templates)
}

// StandIns returns the messages that stand in for the given ones (降级发送).
func (s *Store) StandIns(ctx context.Context, ids []int64) ([]Notification, error) {
	return s.proofs(ctx, "fallback_of IN ?", ids)
}

// MessagesByID returns messages without their words.
func (s *Store) MessagesByID(ctx context.Context, ids []int64) ([]Notification, error) {
	return s.proofs(ctx, "id IN ?", ids)
}

func (s *Store) proofs(ctx context.Context, condition string, ids []int64, more ...any) ([]Notification, error) {
	var all []Notification
	for chunk := range slices.Chunk(ids, insertChunk) {
		var batch []Notification
		err := s.Read(ctx).Select(proofColumns).Where(condition, append([]any{chunk}, more...)...).Order("id").Find(&batch).Error
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		all = append(all, batch...)
	}
	return all, nil
}

// SilencesByID returns the silences with the given ids.
func (s *Store) SilencesByID(ctx context.Context, ids []int64) (map[int64]Silence, error) {
	found := make(map[int64]Silence, len(ids))
	for chunk := range slices.Chunk(ids, insertChunk) {
		var batch []Silence
		if err := s.Read(ctx).Where("id IN ?", chunk).Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read silences: %w", err)
		}
		for _, si := range batch {
			found[si.ID] = si
		}
	}
	return found, nil
}

// EachOpenTask calls fn with batches of the open tasks of running workflows
// that nobody has touched since a moment, with the duties that they are about.
func (s *Store) EachOpenTask(ctx context.Context, before time.Time, fn func([]OpenTask) error) error {
	for after := int64(0); ; {
		var batch []OpenTask
		err := s.Read(ctx).Table("workflow_tasks t").Joins("JOIN workflow_instances i ON i.id = t.instance_id").
			Select("t.*, i.obligation_id, i.title").
			Where("t.id > ? AND t.state = 'open' AND i.outcome = '' AND t.touched_at < ?", after, before).
			Order("t.id").Limit(insertChunk).Scan(&batch).Error
		if err != nil {
			return fmt.Errorf("read open tasks: %w", err)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := fn(batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].ID
	}
}

// OpenTask is an open task with the duty that its workflow is about.
type OpenTask struct {
	WorkflowTask
	ObligationID int64
	Title        string
}
