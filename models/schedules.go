package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"duban/models/calendar"
)

// Rules returns the enabled reminder rules.
func (s *Store) Rules(ctx context.Context) ([]Rule, error) { return rulesIn(s.Read(ctx)) }

// Rules is Store.Rules inside the transaction.
func (tx *Tx) Rules() ([]Rule, error) { return rulesIn(tx.db) }

func rulesIn(db *gorm.DB) ([]Rule, error) {
	var rules []Rule
	if err := db.Where("enabled = ?", true).Order("id").Find(&rules).Error; err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return rules, nil
}

// SaveRule adds or changes a rule, and has every duty that it governs checked
// again, because its reminders and lights may differ from now on.
func (tx *Tx) SaveRule(r *Rule) error {
	if err := r.validate(); err != nil {
		return err
	}
	var was *Rule
	if r.ID == 0 {
		if err := tx.Create(r); err != nil {
			return err
		}
	} else {
		was = new(Rule)
		if err := notFound(tx.db.Take(was, r.ID).Error, "提醒规则", r.ID); err != nil {
			return err
		}
		if err := save(tx, r, r.ID, &r.Version); err != nil {
			return err
		}
	}
	if err := tx.Audit("rule.saved", "rules", r.ID, change{was, r}); err != nil {
		return err
	}
	q := tx.db.Model(&Obligation{}).Where("kind = ? AND state <> ?", r.Kind, StateWaived)
	if r.UnitID != 0 {
		q = q.Where("unit_id = ?", r.UnitID)
	}
	if r.ProjectID != 0 {
		q = q.Where("project_id = ?", r.ProjectID)
	}
	return q.UpdateColumn("next_check_on", tx.store.Today()).Error
}

// Schedules returns every schedule.
func (s *Store) Schedules(ctx context.Context) ([]Schedule, error) {
	var schedules []Schedule
	if err := s.Read(ctx).Order("job").Find(&schedules).Error; err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return schedules, nil
}

// SaveSchedule adds or changes a schedule.
func (tx *Tx) SaveSchedule(sc *Schedule) error {
	if sc.ID == 0 {
		if err := tx.Create(sc); err != nil {
			return err
		}
	} else if err := save(tx, sc, sc.ID, &sc.Version); err != nil {
		return err
	}
	return tx.Audit("schedule.saved", "schedules", sc.ID, sc)
}

// StartRun claims one fire of a job. Of any number of replicas that try, the
// one whose row is inserted gets true and must call FinishRun.
func (s *Store) StartRun(ctx context.Context, job string, scheduledAt time.Time, state RunState) (*JobRun, bool, error) {
	now := s.now()
	run := &JobRun{Job: job, ScheduledAt: stored(scheduledAt), State: state, StartedAt: &now}
	if state != RunRunning {
		run.EndedAt = &now
	}
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		run.ID = 0
		return tx.db.Create(run).Error
	})
	if duplicate(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("claim the run of %s at %s: %w", job, scheduledAt.Format(time.RFC3339), err)
	}
	return run, true, nil
}

// FinishRun records how a run ended.
func (s *Store) FinishRun(ctx context.Context, run *JobRun, counts map[string]int, failure error) error {
	now := s.now()
	run.EndedAt, run.State, run.Counts = &now, RunDone, counts
	if failure != nil {
		run.State, run.Error = RunFailed, clipText(failure.Error())
	}
	return s.Tx(ctx, "system", func(tx *Tx) error { return tx.db.Save(run).Error })
}

// LastRun returns the latest fire of a job that is on record.
func (s *Store) LastRun(ctx context.Context, job string) (run JobRun, ok bool, err error) {
	res := s.Read(ctx).Where("job = ?", job).Order("scheduled_at DESC").Limit(1).Find(&run)
	return run, res.RowsAffected > 0, res.Error
}

// Calendar returns the working-day calendar as administrators have left it.
func (s *Store) Calendar(ctx context.Context) (*calendar.Calendar, error) {
	return calendarIn(s.Read(ctx))
}

// Calendar is Store.Calendar inside the transaction.
func (tx *Tx) Calendar() (*calendar.Calendar, error) { return calendarIn(tx.db) }

func calendarIn(db *gorm.DB) (*calendar.Calendar, error) {
	var rows []CalendarDay
	if err := db.Order("day").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	days := make([]calendar.Day, len(rows))
	for i, r := range rows {
		days[i] = calendar.Day{Date: r.Day, Work: r.Work, Name: r.Name}
	}
	return calendar.New(days), nil
}

// CalendarStamp returns a text that differs as soon as the calendar does.
func (tx *Tx) CalendarStamp() (string, error) {
	var stamp struct {
		Days    int64
		Changed string
	}
	err := tx.db.Model(&CalendarDay{}).Select("COUNT(*) AS days, COALESCE(MAX(updated_at), '') AS changed").Scan(&stamp).Error
	if err != nil {
		return "", fmt.Errorf("read the calendar: %w", err)
	}
	return fmt.Sprintf("%d %s", stamp.Days, stamp.Changed), nil
}

// CalendarDays returns the special days that are stored, by date.
func (tx *Tx) CalendarDays() (map[calendar.Date]CalendarDay, error) {
	var rows []CalendarDay
	if err := tx.db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	days := make(map[calendar.Date]CalendarDay, len(rows))
	for _, r := range rows {
		days[r.Day] = r
	}
	return days, nil
}

// SaveCalendarDays adds special days or changes those that are there, such as
// a new year's holidays from the State Council's notice. Every duty that is
// watched is checked again, because its reminders may come on other days now.
func (tx *Tx) SaveCalendarDays(days []CalendarDay) error {
	if len(days) == 0 {
		return nil
	}
	was, err := tx.calendarDaysOf(days)
	if err != nil {
		return err
	}
	err = tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "day"}},
		DoUpdates: clause.AssignmentColumns([]string{"updated_at", "work", "name", "source"}),
	}).CreateInBatches(days, insertChunk).Error
	if err != nil {
		return fmt.Errorf("save calendar days: %w", err)
	}
	if err := tx.Audit("calendar.saved", "calendar_days", 0, change{was, days}); err != nil {
		return err
	}
	return tx.hearAgain(tx.db)
}

// calendarDaysOf returns what is stored of the given days.
func (tx *Tx) calendarDaysOf(days []CalendarDay) ([]CalendarDay, error) {
	stored, err := tx.CalendarDays()
	if err != nil {
		return nil, err
	}
	was := []CalendarDay{}
	for _, d := range days {
		if have, ok := stored[d.Day]; ok {
			was = append(was, have)
		}
	}
	return was, nil
}
