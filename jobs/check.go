package jobs

import (
	"cmp"
	"context"
	"slices"

	"duban/models"
	"duban/models/calendar"
)

// Row is an obligation with what an evaluation found about it.
type Row struct {
	models.Obligation
	Finding
	Project models.Project // zero for a duty of the whole unit
	Unit    models.Unit
}

// DaysLeft returns the days from day until the obligation is due, negative if
// it is overdue.
func (r Row) DaysLeft(day calendar.Date) int { return day.DaysUntil(r.DueOn) }

// Check evaluates every obligation that is not waived as of the end of day, and
// calls fn with each. It writes nothing.
func Check(ctx context.Context, store *models.Store, day calendar.Date, fn func(Row) error) error {
	rules, err := store.Rules(ctx)
	if err != nil {
		return err
	}
	set := NewRuleSet(rules)
	return store.EachObligation(ctx, func(batch []models.Obligation) error {
		ev, err := store.EvidenceFor(ctx, batch)
		if err != nil {
			return err
		}
		for _, o := range batch {
			row := Row{
				Obligation: o, Project: ev.Projects[o.ProjectID], Unit: ev.Units[o.UnitID],
				Finding: Evaluate(o, recordsOf(o, ev), day, set.For(o)),
			}
			if err := fn(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// SortRows orders rows as a person works through them: by due date, then by
// project and kind.
func SortRows(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(a.DueOn.Compare(b.DueOn), cmp.Compare(a.Project.Code, b.Project.Code), cmp.Compare(a.Kind, b.Kind))
	})
}

// Pressing reports whether a row asks for attention as of day: a duty that is
// late, behind its plan, or due within the given number of days.
func (r Row) Pressing(day calendar.Date, within int) bool {
	if r.Finding.State == models.StateWaived || !r.Finding.SettledOn.IsZero() {
		return false
	}
	return r.Finding.State == models.StateMissed || (r.DaysLeft(day) <= within && !r.Fulfilled)
}
