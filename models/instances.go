package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"duban/models/calendar"
)

// Instance returns an instance of a workflow, locked until the transaction
// ends: those who act on it at once do so one after another.
func (tx *Tx) Instance(id int64) (WorkflowInstance, error) {
	var in WorkflowInstance
	err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&in, id).Error
	return in, notFound(err, "流程", id)
}

// PeekInstance is Instance without the lock, for those who only look.
func (tx *Tx) PeekInstance(id int64) (WorkflowInstance, error) {
	var in WorkflowInstance
	return in, notFound(tx.db.Take(&in, id).Error, "流程", id)
}

// OpenInstances returns the running instances about the given duties.
func (tx *Tx) OpenInstances(obligationIDs []int64) ([]WorkflowInstance, error) {
	var all []WorkflowInstance
	for chunk := range slices.Chunk(obligationIDs, insertChunk) {
		var batch []WorkflowInstance
		if err := tx.db.Where("open_for IN ?", chunk).Order("id").Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read open instances: %w", err)
		}
		all = append(all, batch...)
	}
	return all, nil
}

// RunningAbout returns the running instances about a project's duties. The
// project is locked, so that none is begun meanwhile by who asks the same.
func (tx *Tx) RunningAbout(projectID int64) ([]WorkflowInstance, error) {
	if err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&Project{}, projectID).Error; err != nil {
		return nil, notFound(err, "项目", projectID)
	}
	var all []WorkflowInstance
	err := tx.db.Where("open_for IN (SELECT id FROM obligations WHERE project_id = ?)", projectID).Order("id").Find(&all).Error
	if err != nil {
		return nil, fmt.Errorf("read open instances: %w", err)
	}
	return all, nil
}

// LatestInstances returns the latest instance of each workflow about each of
// the given duties, running or not.
func (tx *Tx) LatestInstances(obligationIDs []int64) ([]WorkflowInstance, error) {
	var all []WorkflowInstance
	for chunk := range slices.Chunk(obligationIDs, insertChunk) {
		var batch []WorkflowInstance
		err := tx.db.Where("id IN (SELECT MAX(id) FROM workflow_instances WHERE obligation_id IN ? GROUP BY obligation_id, workflow)", chunk).
			Order("id").Find(&batch).Error
		if err != nil {
			return nil, fmt.Errorf("read instances: %w", err)
		}
		all = append(all, batch...)
	}
	return all, nil
}

// MootInstances returns up to limit running instances, with ids above after,
// whose duty is no longer asked for: it was waived, or it was fulfilled
// without them.
func (tx *Tx) MootInstances(after int64, limit int) ([]WorkflowInstance, error) {
	var moot []WorkflowInstance
	err := tx.db.Where("id > ? AND open_for IN (SELECT id FROM obligations WHERE state = ? OR settled_on IS NOT NULL)", after, StateWaived).
		Order("id").Limit(limit).Find(&moot).Error
	if err != nil {
		return nil, fmt.Errorf("read moot instances: %w", err)
	}
	return moot, nil
}

// PromisedOn returns the day by which an approved corrective action promised
// that its duty would be fulfilled, by instance.
func (tx *Tx) PromisedOn(instanceIDs []int64) (map[int64]calendar.Date, error) {
	var reports []Report
	if err := tx.db.Where("instance_id IN ?", instanceIDs).Find(&reports).Error; err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	promised := make(map[int64]calendar.Date, len(reports))
	for _, r := range reports {
		if day, err := calendar.ParseDate(r.Answers["promised_on"]); err == nil {
			promised[r.InstanceID] = day
		}
	}
	return promised, nil
}

// AddInstance stores a new instance and fills in its id. It returns
// ErrConflict if the duty has a running one of the same workflow by now.
func (tx *Tx) AddInstance(in *WorkflowInstance) error {
	err := tx.Create(in)
	if duplicate(err) {
		return fmt.Errorf("%s %d: %w", in.Workflow, in.ObligationID, ErrConflict)
	}
	return err
}

// SaveInstance stores what an action made of an instance whose Sequence was
// one less. It returns ErrConflict if somebody else acted meanwhile.
func (tx *Tx) SaveInstance(in *WorkflowInstance) error {
	res := tx.db.Model(&WorkflowInstance{}).Where("id = ? AND sequence = ?", in.ID, in.Sequence-1).UpdateColumns(map[string]any{
		"updated_at": tx.store.now(), "open_for": in.OpenFor, "applicant_id": in.ApplicantID, "step": in.Step,
		"outcome": in.Outcome, "suspended": in.Suspended, "ended_at": in.EndedAt, "ended_by": in.EndedBy, "sequence": in.Sequence, "state": in.State,
	})
	if res.Error != nil {
		return fmt.Errorf("save instance %d: %w", in.ID, res.Error)
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("instance %d: %w", in.ID, ErrConflict)
	}
	return nil
}

// SaveTasks stores tasks as they are now, new ones and changed ones.
func (tx *Tx) SaveTasks(tasks []WorkflowTask) error {
	if len(tasks) == 0 {
		return nil
	}
	err := tx.db.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "instance_id"}, {Name: "task"}},
		DoUpdates: clause.AssignmentColumns([]string{
			"updated_at", "version", "state", "assignee_id", "lender_id", "acted_by", "acted_for", "touched_at", "due_on", "overdue",
		}),
	}).CreateInBatches(tasks, insertChunk).Error
	if err != nil {
		return fmt.Errorf("save tasks: %w", err)
	}
	return nil
}

// AddAction adds a line to an instance's history.
func (tx *Tx) AddAction(a *WorkflowAction) error { return tx.Create(a) }

// AddCopies gives people a copy of an instance. Who has one keeps it.
func (tx *Tx) AddCopies(instanceID int64, userIDs []int64) error {
	copies := make([]WorkflowCopy, len(userIDs))
	for i, id := range userIDs {
		copies[i] = WorkflowCopy{InstanceID: instanceID, UserID: id}
	}
	_, err := tx.createMissing(copies)
	return err
}

// MarkCopyRead notes that a person has read their copy.
func (tx *Tx) MarkCopyRead(instanceID, userID int64) error {
	return tx.db.Model(&WorkflowCopy{}).Where("instance_id = ? AND user_id = ? AND read_at IS NULL", instanceID, userID).
		UpdateColumn("read_at", tx.store.now()).Error
}

// SetTimer gives a task the timer, instead of any that it has.
func (tx *Tx) SetTimer(t WorkflowTimer) error {
	t.State, t.FireAt = TimerPending, stored(t.FireAt)
	err := tx.db.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "instance_id"}, {Name: "task"}},
		DoUpdates: clause.AssignmentColumns([]string{
			"updated_at", "rung", "state", "fire_at", "attempts", "lease_token", "lease_until", "last_error",
		}),
	}).Create(&t).Error
	if err != nil {
		return fmt.Errorf("set a timer: %w", err)
	}
	return nil
}

// CancelTimer takes a task's timer away.
func (tx *Tx) CancelTimer(instanceID int64, task int) error {
	return tx.db.Where("instance_id = ? AND task = ?", instanceID, task).Delete(&WorkflowTimer{}).Error
}

// DropTimer takes a timer away that the holder of token has fired, unless the
// task has been given another one since.
func (tx *Tx) DropTimer(id int64, token string) error {
	return tx.db.Where("id = ? AND lease_token = ?", id, token).Delete(&WorkflowTimer{}).Error
}

// UnitPeople returns the active and former people who have to do with a unit,
// those who serve every unit, and those with the given ids, in the order of
// their ids.
func (tx *Tx) UnitPeople(unitID int64, ids []int64) ([]User, error) {
	var users []User
	err := tx.db.Where("unit_id IN ? OR id IN ?", []int64{0, unitID}, ids).Order("id").Find(&users).Error
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return users, nil
}

// Delegations returns the delegations that are in force on a day or will be.
func (tx *Tx) Delegations(from calendar.Date) ([]Delegation, error) {
	var ds []Delegation
	if err := tx.db.Where("last_day >= ? AND revoked_at IS NULL", from).Order("id").Find(&ds).Error; err != nil {
		return nil, fmt.Errorf("read delegations: %w", err)
	}
	return ds, nil
}

// LockDelegations makes those who add delegations do so one after another, so
// that two of them cannot form a cycle together.
func (tx *Tx) LockDelegations() error {
	// The audit chain's head is the one row that exists in every database.
	_, err := tx.lockAuditHead()
	return err
}

// AddDelegation stores a delegation and fills in its id.
func (tx *Tx) AddDelegation(d *Delegation) error {
	if err := tx.Create(d); err != nil {
		return err
	}
	return tx.Audit("delegation.added", "delegations", d.ID, d)
}

// RevokeDelegation ends a delegation now.
func (tx *Tx) RevokeDelegation(id int64) error {
	d, err := tx.Delegation(id)
	if err != nil {
		return err
	}
	if d.RevokedAt != nil {
		return nil
	}
	now := tx.store.now()
	d.RevokedAt = &now
	if err := tx.Audit("delegation.revoked", "delegations", id, d); err != nil {
		return err
	}
	return save(tx, &d, d.ID, &d.Version)
}

// Delegation returns one delegation.
func (tx *Tx) Delegation(id int64) (Delegation, error) {
	var d Delegation
	return d, notFound(tx.db.Take(&d, id).Error, "委托", id)
}

// Definition returns one published version of a workflow, the newest if the
// number is 0.
func (tx *Tx) Definition(workflow string, number int) (d WorkflowDefinition, ok bool, err error) {
	q := tx.db.Where("workflow = ?", workflow)
	if number != 0 {
		q = q.Where("number = ?", number)
	}
	res := q.Order("number DESC").Limit(1).Find(&d)
	if res.Error != nil {
		return d, false, fmt.Errorf("read the definition of %s: %w", workflow, res.Error)
	}
	return d, res.RowsAffected > 0, nil
}

// Definition is Tx.Definition outside a transaction.
func (s *Store) Definition(ctx context.Context, workflow string, number int) (d WorkflowDefinition, ok bool, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		d, ok, err = tx.Definition(workflow, number)
		return err
	})
	return d, ok, err
}

// Definitions returns the newest version of every published workflow.
func (s *Store) Definitions(ctx context.Context) ([]WorkflowDefinition, error) {
	var ds []WorkflowDefinition
	err := s.Read(ctx).Where("number = (SELECT MAX(d.number) FROM workflow_definitions d WHERE d.workflow = workflow_definitions.workflow)").
		Order("workflow").Find(&ds).Error
	if err != nil {
		return nil, fmt.Errorf("read the definitions of workflows: %w", err)
	}
	return ds, nil
}

// AddDefinition stores a version of a workflow.
func (tx *Tx) AddDefinition(d *WorkflowDefinition) error {
	d.PublishedBy = tx.actor
	if err := tx.Create(d); err != nil {
		if duplicate(err) { // another replica was quicker: look again
			return fmt.Errorf("%s version %d: %w", d.Workflow, d.Number, ErrConflict)
		}
		return err
	}
	return tx.Audit("workflow.published", "workflow_definitions", d.ID, map[string]any{"workflow": d.Workflow, "number": d.Number})
}

// Now is the injected clock as times are stored: UTC, to the microsecond.
func (tx *Tx) Now() time.Time { return tx.store.now() }
