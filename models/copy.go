package models

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"
)

// CopyTo copies everything that a rehearsal needs into a migrated, otherwise
// empty store, whatever the engines: all but the audit trail, the imports and
// the runs. It reads one state of the database, whatever is written meanwhile.
func (s *Store) CopyTo(ctx context.Context, to *Store) error {
	return s.Read(ctx).Transaction(func(from *gorm.DB) error {
		return to.Tx(ctx, "system", func(tx *Tx) error { return copyAll(from, tx) })
	}, &sql.TxOptions{Isolation: s.engine.snapshot})
}

func copyAll(from *gorm.DB, tx *Tx) error {
	for _, copyTable := range []func(*gorm.DB, *Tx) error{
		copyRows[Unit], copyRows[User], copyRows[Project], copyRows[Target], copyRows[Indicator], copyRows[Goal],
		copyRows[Payment], copyRows[DataProblem], copyRows[Obligation], copyRows[Rule], copyRows[Schedule],
		copyRows[Notification], copyRows[CalendarDay],
		copyRows[WorkflowDefinition], copyRows[WorkflowInstance], copyRows[WorkflowTask], copyRows[WorkflowAction],
		copyRows[WorkflowTimer], copyRows[WorkflowCopy], copyRows[Delegation], copyRows[Report], copyRows[BudgetRevision],
		copyRows[BudgetItem], copyRows[Silence], copyRows[Acknowledgement], copyRows[Wording],
	} {
		if err := copyTable(from, tx); err != nil {
			return err
		}
	}
	return nil
}

// copyRows copies one table in bounded batches.
func copyRows[T any](from *gorm.DB, tx *Tx) error {
	var row T
	if err := tx.db.Where("1 = 1").Delete(&row).Error; err != nil {
		return fmt.Errorf("clear %T: %w", row, err)
	}
	rows, err := from.Model(&row).Rows()
	if err != nil {
		return fmt.Errorf("copy %T: %w", row, err)
	}
	defer func() { _ = rows.Close() }()
	batch := make([]T, 0, insertChunk)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := tx.Create(batch)
		batch = batch[:0]
		return err
	}
	for rows.Next() {
		var r T
		if err := from.ScanRows(rows, &r); err != nil {
			return fmt.Errorf("copy %T: %w", row, err)
		}
		if batch = append(batch, r); len(batch) == insertChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("copy %T: %w", row, err)
	}
	return flush()
}
