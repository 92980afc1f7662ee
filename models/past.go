package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"duban/models/calendar"
	"duban/models/money"
)

// Past is what was on record about a set of duties at earlier moments. It is
// put together from when things were recorded and from the audit trail, and
// from nothing that a check has found.
type Past struct {
	duties   map[int64]timeline[Obligation]
	projects map[int64]timeline[Project]
	payments map[int64][]recorded // by project, in the order of the days paid
	series   map[int64][]int64    // the recurring duties of a project
}

// recorded is what was paid on one day and recorded at one moment.
type recorded struct {
	ProjectID int64
	PaidOn    calendar.Date
	CreatedAt time.Time
	Amount    money.Fen
}

// DutyThen is a duty as it was on record at a moment, with what decides about
// it.
type DutyThen struct {
	Obligation
	Project   Project // zero for a duty of the whole unit
	Spending  []Spending
	Recurring []Obligation // as in Evidence
	// Known says that the audit trail tells all of it. Where it does not, what
	// holds today stands in.
	Known bool
}

// projectStanding is what decides about a project's duties, as every entry
// about a project tells it.
type projectStanding struct {
	Code      string
	Budget    money.Fen
	UnitID    int64
	OwnerID   int64
	ManagerID int64
	BatchID   int64
}

func (p Project) standing() projectStanding {
	return projectStanding{p.Code, p.Budget, p.UnitID, p.OwnerID, p.ManagerID, p.BatchID}
}

func (st *projectStanding) of(p Project) *Project {
	if st == nil {
		return nil
	}
	p.Budget, p.UnitID, p.OwnerID, p.ManagerID = st.Budget, st.UnitID, st.OwnerID, st.ManagerID
	return &p
}

// dutyChanges are the actions whose entries hold a duty as it was and is.
var dutyChanges = []string{"obligation.reported", "obligation.waived", "obligation.restated", "obligation.extended"}

// PastOf reads what was on record about duties since a moment, in a fixed
// number of statements.
func (s *Store) PastOf(ctx context.Context, duties []Obligation, since time.Time) (*Past, error) {
	p := &Past{
		duties: map[int64]timeline[Obligation]{}, projects: map[int64]timeline[Project]{},
		payments: map[int64][]recorded{}, series: map[int64][]int64{},
	}
	db := s.Read(ctx)
	ids, projects, recurring := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	for _, o := range duties {
		ids[o.ID] = true
		if o.ProjectID != 0 {
			projects[o.ProjectID] = true
		}
		if o.Kind == Recurring {
			recurring[o.ProjectID] = true
		}
	}
	siblings, err := seriesOf(db, keys(recurring))
	if err != nil {
		return nil, err
	}
	for _, o := range siblings {
		ids[o.ID] = true
		p.series[o.ProjectID] = append(p.series[o.ProjectID], o.ID)
	}
	if err := p.readDuties(db, slices.Concat(duties, siblings), keys(ids), since); err != nil {
		return nil, err
	}
	if err := p.readProjects(db, keys(projects), since); err != nil {
		return nil, err
	}
	return p, p.readPayments(db, keys(projects))
}

// seriesOf reads all recurring duties of projects, also those that are no
// longer required.
func seriesOf(db *gorm.DB, projects []int64) ([]Obligation, error) {
	var all []Obligation
	for chunk := range slices.Chunk(projects, insertChunk) {
		var batch []Obligation
		if err := db.Where("project_id IN ? AND kind = ?", chunk, Recurring).Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read recurring obligations: %w", err)
		}
		all = append(all, batch...)
	}
	return all, nil
}

func (p *Past) readDuties(db *gorm.DB, duties []Obligation, ids []int64, since time.Time) error {
	changes := map[int64][]revision[Obligation]{}
	for chunk := range slices.Chunk(ids, insertChunk) {
		entries, err := trail(db.Where("entity_id IN ? AND at > ?", chunk, since), "obligations", dutyChanges...)
		if err != nil {
			return err
		}
		some, err := changesOf[Obligation](entries)
		if err != nil {
			return err
		}
		for id, c := range some {
			changes[id] = c
		}
	}
	for _, o := range duties {
		p.duties[o.ID] = timeline[Obligation]{o, o.CreatedAt, changes[o.ID]}
	}
	return nil
}

func (p *Past) readProjects(db *gorm.DB, ids []int64, since time.Time) error {
	for chunk := range slices.Chunk(ids, insertChunk) {
		var projects []Project
		if err := db.Where("id IN ?", chunk).Find(&projects).Error; err != nil {
			return fmt.Errorf("read projects: %w", err)
		}
		var changed []int64
		err := db.Model(&AuditEntry{}).Where("entity = 'projects' AND entity_id IN ? AND at > ?", chunk, since).
			Distinct("entity_id").Pluck("entity_id", &changed).Error
		if err != nil {
			return fmt.Errorf("read the audit trail of projects: %w", err)
		}
		// Of those that changed, all entries: some hold only what is, so that
		// what was stands in the one before.
		entries, err := trail(db.Where("entity_id IN ?", changed), "projects", "project.added", "project.changed")
		if err != nil {
			return err
		}
		changes, err := changesOf[projectStanding](entries)
		if err != nil {
			return err
		}
		for _, pr := range projects {
			line := timeline[Project]{now: pr, created: pr.CreatedAt}
			for _, c := range changes[pr.ID] {
				line.changes = append(line.changes, revision[Project]{c.at, c.was.of(pr), c.is.of(pr)})
			}
			p.projects[pr.ID] = line
		}
	}
	return nil
}

func (p *Past) readPayments(db *gorm.DB, projects []int64) error {
	for chunk := range slices.Chunk(projects, insertChunk) {
		var batch []recorded
		err := db.Model(&Payment{}).Select("project_id, paid_on, created_at, SUM(amount) AS amount").
			Where("project_id IN ?", chunk).Group("project_id, paid_on, created_at").Order("project_id, paid_on").Scan(&batch).Error
		if err != nil {
			return fmt.Errorf("read payments: %w", err)
		}
		for _, r := range batch {
			p.payments[r.ProjectID] = append(p.payments[r.ProjectID], r)
		}
	}
	return nil
}

// At returns a duty as it was on record at a moment that is not before the one
// since which the past was read, and whether there was one.
func (p *Past) At(id int64, t time.Time) (then DutyThen, exists bool) {
	then.Obligation, exists, then.Known = p.duties[id].at(t)
	if !exists {
		return then, false
	}
	if line, ok := p.projects[then.ProjectID]; ok {
		project, _, known := line.at(t)
		then.Project, then.Known = project, then.Known && known
	}
	then.Spending = p.spending(then.ProjectID, t)
	for _, sibling := range p.series[then.ProjectID] {
		o, there, known := p.duties[sibling].at(t)
		if then.Kind == Recurring && there && o.State != StateWaived {
			then.Recurring = append(then.Recurring, o)
			then.Known = then.Known && known
		}
	}
	slices.SortFunc(then.Recurring, func(a, b Obligation) int {
		return cmp.Or(a.DueOn.Compare(b.DueOn), cmp.Compare(a.Sequence, b.Sequence))
	})
	return then, true
}

// spending sums what had been recorded by a moment, by the day paid.
func (p *Past) spending(project int64, t time.Time) []Spending {
	var days []Spending
	for _, r := range p.payments[project] {
		if r.CreatedAt.After(t) {
			continue
		}
		if n := len(days); n > 0 && days[n-1].PaidOn == r.PaidOn {
			days[n-1].Amount += r.Amount
			continue
		}
		days = append(days, Spending{project, r.PaidOn, r.Amount})
	}
	return days
}
