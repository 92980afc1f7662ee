package models

import (
	"context"
	"fmt"
	"time"
)

// timerDue is the condition under which a timer may be claimed. Its parameters
// are the program's time and the time by which leases are judged.
const timerDue = "state = 'pending' AND fire_at <= ? AND (lease_until IS NULL OR lease_until < ?)"

// ClaimTimers takes up to limit timers whose time has come for the holder of
// token, which must be new for each call: of several replicas that see the
// same timer one gets it, and if that one dies another does when the lease has
// run out. They come back in the order in which they were due, with this
// attempt counted.
func (s *Store) ClaimTimers(ctx context.Context, token string, limit int, lease time.Duration) ([]WorkflowTimer, error) {
	var claimed []WorkflowTimer
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		claimed = nil
		leaseNow, err := s.leaseNow(ctx, tx.db)
		if err != nil {
			return err
		}
		now := s.now()
		var ids []int64
		err = tx.db.Model(&WorkflowTimer{}).Where(timerDue, now, leaseNow).Order("fire_at, id").Limit(limit).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		err = tx.db.Exec("UPDATE workflow_timers SET attempts = attempts + 1, lease_token = ?, lease_until = ?, updated_at = ? WHERE id IN ? AND "+timerDue,
			token, stored(leaseNow.Add(lease)), now, ids, now, leaseNow).Error
		if err != nil {
			return err
		}
		return tx.db.Where("lease_token = ?", token).Order("fire_at, id").Find(&claimed).Error
	})
	if err != nil {
		return nil, fmt.Errorf("claim timers: %w", err)
	}
	return claimed, nil
}

// PostponeTimer puts a timer back that could not be fired, until a time, or
// for good if state is TimerDead. The timer of another holder stays as it is.
func (s *Store) PostponeTimer(ctx context.Context, t WorkflowTimer, state TimerState, until time.Time, cause error) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		res := tx.db.Model(&WorkflowTimer{}).Where("id = ? AND lease_token = ?", t.ID, t.LeaseToken).UpdateColumns(map[string]any{
			"state": state, "fire_at": stored(until), "last_error": clipText(cause.Error()),
			"lease_token": "", "lease_until": nil, "updated_at": tx.store.now(),
		})
		if res.Error != nil || res.RowsAffected == 0 || state != TimerDead {
			return res.Error
		}
		return tx.Audit("timer.dead", "workflow_instances", t.InstanceID, map[string]any{"task": t.Task, "rung": t.Rung})
	})
}

// DeadTimers returns the timers that were given up.
func (s *Store) DeadTimers(ctx context.Context) ([]WorkflowTimer, error) {
	var dead []WorkflowTimer
	err := s.Read(ctx).Where("state = ?", TimerDead).Order("id").Find(&dead).Error
	return dead, err
}

// ReviveTimers has the timers tried again that were given up, and returns how
// many those are.
func (s *Store) ReviveTimers(ctx context.Context, actor string) (int, error) {
	var n int64
	err := s.Tx(ctx, actor, func(tx *Tx) error {
		res := tx.db.Model(&WorkflowTimer{}).Where("state = ?", TimerDead).
			UpdateColumns(map[string]any{"state": TimerPending, "attempts": 0, "fire_at": tx.store.now(), "updated_at": tx.store.now()})
		if n = res.RowsAffected; res.Error != nil || n == 0 {
			return res.Error
		}
		return tx.Audit("timer.revived", "workflow_timers", 0, map[string]any{"count": n})
	})
	return int(n), err
}

// NextTimerAt returns when the next timer fires, if one is waiting.
func (s *Store) NextTimerAt(ctx context.Context) (at time.Time, ok bool, err error) {
	var t WorkflowTimer
	res := s.Read(ctx).Select("fire_at").Where("state = ?", TimerPending).Order("fire_at").Limit(1).Find(&t)
	return t.FireAt, res.RowsAffected > 0, res.Error
}
