package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"duban/models/calendar"
)

// The queries of this file are what people read about workflows. Each is one
// statement, and each list has a limit.

// Entry is an instance in a list, with the task in it that concerns the reader.
type Entry struct {
	WorkflowInstance
	ProjectName string
	UnitName    string
	Applicant   string // name, "" if nobody has submitted
	Task        int    // 0 if the entry is about the instance as a whole
	TaskVersion int64
	TaskState   string
	TaskStep    string
	AssigneeID  int64
	LenderID    int64 // who lent the task out, 0 for nobody
	ActedBy     int64
	DueOn       calendar.Date // 办理时限 of the task
	Overdue     bool
	ActedFor    int64
	ReadAt      *time.Time // of a copy
}

// entryColumns are an entry's columns without the state, which is long.
const entryColumns = "i.id, i.created_at, i.updated_at, i.workflow, i.number, i.obligation_id, i.unit_id, i.project_id, i.fiscal_year, " +
	"i.title, i.applicant_id, i.step, i.outcome, i.suspended, i.ended_at, i.sequence, " +
	"COALESCE(p.name, '') AS project_name, u.name AS unit_name, COALESCE(a.name, '') AS applicant"

const taskColumns = ", t.task, t.version AS task_version, t.state AS task_state, t.step AS task_step, t.assignee_id, t.lender_id, t.due_on, t.overdue, t.acted_by, t.acted_for"

func entries(db *gorm.DB, columns string) *gorm.DB {
	return db.Table("workflow_instances i").Select(entryColumns + columns).
		Joins("JOIN units u ON u.id = i.unit_id LEFT JOIN projects p ON p.id = i.project_id LEFT JOIN users a ON a.id = i.applicant_id")
}

func scanEntries(q *gorm.DB) ([]Entry, error) {
	var list []Entry
	if err := q.Scan(&list).Error; err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	return list, nil
}

// OpenTasksOf returns the open tasks (待办) of the given people, those with the
// earliest time limit first; a task without one comes last.
func (s *Store) OpenTasksOf(ctx context.Context, people []int64, limit int) ([]Entry, error) {
	return scanEntries(entries(s.Read(ctx), taskColumns).Joins("JOIN workflow_tasks t ON t.instance_id = i.id").
		Where("t.assignee_id IN ? AND t.state = 'open' AND i.outcome = ''", people).
		Order("t.due_on IS NULL, t.due_on, t.id").Limit(limit))
}

// CountOpenTasks counts the open tasks of the given people.
func (s *Store) CountOpenTasks(ctx context.Context, people []int64) (int, error) {
	var n int64
	err := s.Read(ctx).Table("workflow_tasks t").Joins("JOIN workflow_instances i ON i.id = t.instance_id").
		Where("t.assignee_id IN ? AND t.state = 'open' AND i.outcome = ''", people).Count(&n).Error
	return int(n), err
}

// UnassignedTasks returns the open tasks of a unit for which nobody was found
// (待指派), those of all units for 0.
func (s *Store) UnassignedTasks(ctx context.Context, unitID int64, limit int) ([]Entry, error) {
	return s.unitTasks(ctx, unitID, limit, "t.assignee_id = 0")
}

// OverdueTasks returns the overdue list of a unit (超期清单), that of all units
// for 0.
func (s *Store) OverdueTasks(ctx context.Context, unitID int64, limit int) ([]Entry, error) {
	return s.unitTasks(ctx, unitID, limit, "t.overdue = ?", true)
}

func (s *Store) unitTasks(ctx context.Context, unitID int64, limit int, condition string, args ...any) ([]Entry, error) {
	q := entries(s.Read(ctx), taskColumns).Joins("JOIN workflow_tasks t ON t.instance_id = i.id").
		Where("t.state = 'open' AND i.outcome = ''").Where(condition, args...)
	on(&q)(unitID != 0, "i.unit_id = ?", unitID)
	return scanEntries(q.Order("t.due_on IS NULL, t.due_on, t.id").Limit(limit))
}

// DecidedBy returns the tasks that a person has decided (已办), or that were
// decided for them, the latest first, with ids of instances below before if
// that is not 0.
func (s *Store) DecidedBy(ctx context.Context, userID, before int64, limit int) ([]Entry, error) {
	q := entries(s.Read(ctx), taskColumns).Joins("JOIN workflow_tasks t ON t.instance_id = i.id").
		Where("t.acted_by = ? OR t.acted_for = ?", userID, userID)
	on(&q)(before != 0, "i.id < ?", before)
	return scanEntries(q.Order("i.id DESC, t.task DESC").Limit(limit))
}

// StartedBy returns the instances of which a person is the applicant (我发起的),
// the latest first.
func (s *Store) StartedBy(ctx context.Context, userID, before int64, limit int) ([]Entry, error) {
	q := entries(s.Read(ctx), "").Where("i.applicant_id = ?", userID)
	on(&q)(before != 0, "i.id < ?", before)
	return scanEntries(q.Order("i.id DESC").Limit(limit))
}

// CopiesOf returns the instances of which a person has a copy (抄送我的), the
// latest first.
func (s *Store) CopiesOf(ctx context.Context, userID, before int64, limit int) ([]Entry, error) {
	q := entries(s.Read(ctx), ", c.read_at").Joins("JOIN workflow_copies c ON c.instance_id = i.id").Where("c.user_id = ?", userID)
	on(&q)(before != 0, "i.id < ?", before)
	return scanEntries(q.Order("i.id DESC").Limit(limit))
}

// InstanceFilter narrows a list of instances.
type InstanceFilter struct {
	ObligationID int64
	Limit        int
}

// Instances returns instances, the latest first.
func (s *Store) Instances(ctx context.Context, f InstanceFilter) ([]Entry, error) {
	q := entries(s.Read(ctx), "")
	on(&q)(f.ObligationID != 0, "i.obligation_id = ?", f.ObligationID)
	return scanEntries(q.Order("i.id DESC").Limit(f.Limit))
}

// InstancesOf returns the running instances in which a person has an undecided
// part: a task, one lent out, or the application.
func (s *Store) InstancesOf(ctx context.Context, userID int64) ([]WorkflowInstance, error) {
	var list []WorkflowInstance
	err := s.Read(ctx).Where("outcome = '' AND (applicant_id = ? OR id IN (SELECT instance_id FROM workflow_tasks "+
		"WHERE (assignee_id = ? OR lender_id = ?) AND state IN ('open', 'waiting')))", userID, userID, userID).Order("id").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	return list, nil
}

// History returns what was done in an instance, in order.
func (tx *Tx) History(instanceID int64) ([]WorkflowAction, error) {
	var actions []WorkflowAction
	if err := tx.db.Where("instance_id = ?", instanceID).Order("sequence").Find(&actions).Error; err != nil {
		return nil, fmt.Errorf("read the history of instance %d: %w", instanceID, err)
	}
	return actions, nil
}

// Lenders returns for whom a person may act by a delegation that is in force
// on a day, directly or through others, whatever its scope: an upper bound of
// whose tasks may be theirs.
func (s *Store) Lenders(ctx context.Context, userID int64, day calendar.Date) ([]int64, error) {
	var ds []Delegation
	err := s.Read(ctx).Where("revoked_at IS NULL AND first_day <= ? AND last_day >= ?", day, day).Find(&ds).Error
	if err != nil {
		return nil, fmt.Errorf("read delegations: %w", err)
	}
	found := []int64{userID}
	for i := 0; i < len(found); i++ {
		for _, d := range ds {
			if d.ToID == found[i] && !slices.Contains(found, d.FromID) {
				found = append(found, d.FromID)
			}
		}
	}
	return found[1:], nil
}

// DelegationsOf returns the delegations from or to a person that are not over
// on a day, all people's for 0.
func (s *Store) DelegationsOf(ctx context.Context, userID int64, day calendar.Date) ([]Delegation, error) {
	q := s.Read(ctx).Where("revoked_at IS NULL AND last_day >= ?", day)
	on(&q)(userID != 0, "from_id = ? OR to_id = ?", userID, userID)
	var ds []Delegation
	if err := q.Order("first_day, id").Find(&ds).Error; err != nil {
		return nil, fmt.Errorf("read delegations: %w", err)
	}
	return ds, nil
}

// DueDateChanges returns the extensions of a duty, in order.
func (s *Store) DueDateChanges(ctx context.Context, obligationID int64) ([]DueDateChange, error) {
	var list []DueDateChange
	return list, s.Read(ctx).Where("obligation_id = ?", obligationID).Order("id").Find(&list).Error
}

// BudgetRevisions returns the revisions of a project's budget, in order.
func (s *Store) BudgetRevisions(ctx context.Context, projectID int64) ([]BudgetRevision, error) {
	var list []BudgetRevision
	return list, s.Read(ctx).Where("project_id = ?", projectID).Order("id").Find(&list).Error
}

// BudgetItems returns the lines into which a duty's placeholder budget was refined.
func (s *Store) BudgetItems(ctx context.Context, obligationID int64) ([]BudgetItem, error) {
	var list []BudgetItem
	return list, s.Read(ctx).Where("obligation_id = ?", obligationID).Order("instance_id, sequence").Find(&list).Error
}

// Reports returns what approved workflows put on record about a duty, in order.
func (s *Store) Reports(ctx context.Context, obligationID int64) ([]Report, error) {
	var list []Report
	return list, s.Read(ctx).Where("obligation_id = ?", obligationID).Order("id").Find(&list).Error
}

// IndicatorResults returns the reported actuals of a project's indicators, in
// the order of the reports.
func (s *Store) IndicatorResults(ctx context.Context, projectID int64) ([]IndicatorResult, error) {
	var list []IndicatorResult
	return list, s.Read(ctx).Where("project_id = ?", projectID).Order("instance_id, sequence").Find(&list).Error
}
