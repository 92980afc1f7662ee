package models

import (
	"fmt"
	"slices"
)

// SyncProblems makes the open data problems of the given projects and units
// equal to found: new ones are added, those that the document no longer has
// are closed as corrected, and those that a person has confirmed stay so
// unless the value has changed since. It returns how many it opened and closed.
func (tx *Tx) SyncProblems(year int, unitIDs, projectIDs []int64, found []DataProblem, file string) (opened, closed int, err error) {
	stored, err := tx.problemsOf(year, unitIDs, projectIDs)
	if err != nil {
		return 0, 0, err
	}
	for _, want := range found {
		have, ok := stored[want.Fingerprint]
		delete(stored, want.Fingerprint)
		switch {
		case !ok:
			want.State = ProblemOpen
			if err := tx.Create(&want); err != nil {
				return 0, 0, err
			}
			opened++
		case have.Value != want.Value || have.State == ProblemCorrected:
			if err := tx.Audit("problem.reopened", "data_problems", have.ID, change{have, want}); err != nil {
				return 0, 0, err
			}
			have.Value, have.Message, have.File, have.Line = want.Value, want.Message, want.File, want.Line
			have.State, have.ClosedAt, have.ClosedBy, have.ClosedNote = ProblemOpen, nil, "", ""
			if err := save(tx, &have, have.ID, &have.Version); err != nil {
				return 0, 0, err
			}
			opened++
		}
	}
	for _, gone := range stored {
		// What a unit's other file had flagged about the unit is that file's.
		if gone.State == ProblemOpen && (gone.ProjectID != 0 || gone.File == file) {
			if err := tx.closeProblem(gone, ProblemCorrected, "已在 "+file+" 中更正"); err != nil {
				return 0, 0, err
			}
			closed++
		}
	}
	return opened, closed, nil
}

func (tx *Tx) problemsOf(year int, unitIDs, projectIDs []int64) (map[string]DataProblem, error) {
	stored := map[string]DataProblem{}
	load := func(where string, ids []int64) error {
		for chunk := range slices.Chunk(ids, insertChunk) {
			var batch []DataProblem
			if err := tx.db.Where("fiscal_year = ?", year).Where(where, chunk).Find(&batch).Error; err != nil {
				return fmt.Errorf("read data problems: %w", err)
			}
			for _, p := range batch {
				stored[p.Fingerprint] = p
			}
		}
		return nil
	}
	if err := load("project_id = 0 AND unit_id IN ?", unitIDs); err != nil {
		return nil, err
	}
	return stored, load("project_id IN ?", projectIDs)
}

func (tx *Tx) closeProblem(p DataProblem, state ProblemState, note string) error {
	now := tx.store.now()
	p.State, p.ClosedAt, p.ClosedBy, p.ClosedNote = state, &now, tx.actor, note
	if err := tx.Audit("problem."+string(state), "data_problems", p.ID, p); err != nil {
		return err
	}
	return save(tx, &p, p.ID, &p.Version)
}

// ConfirmProblem closes a data problem because a person says that the data is
// right as published, and why.
func (tx *Tx) ConfirmProblem(id int64, note string) error {
	var p DataProblem
	if err := notFound(tx.db.Take(&p, id).Error, "数据问题", id); err != nil {
		return err
	}
	if p.State != ProblemOpen {
		return fmt.Errorf("数据问题 %d 已经关闭（%s）", id, p.ClosedNote)
	}
	return tx.closeProblem(p, ProblemConfirmed, note)
}

// CreateBatch records an import, so that its rows can name it.
func (tx *Tx) CreateBatch(b *ImportBatch) error {
	b.Actor = tx.actor
	return tx.Create(b)
}

// FinishBatch stores the counts of an import.
func (tx *Tx) FinishBatch(b *ImportBatch) error {
	if err := tx.Audit("import.applied", "import_batches", b.ID, b); err != nil {
		return err
	}
	return tx.db.Save(b).Error
}
