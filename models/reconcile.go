package models

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm/clause"

	"duban/models/calendar"
)

// derivedKinds are the kinds whose duties follow from the published table, so
// that they go when the table no longer states them.
var derivedKinds = []Kind{SpendingTarget, Completion, Recurring, Refinement, Monitoring, SelfEvaluation}

// byImport marks a duty that was waived because a corrected document no longer
// states it; it comes back if the document does.
const byImport = "import"

// dutyGroup names the duties that only their sequence numbers tell apart.
type dutyGroup struct {
	subject string
	kind    Kind
	dueOn   calendar.Date
}

// compare orders groups, so that two runs do the same in the same order.
func (g dutyGroup) compare(h dutyGroup) int {
	return cmp.Or(cmp.Compare(g.subject, h.subject), g.dueOn.Compare(h.dueOn), cmp.Compare(g.kind, h.kind))
}

// group names a duty by the day that its table states, which an approved
// extension does not change.
func (o Obligation) group() dutyGroup {
	if !o.FirstDueOn.IsZero() {
		return dutyGroup{o.Subject, o.Kind, o.FirstDueOn}
	}
	return dutyGroup{o.Subject, o.Kind, o.DueOn}
}

// takenNumbers returns the sequence numbers that duties have on the day on
// which they are due now.
func takenNumbers(stored map[dutyGroup][]Obligation) map[dutyGroup]map[int]bool {
	taken := map[dutyGroup]map[int]bool{}
	for _, group := range stored {
		for _, o := range group {
			at := dutyGroup{o.Subject, o.Kind, o.DueOn}
			if taken[at] == nil {
				taken[at] = map[int]bool{}
			}
			taken[at][o.Sequence] = true
		}
	}
	return taken
}

// ReconcileDuties makes the stored obligations of the given subjects equal to
// duties: it adds what is new, restates what changed, waives what is gone
// (gone says why, in words), and
// has everything that it touched checked on the given day. It returns how many
// it touched. Duties of kinds that an administrator adds by hand are left alone.
func (tx *Tx) ReconcileDuties(subjects []string, duties []Obligation, gone string, day calendar.Date) (int, error) {
	stored, err := tx.derivedDuties(subjects)
	if err != nil {
		return 0, err
	}
	wanted := map[dutyGroup][]Obligation{}
	for _, want := range duties {
		wanted[want.group()] = append(wanted[want.group()], want)
		if _, ok := stored[want.group()]; !ok {
			stored[want.group()] = nil
		}
	}
	touched, taken := 0, takenNumbers(stored)
	created := make([]Obligation, 0, len(duties))
	for _, group := range slices.SortedFunc(maps.Keys(stored), dutyGroup.compare) {
		fresh, n, err := tx.reconcileGroup(stored[group], wanted[group], taken[group], gone, day)
		if err != nil {
			return 0, err
		}
		created = append(created, fresh...)
		touched += n
	}
	if len(created) == 0 {
		return touched, nil
	}
	slices.SortFunc(created, func(a, b Obligation) int {
		return cmp.Or(cmp.Compare(a.UnitID, b.UnitID), cmp.Compare(a.ProjectID, b.ProjectID), a.DueOn.Compare(b.DueOn),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Sequence, b.Sequence))
	})
	return touched + len(created), tx.Create(created)
}

// derivedDuties reads, and locks, the stored duties that follow from published
// tables.
func (tx *Tx) derivedDuties(subjects []string) (map[dutyGroup][]Obligation, error) {
	stored := map[dutyGroup][]Obligation{}
	for chunk := range slices.Chunk(subjects, insertChunk) {
		var batch []Obligation
		err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).
			Where("subject IN ? AND kind IN ?", chunk, derivedKinds).Order("id").Find(&batch).Error
		if err != nil {
			return nil, fmt.Errorf("read obligations: %w", err)
		}
		for _, o := range batch {
			stored[o.group()] = append(stored[o.group()], o)
		}
	}
	return stored, nil
}

// reconcileGroup does the work for duties of one subject, kind and day. A duty
// is recognised by the published words that it comes from, so that a row
// inserted above it does not take over what was reported about it; where the
// words changed, by its place among those left. It returns the duties to add,
// with sequence numbers that are not taken.
func (tx *Tx) reconcileGroup(have, want []Obligation, taken map[int]bool, gone string, day calendar.Date) (fresh []Obligation, touched int, err error) {
	match := func(same func(h, w Obligation) bool) error {
		for i := 0; i < len(want); i++ {
			at := slices.IndexFunc(have, func(h Obligation) bool { return same(h, want[i]) })
			if at < 0 {
				continue
			}
			changed, err := tx.restate(have[at], want[i], day)
			if err != nil {
				return err
			}
			if changed {
				touched++
			}
			have, want = slices.Delete(have, at, at+1), slices.Delete(want, i, i+1)
			i--
		}
		return nil
	}
	if err := match(func(h, w Obligation) bool { return h.Source == w.Source }); err != nil {
		return nil, 0, err
	}
	if err := match(func(h, w Obligation) bool { return h.Sequence == w.Sequence }); err != nil {
		return nil, 0, err
	}
	next := 0
	for _, w := range want {
		for taken[next] {
			next++
		}
		w.Sequence = next
		next++
		w.NextCheckOn = day
		fresh = append(fresh, w)
	}
	for _, h := range have {
		if h.State == StateWaived {
			continue
		}
		if err := tx.waive(h, byImport, gone); err != nil {
			return nil, 0, err
		}
		touched++
	}
	return fresh, touched, nil
}

// restate gives a stored duty the words and amounts that the document states
// now, and reports whether any differ.
func (tx *Tx) restate(have, want Obligation, day calendar.Date) (bool, error) {
	now := have
	now.UnitID, now.Title, now.Source, now.PeriodFrom = want.UnitID, want.Title, want.Source, want.PeriodFrom
	now.Percent, now.Amount = want.Percent, want.Amount
	if have.State == StateWaived && have.DoneBy == byImport {
		now.State, now.DoneBy, now.DoneNote = StateOpen, "", ""
	}
	if now == have {
		return false, nil
	}
	now.NextCheckOn = day
	if err := tx.Audit("obligation.restated", "obligations", have.ID, change{have, now}); err != nil {
		return false, err
	}
	return true, save(tx, &now, now.ID, &now.Version)
}
