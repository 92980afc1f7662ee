package models

import (
	"context"
	"fmt"

	"duban/models/calendar"
	"duban/models/money"
)

// UnsettledLights counts the duties of a unit, or of all units for 0, about
// which something remains to be done, by their light.
func (s *Store) UnsettledLights(ctx context.Context, unitID int64) (map[Light]int, error) {
	q := s.Read(ctx).Table("obligations o").Select("o.light, COUNT(*) AS count").Where(unsettled)
	on(&q)(unitID != 0, "o.unit_id = ?", unitID)
	var counts []DutyCount
	if err := q.Group("o.light").Scan(&counts).Error; err != nil {
		return nil, fmt.Errorf("count lights: %w", err)
	}
	lights := make(map[Light]int, len(counts))
	for _, c := range counts {
		lights[c.Light] = c.Count
	}
	return lights, nil
}

// UnitName returns the name of a unit, blank for 0.
func (s *Store) UnitName(ctx context.Context, unitID int64) (string, error) {
	var u Unit
	if err := s.Read(ctx).Where("id = ?", unitID).Limit(1).Find(&u).Error; err != nil {
		return "", fmt.Errorf("read unit %d: %w", unitID, err)
	}
	return u.Name, nil
}

// RecordsAsOf returns the latest day up to which the payments of a unit, or of
// any unit for 0, are on record; no date if none are.
func (s *Store) RecordsAsOf(ctx context.Context, unitID int64) (calendar.Date, error) {
	q := s.Read(ctx).Order("records_as_of DESC").Limit(1)
	on(&q)(unitID != 0, "id = ?", unitID)
	var u Unit
	if err := q.Find(&u).Error; err != nil {
		return calendar.Date{}, fmt.Errorf("read up to when payments are on record: %w", err)
	}
	return u.RecordsAsOf, nil
}

// UnitBudget sums up the active projects of a fiscal year of a unit, or of all
// units for 0.
func (s *Store) UnitBudget(ctx context.Context, year int, unitID int64) (money.Fen, error) {
	q := s.Read(ctx).Table("projects p").Select("COALESCE(SUM(p.budget), 0)").Where("p.fiscal_year = ? AND p.state = ?", year, ProjectActive)
	on(&q)(unitID != 0, "p.unit_id = ?", unitID)
	var budget money.Fen
	if err := q.Scan(&budget).Error; err != nil {
		return 0, fmt.Errorf("sum up the projects of a unit: %w", err)
	}
	return budget, nil
}

// MutesInForce returns the projects of a unit, or of all units for 0, whose
// reminders are muted now, the latest first.
func (s *Store) MutesInForce(ctx context.Context, unitID int64) ([]MutedProject, error) {
	now := s.now()
	q := s.Read(ctx).Table("silences m").Joins("JOIN projects p ON p.id = m.project_id").Joins("LEFT JOIN users w ON w.id = m.owner_id").
		Select("m.*, p.name AS project_name, COALESCE(w.name, '') AS owner_name").
		Where("m.kind = ? AND m.starts_at <= ? AND (m.ends_at IS NULL OR m.ends_at > ?)", Mute, now, now)
	on(&q)(unitID != 0, "p.unit_id = ?", unitID)
	var rows []struct {
		Silence
		ProjectName, OwnerName string
	}
	if err := q.Order("m.id DESC").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read muted projects: %w", err)
	}
	muted := make([]MutedProject, len(rows))
	for i, r := range rows {
		muted[i] = MutedProject{ProjectName: r.ProjectName, Owner: r.OwnerName, Reason: r.Reason, Since: calendar.DateOf(r.StartsAt)}
	}
	return muted, nil
}
