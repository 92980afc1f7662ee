package models

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"duban/models/calendar"
	"duban/models/money"
)

// The queries of this file are what the console reads. Each is one statement,
// or a fixed number of them, and each list has a limit.

// single returns the one row of a query by id.
func single[T any](rows []T, err error, what string, id int64) (row T, _ error) {
	if err != nil {
		return row, err
	}
	if len(rows) == 0 {
		return row, notFound(gorm.ErrRecordNotFound, what, id)
	}
	return rows[0], nil
}

// on returns a function that adds a condition to a query if its filter is set.
func on(q **gorm.DB) func(set bool, condition string, args ...any) {
	return func(set bool, condition string, args ...any) {
		if set {
			*q = (*q).Where(condition, args...)
		}
	}
}

// DutyCount is how many obligations of a fiscal year are alike.
type DutyCount struct {
	FiscalYear int
	State      State
	Light      Light
	Settled    bool // something is on record as having fulfilled it
	Count      int
}

// Unsettled reports whether something remains to be done about these duties.
func (c DutyCount) Unsettled() bool {
	return c.State == StateOpen || c.State == StateMissed && !c.Settled
}

// unsettled is DutyCount.Unsettled as a condition on obligations o.
const unsettled = "(o.state = 'open' OR (o.state = 'missed' AND o.settled_on IS NULL))"

// DutyCounts counts the obligations of all years.
func (s *Store) DutyCounts(ctx context.Context) ([]DutyCount, error) {
	var counts []DutyCount
	const key = "fiscal_year, state, light, settled_on IS NOT NULL"
	err := s.Read(ctx).Table("obligations").Select(key + " AS settled, COUNT(*) AS count").Group(key).Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count obligations: %w", err)
	}
	return counts, nil
}

// YearTotals is the sum of the active projects of a fiscal year.
type YearTotals struct {
	Projects int
	Budget   money.Fen
	Units    int
	UnitName string        // meaningful if there is one unit
	AsOf     calendar.Date // the latest day up to which payments were imported
}

// YearTotals sums up the active projects of a fiscal year.
func (s *Store) YearTotals(ctx context.Context, year int) (YearTotals, error) {
	var t YearTotals
	err := s.Read(ctx).Table("projects p").Joins("JOIN units u ON u.id = p.unit_id").
		Select("COUNT(*) AS projects, COALESCE(SUM(p.budget), 0) AS budget, COUNT(DISTINCT u.id) AS units, COALESCE(MIN(u.name), '') AS unit_name").
		Where("p.fiscal_year = ? AND p.state = ?", year, ProjectActive).Scan(&t).Error
	if err != nil {
		return t, fmt.Errorf("sum up projects: %w", err)
	}
	err = s.Read(ctx).Table("payments pay").Joins("JOIN projects p ON p.id = pay.project_id").
		Select("MAX(pay.as_of) AS as_of").Where("p.fiscal_year = ? AND p.state = ?", year, ProjectActive).Scan(&t.AsOf).Error
	return t, err
}

// AmountOn is an amount on one day.
type AmountOn struct {
	Day    calendar.Date
	Amount money.Fen
}

// YearPlan returns by how much the spending that the active projects of a year
// have promised rises on each checkpoint, in the order of the days: those of a
// unit, or of all for 0. A project that states nothing at a checkpoint keeps
// its last stated amount.
func (s *Store) YearPlan(ctx context.Context, year int, unitID int64) ([]AmountOn, error) {
	steps := s.Read(ctx).Table("obligations o").Joins("JOIN projects p ON p.id = o.project_id").
		Select("o.due_on AS day, o.amount - COALESCE(LAG(o.amount) OVER (PARTITION BY o.project_id ORDER BY o.due_on), 0) AS amount").
		Where("p.fiscal_year = ? AND p.state = ? AND o.kind = ? AND o.state <> ?", year, ProjectActive, SpendingTarget, StateWaived)
	on(&steps)(unitID != 0, "p.unit_id = ?", unitID)
	var plan []AmountOn
	err := s.Read(ctx).Table("(?) steps", steps).Select("day, SUM(amount) AS amount").Group("day").Order("day").Scan(&plan).Error
	if err != nil {
		return nil, fmt.Errorf("read the spending plan of %d: %w", year, err)
	}
	return plan, nil
}

// YearSpending returns what the active projects of a year have paid on each
// day up to and including day: those of a unit, or of all for 0.
func (s *Store) YearSpending(ctx context.Context, year int, unitID int64, day calendar.Date) ([]AmountOn, error) {
	q := s.Read(ctx).Where("p.fiscal_year = ? AND p.state = ?", year, ProjectActive)
	on(&q)(unitID != 0, "p.unit_id = ?", unitID)
	return spending(q, day)
}

// ProjectSpending is YearSpending for one project.
func (s *Store) ProjectSpending(ctx context.Context, projectID int64, day calendar.Date) ([]AmountOn, error) {
	return spending(s.Read(ctx).Where("p.id = ?", projectID), day)
}

func spending(db *gorm.DB, day calendar.Date) ([]AmountOn, error) {
	var paid []AmountOn
	err := db.Table("payments pay").Joins("JOIN projects p ON p.id = pay.project_id").
		Select("pay.paid_on AS day, SUM(pay.amount) AS amount").
		Where("pay.paid_on <= ?", day).Group("pay.paid_on").Order("pay.paid_on").Scan(&paid).Error
	if err != nil {
		return nil, fmt.Errorf("read payments by day: %w", err)
	}
	return paid, nil
}

// paidOf returns what each of the projects has paid up to and including day.
func (s *Store) paidOf(ctx context.Context, ids []int64, day calendar.Date) (map[int64]money.Fen, error) {
	var rows []Spending
	err := s.Read(ctx).Table("payments").Select("project_id, SUM(amount) AS amount").
		Where("project_id IN ? AND paid_on <= ?", ids, day).Group("project_id").Scan(&rows).Error
	paid := make(map[int64]money.Fen, len(rows))
	for _, r := range rows {
		paid[r.ProjectID] = r.Amount
	}
	return paid, err
}

// DutyFilter selects obligations; a zero field selects all.
type DutyFilter struct {
	ID        int64
	UnitID    int64
	ProjectID int64
	PersonID  int64 // of the projects whose owner or manager this person is
	State     State
	Unsettled bool // only those about which something remains to be done
	// Current is like Unsettled, with those that were settled on the day or later.
	Current  calendar.Date
	Kind     Kind
	Light    Light
	From, To calendar.Date // due on or between these days

	Grave                  bool          // only those that are overdue or red (see grave), the red ones first
	SettledFrom, SettledTo calendar.Date // settled on or between these days

	// The page: up to Limit of them, after the one due on AfterDue with AfterID.
	AfterDue calendar.Date
	AfterID  int64
	Limit    int
}

// grave selects the duties that are overdue, and the red ones whose project is
// not listed for an overdue one of the kind already: every later checkpoint of
// a plan has the light of the one that was missed.
const grave = unsettled + " AND (o.state = 'missed' OR o.light = 'red' AND NOT EXISTS (SELECT 1 FROM obligations e " +
	"WHERE e.subject = o.subject AND e.kind = o.kind AND e.state = 'missed' AND e.settled_on IS NULL))"

func (f DutyFilter) apply(db *gorm.DB) *gorm.DB {
	where := on(&db)
	where(f.ID != 0, "o.id = ?", f.ID)
	where(f.UnitID != 0, "o.unit_id = ?", f.UnitID)
	where(f.ProjectID != 0, "o.project_id = ?", f.ProjectID)
	where(f.State != "", "o.state = ?", f.State)
	where(f.PersonID != 0, "o.project_id IN (SELECT id FROM projects WHERE owner_id = ? OR manager_id = ?)", f.PersonID, f.PersonID)
	where(f.Unsettled, unsettled)
	where(f.Grave, grave)
	where(!f.SettledFrom.IsZero(), "o.settled_on >= ?", f.SettledFrom)
	where(!f.SettledTo.IsZero(), "o.settled_on <= ?", f.SettledTo)
	where(!f.Current.IsZero(), "("+unsettled+" OR (o.state <> 'waived' AND o.settled_on >= ?))", f.Current)
	where(f.Kind != "", "o.kind = ?", f.Kind)
	where(f.Light != "", "o.light = ?", f.Light)
	where(!f.From.IsZero(), "o.due_on >= ?", f.From)
	where(!f.To.IsZero(), "o.due_on <= ?", f.To)
	return db
}

// Duty is an obligation with what a list says about it.
type Duty struct {
	Obligation
	UnitName    string
	ProjectCode string // "" for a duty of the whole unit
	ProjectName string
	OwnerName   string // 经办人, "" while nobody is named
	Budget      money.Fen
	Paid        money.Fen `gorm:"-"` // up to the day of the list
}

// Duties returns the selected obligations in the order of due date and id,
// grave ones in the order of their light first, with the payments up to and
// including day.
func (s *Store) Duties(ctx context.Context, f DutyFilter, day calendar.Date) ([]Duty, error) {
	q := f.apply(s.Read(ctx).Table("obligations o")).
		Joins("LEFT JOIN units u ON u.id = o.unit_id").
		Joins("LEFT JOIN projects p ON p.id = o.project_id").
		Joins("LEFT JOIN users w ON w.id = p.owner_id").
		Select("o.*, COALESCE(u.name, '') AS unit_name, COALESCE(p.code, '') AS project_code, " +
			"COALESCE(p.name, '') AS project_name, COALESCE(p.budget, 0) AS budget, COALESCE(w.name, '') AS owner_name")
	if !f.AfterDue.IsZero() {
		q = q.Where("o.due_on > ? OR (o.due_on = ? AND o.id > ?)", f.AfterDue, f.AfterDue, f.AfterID)
	}
	if f.Grave {
		q = q.Order("CASE o.light WHEN 'red' THEN 0 WHEN 'yellow' THEN 1 ELSE 2 END")
	}
	var duties []Duty
	if err := q.Order("o.due_on, o.id").Limit(f.Limit).Scan(&duties).Error; err != nil {
		return nil, fmt.Errorf("read obligations: %w", err)
	}
	ids := map[int64]bool{}
	for _, d := range duties {
		ids[d.ProjectID] = true
	}
	paid, err := s.paidOf(ctx, keys(ids), day)
	for i := range duties {
		duties[i].Paid = paid[duties[i].ProjectID]
	}
	return duties, err
}

// Duty returns one obligation, or ErrNotFound.
func (s *Store) Duty(ctx context.Context, id int64, day calendar.Date) (Duty, error) {
	if id <= 0 { // which as a filter is none
		return Duty{}, notFound(gorm.ErrRecordNotFound, "督办事项", id)
	}
	duties, err := s.Duties(ctx, DutyFilter{ID: id, Limit: 1}, day)
	return single(duties, err, "督办事项", id)
}

// CountDuties returns how many obligations the filter selects on all pages.
func (s *Store) CountDuties(ctx context.Context, f DutyFilter) (int, error) {
	var n int64
	err := f.apply(s.Read(ctx).Table("obligations o")).Count(&n).Error
	return int(n), err
}

// ProjectRow is a project with what a list says about it.
type ProjectRow struct {
	Project
	UnitName    string
	OwnerName   string    // 经办人, "" while nobody is named
	ManagerName string    // 科室负责人
	Paid        money.Fen `gorm:"-"` // up to the day of the list
	Light       Light     `gorm:"-"` // the worst of its unsettled duties, else green
	Late        int       `gorm:"-"` // missed duties that are not settled
	Targets     []Target  `gorm:"-"` // in the order of their days
}

// ProjectRows returns up to limit active projects of a fiscal year in the
// order of their codes, after the given code, as they stand on day.
func (s *Store) ProjectRows(ctx context.Context, year int, after string, limit int, day calendar.Date) ([]ProjectRow, error) {
	active := s.Read(ctx).Where("p.fiscal_year = ? AND p.state = ? AND p.code > ?", year, ProjectActive, after)
	return s.projectRows(ctx, active.Order("p.code").Limit(limit), day)
}

// ProjectRow returns one project as it stands on day, or ErrNotFound.
func (s *Store) ProjectRow(ctx context.Context, id int64, day calendar.Date) (ProjectRow, error) {
	rows, err := s.projectRows(ctx, s.Read(ctx).Where("p.id = ?", id).Limit(1), day)
	return single(rows, err, "项目", id)
}

func (s *Store) projectRows(ctx context.Context, q *gorm.DB, day calendar.Date) ([]ProjectRow, error) {
	var rows []ProjectRow
	err := q.Table("projects p").
		Joins("LEFT JOIN units u ON u.id = p.unit_id").
		Joins("LEFT JOIN users w ON w.id = p.owner_id").
		Joins("LEFT JOIN users m ON m.id = p.manager_id").
		Select("p.*, COALESCE(u.name, '') AS unit_name, COALESCE(w.name, '') AS owner_name, COALESCE(m.name, '') AS manager_name").
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read projects: %w", err)
	}
	byID := make(map[int64]*ProjectRow, len(rows))
	ids := make([]int64, len(rows))
	for i := range rows {
		rows[i].Light = Green
		byID[rows[i].ID], ids[i] = &rows[i], rows[i].ID
	}
	return rows, s.addStanding(ctx, byID, ids, day)
}

// severity orders the lights from good to bad.
var severity = map[Light]int{Green: 0, Blue: 1, Yellow: 2, Red: 3}

// addStanding fills in what is not a column of the projects.
func (s *Store) addStanding(ctx context.Context, byID map[int64]*ProjectRow, ids []int64, day calendar.Date) error {
	paid, err := s.paidOf(ctx, ids, day)
	if err != nil {
		return err
	}
	for id, amount := range paid {
		byID[id].Paid = amount
	}
	var duties []Obligation
	err = s.Read(ctx).Table("obligations o").Select("o.project_id, o.state, o.light").
		Where("o.project_id IN ?", ids).Where(unsettled).Scan(&duties).Error
	if err != nil {
		return fmt.Errorf("read the lights of projects: %w", err)
	}
	for _, d := range duties {
		p := byID[d.ProjectID]
		if severity[d.Light] > severity[p.Light] {
			p.Light = d.Light
		}
		if d.State == StateMissed {
			p.Late++
		}
	}
	var targets []Target
	err = s.Read(ctx).Where("project_id IN ?", ids).Order("project_id, due_on").Find(&targets).Error
	for _, t := range targets {
		byID[t.ProjectID].Targets = append(byID[t.ProjectID].Targets, t)
	}
	return err
}

// Indicators returns up to limit indicators of a project in the order of its table.
func (s *Store) Indicators(ctx context.Context, projectID int64, limit int) ([]Indicator, error) {
	var indicators []Indicator
	err := s.Read(ctx).Where("project_id = ?", projectID).Order("sequence").Limit(limit).Find(&indicators).Error
	return indicators, err
}

// Payments returns the latest payments of a project, up to limit of them.
func (s *Store) Payments(ctx context.Context, projectID int64, limit int) ([]Payment, error) {
	var payments []Payment
	err := s.Read(ctx).Where("project_id = ?", projectID).Order("paid_on DESC, id DESC").Limit(limit).Find(&payments).Error
	return payments, err
}

// MessageFilter selects messages; a zero field selects all.
type MessageFilter struct {
	ID           int64
	ObligationID int64
	ProjectID    int64
	DigestID     int64 // those that it tells
	State        NotificationState
	BeforeID     int64 // only older ones
	Limit        int
}

// Message is a notification with the name of its recipient.
type Message struct {
	Notification
	RecipientName string
}

// Messages returns the selected messages, the newest first.
func (s *Store) Messages(ctx context.Context, f MessageFilter) ([]Message, error) {
	q := s.Read(ctx).Table("notifications n").
		Joins("LEFT JOIN users r ON r.id = n.recipient_id").
		Select("n.*, COALESCE(r.name, '') AS recipient_name")
	where := on(&q)
	where(f.ID != 0, "n.id = ?", f.ID)
	where(f.ObligationID != 0, "n.obligation_id = ?", f.ObligationID)
	where(f.DigestID != 0, "n.digest_id = ?", f.DigestID)
	if f.ProjectID != 0 {
		q = q.Joins("JOIN obligations o ON o.id = n.obligation_id")
	}
	where(f.ProjectID != 0, "o.project_id = ?", f.ProjectID)
	where(f.State != "", "n.state = ?", f.State)
	where(f.BeforeID != 0, "n.id < ?", f.BeforeID)
	var messages []Message
	if err := q.Order("n.id DESC").Limit(f.Limit).Scan(&messages).Error; err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return messages, nil
}

// Message returns one message, or ErrNotFound.
func (s *Store) Message(ctx context.Context, id int64) (Message, error) {
	messages, err := s.Messages(ctx, MessageFilter{ID: id, Limit: 1})
	return single(messages, err, "消息", id)
}

// ProblemFilter selects data problems; a zero field selects all.
type ProblemFilter struct {
	ProjectID int64
	State     ProblemState
	AfterID   int64
	Limit     int
}

func (f ProblemFilter) apply(db *gorm.DB) *gorm.DB {
	return db.Table("data_problems d").
		Where("(? = 0 OR d.project_id = ?) AND (? = '' OR d.state = ?)", f.ProjectID, f.ProjectID, f.State, f.State)
}

// Problem is a data problem with the names of what it is about.
type Problem struct {
	DataProblem
	UnitName    string
	ProjectCode string
	ProjectName string
}

// Problems returns the selected data problems, oldest first.
func (s *Store) Problems(ctx context.Context, f ProblemFilter) ([]Problem, error) {
	var problems []Problem
	err := f.apply(s.Read(ctx)).Where("d.id > ?", f.AfterID).
		Joins("LEFT JOIN units u ON u.id = d.unit_id").
		Joins("LEFT JOIN projects p ON p.id = d.project_id").
		Select("d.*, COALESCE(u.name, '') AS unit_name, COALESCE(p.code, '') AS project_code, COALESCE(p.name, '') AS project_name").
		Order("d.id").Limit(f.Limit).Scan(&problems).Error
	if err != nil {
		return nil, fmt.Errorf("read data problems: %w", err)
	}
	return problems, nil
}

// CountProblems returns how many data problems the filter selects on all pages.
func (s *Store) CountProblems(ctx context.Context, f ProblemFilter) (int, error) {
	var n int64
	err := f.apply(s.Read(ctx)).Count(&n).Error
	return int(n), err
}
