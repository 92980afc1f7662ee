package models

import (
	"fmt"
	"slices"

	"duban/models/calendar"
	"duban/models/money"
)

// Vouchers returns the stored payments of the given projects, by project and
// voucher number.
func (tx *Tx) Vouchers(projectIDs []int64) (map[int64]map[string]Payment, error) {
	have := map[int64]map[string]Payment{}
	for chunk := range slices.Chunk(projectIDs, insertChunk) {
		var batch []Payment
		if err := tx.db.Where("project_id IN ?", chunk).Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read payments: %w", err)
		}
		for _, p := range batch {
			if have[p.ProjectID] == nil {
				have[p.ProjectID] = map[string]Payment{}
			}
			have[p.ProjectID][p.VoucherNo] = p
		}
	}
	return have, nil
}

// AddPayments inserts payments and has the duties of their projects checked.
func (tx *Tx) AddPayments(payments []Payment, today calendar.Date) error {
	if len(payments) == 0 {
		return nil
	}
	touched := map[int64]bool{}
	var asOf calendar.Date
	for _, p := range payments {
		touched[p.ProjectID] = true
		if p.AsOf.After(asOf) {
			asOf = p.AsOf
		}
	}
	if err := tx.Create(payments); err != nil {
		return err
	}
	if _, err := tx.RecordsComplete(keys(touched), asOf); err != nil {
		return err
	}
	return tx.CheckProjects(keys(touched), today)
}

// RecordsComplete notes that the payments of the projects' units are on record
// up to a day, and returns for how many units that is news.
func (tx *Tx) RecordsComplete(projectIDs []int64, day calendar.Date) (units int, err error) {
	for chunk := range slices.Chunk(projectIDs, insertChunk) {
		res := tx.db.Model(&Unit{}).
			Where("id IN (SELECT unit_id FROM projects WHERE id IN ?) AND (records_as_of IS NULL OR records_as_of < ?)", chunk, day).
			UpdateColumn("records_as_of", day)
		if res.Error != nil {
			return 0, fmt.Errorf("note the day of the records: %w", res.Error)
		}
		units += int(res.RowsAffected)
	}
	return units, nil
}

// Spent returns what is on record as paid of each of the given projects.
func (tx *Tx) Spent(projectIDs []int64) (map[int64]money.Fen, error) {
	spent := make(map[int64]money.Fen, len(projectIDs))
	for chunk := range slices.Chunk(projectIDs, insertChunk) {
		var sums []Spending
		err := tx.db.Model(&Payment{}).Select("project_id, SUM(amount) AS amount").Where("project_id IN ?", chunk).Group("project_id").Scan(&sums).Error
		if err != nil {
			return nil, fmt.Errorf("read payments: %w", err)
		}
		for _, s := range sums {
			spent[s.ProjectID] = s.Amount
		}
	}
	return spent, nil
}
