package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// ListOptions say how a list is applied.
type ListOptions struct {
	// DryRun does everything, reports it, and rolls it back.
	DryRun bool
	// Partial takes the good rows of a list that has bad ones. Without it such
	// a list is left alone as a whole.
	Partial bool
}

// ListResult is what applying a list did, or would do.
type ListResult struct {
	Added     int
	Changed   int
	Unchanged int // rows that are stored already, word for word
	Header    []string
	Rejected  []Rejected
	Warnings  []string // what was taken but looks wrong
}

// applyList runs the application of a list in one transaction, which it rolls
// back for a dry run, for a list with bad rows, and where nothing changes.
func applyList(ctx context.Context, store *models.Store, actor string, opt ListOptions, batch models.ImportBatch, header []string, rejected []Rejected,
	apply func(tx *models.Tx, batchID int64, res *ListResult) error,
) (*ListResult, error) {
	var res *ListResult
	err := store.Tx(ctx, actor, func(tx *models.Tx) error {
		res = &ListResult{Header: header, Rejected: slices.Clone(rejected)}
		b := batch
		if err := tx.CreateBatch(&b); err != nil {
			return err
		}
		if err := apply(tx, b.ID, res); err != nil {
			return err
		}
		slices.SortStableFunc(res.Rejected, func(a, b Rejected) int { return a.Line - b.Line })
		if opt.DryRun || (len(res.Rejected) > 0 && !opt.Partial) || res.Added+res.Changed == 0 {
			return errRollBack
		}
		b.Created, b.Updated, b.Problems = res.Added, res.Changed, len(res.Rejected)
		return tx.FinishBatch(&b)
	})
	if err != nil && !errors.Is(err, errRollBack) {
		return nil, fmt.Errorf("导入 %s：%w", batch.FileName, err)
	}
	return res, nil
}

// ApplyPayments stores the payments of a list that are not stored yet, and has
// the duties of their projects checked. A payment that is stored already is
// passed over; one whose voucher is stored with other words is rejected, since
// payments are corrected by new vouchers and never edited. A list that says up
// to which day it is complete moves that day even if no payment is new: that
// nothing more was paid is news, too.
func ApplyPayments(ctx context.Context, store *models.Store, actor string, sheet *PaymentSheet, opt ListOptions) (*ListResult, error) {
	batch := models.ImportBatch{Kind: models.ImportPayments, FileName: sheet.FileName, SHA256: sheet.SHA256}
	return applyList(ctx, store, actor, opt, batch, sheet.Header, sheet.Rejected, func(tx *models.Tx, batchID int64, res *ListResult) error {
		p := payments{tx: tx, batchID: batchID, sheet: sheet, asOf: sheet.completeUpTo()}
		err := p.load()
		if err != nil {
			return err
		}
		var fresh []models.Payment
		named := map[int64]bool{}
		for _, row := range sheet.Rows {
			payment, reason := p.payment(row)
			named[payment.ProjectID] = true
			switch {
			case reason != "":
				res.Rejected = append(res.Rejected, Rejected{Line: row.Line, Cells: row.Cells, Reason: reason})
			case payment.ID != 0:
				res.Unchanged++
			default:
				fresh = append(fresh, payment)
				p.remember(payment)
			}
		}
		res.Added = len(fresh)
		if err := tx.AddPayments(fresh, store.Today()); err != nil {
			return err
		}
		if !sheet.AsOf.IsZero() {
			if res.Changed, err = tx.RecordsComplete(slices.Sorted(maps.Keys(named)), sheet.AsOf); err != nil {
				return err
			}
		}
		return p.warnOfOverspending(fresh, res)
	})
}

// payments is a list of payments being applied.
type payments struct {
	tx       *models.Tx
	batchID  int64
	sheet    *PaymentSheet
	byCode   map[int]map[string]models.Project // by year
	byName   map[int]map[string][]models.Project
	vouchers map[int64]map[string]models.Payment
	projects map[int64]models.Project // that the rows may mean, by code or by name
	asOf     calendar.Date
}

// completeUpTo is the day up to which a list is complete: as it says, or else
// at least up to its last payment.
func (s *PaymentSheet) completeUpTo() calendar.Date {
	last := s.AsOf
	for _, row := range s.Rows {
		if s.AsOf.IsZero() && row.PaidOn.After(last) {
			last = row.PaidOn
		}
	}
	return last
}

// warnOfOverspending names the projects of which more is paid than budgeted
// now: most often an amount in the wrong unit.
func (p *payments) warnOfOverspending(fresh []models.Payment, res *ListResult) error {
	touched := map[int64]models.Project{}
	for _, payment := range fresh {
		touched[payment.ProjectID] = p.projects[payment.ProjectID]
	}
	spent, err := p.tx.Spent(slices.Sorted(maps.Keys(touched)))
	if err != nil {
		return err
	}
	for id, project := range touched {
		if paid := spent[id]; paid > project.Budget {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s 累计支出 %s 万元，超过预算 %s 万元，请核对金额和单位",
				projectLabel(project), paid.In(money.TenThousand), project.Budget.In(money.TenThousand)))
		}
	}
	slices.Sort(res.Warnings)
	return nil
}

func (p *payments) load() error {
	p.byCode, p.byName = map[int]map[string]models.Project{}, map[int]map[string][]models.Project{}
	p.projects = map[int64]models.Project{}
	codes, named := map[int][]string{}, map[int]bool{}
	for _, row := range p.sheet.Rows {
		codes[row.FiscalYear] = append(codes[row.FiscalYear], row.ProjectCode)
		named[row.FiscalYear] = named[row.FiscalYear] || row.ProjectCode == ""
	}
	for year, list := range codes {
		slices.Sort(list)
		found, err := p.tx.Projects(year, slices.Compact(list))
		if err != nil {
			return err
		}
		p.byCode[year] = found
		for _, project := range found {
			p.projects[project.ID] = project
		}
		if !named[year] {
			continue
		}
		all, err := p.tx.ProjectsByName(year)
		if err != nil {
			return err
		}
		p.byName[year] = all
		for _, same := range all {
			for _, project := range same {
				p.projects[project.ID] = project
			}
		}
	}
	var err error
	p.vouchers, err = p.tx.Vouchers(slices.Sorted(maps.Keys(p.projects)))
	return err
}

// project finds the project that a row means, or says why it cannot.
func (p *payments) project(row PaymentRow) (models.Project, string) {
	if row.ProjectCode != "" {
		project, ok := p.byCode[row.FiscalYear][row.ProjectCode]
		switch {
		case !ok:
			return project, fmt.Sprintf("项目编码“%s”在 %d 年度没有这个项目，请先导入绩效目标表", row.ProjectCode, row.FiscalYear)
		case row.ProjectName != "" && row.ProjectName != project.Name:
			return project, fmt.Sprintf("项目名称“%s”与编码 %s 的项目“%s”不符", row.ProjectName, row.ProjectCode, project.Name)
		}
		return project, ""
	}
	same := p.byName[row.FiscalYear][row.ProjectName]
	switch len(same) {
	case 0:
		return models.Project{}, fmt.Sprintf("项目名称“%s”在 %d 年度没有这个项目，请先导入绩效目标表", row.ProjectName, row.FiscalYear)
	case 1:
		return same[0], ""
	}
	return models.Project{}, fmt.Sprintf("项目名称“%s”有 %d 个项目，请填写项目编码", row.ProjectName, len(same))
}

// payment makes the payment of a row, with an id if it is stored already, or
// says why the row cannot be taken.
func (p *payments) payment(row PaymentRow) (models.Payment, string) {
	project, reason := p.project(row)
	if reason != "" {
		return models.Payment{}, reason
	}
	today := p.tx.Store().Today()
	switch {
	case row.PaidOn.After(today):
		return models.Payment{}, fmt.Sprintf("支付日期 %s 晚于今天 %s", row.PaidOn, today)
	case row.PaidOn.Year() != row.FiscalYear:
		return models.Payment{}, fmt.Sprintf("支付日期 %s 不在 %d 预算年度内", row.PaidOn, row.FiscalYear)
	}
	fresh := models.Payment{
		ProjectID: project.ID, PaidOn: row.PaidOn, Amount: row.Amount, VoucherNo: row.VoucherNo,
		Payee: row.Payee, Summary: row.Summary, BatchID: p.batchID, AsOf: p.asOf,
	}
	have, ok := p.vouchers[project.ID][row.VoucherNo]
	if !ok {
		return fresh, ""
	}
	if have.ID == 0 {
		return models.Payment{}, fmt.Sprintf("凭证号“%s”在本文件中已经用于同一项目（%s）", row.VoucherNo, project.Name)
	}
	if have.PaidOn != fresh.PaidOn || have.Amount != fresh.Amount {
		return models.Payment{}, fmt.Sprintf("凭证号“%s”已有 %s 的一笔 %s 元，内容不同；更正请另用一个凭证号", row.VoucherNo, have.PaidOn, have.Amount)
	}
	return have, ""
}

// remember keeps the list itself from using a voucher twice, once by the
// project's code and once by its name.
func (p *payments) remember(payment models.Payment) {
	if p.vouchers[payment.ProjectID] == nil {
		p.vouchers[payment.ProjectID] = map[string]models.Payment{}
	}
	p.vouchers[payment.ProjectID][payment.VoucherNo] = payment
}

// ApplyPeople adds the people of a list and changes those whose accounts are
// there already.
func ApplyPeople(ctx context.Context, store *models.Store, actor string, sheet *PeopleSheet, opt ListOptions) (*ListResult, error) {
	batch := models.ImportBatch{Kind: models.ImportPeople, FileName: sheet.FileName, SHA256: sheet.SHA256}
	return applyList(ctx, store, actor, opt, batch, sheet.Header, sheet.Rejected, func(tx *models.Tx, _ int64, res *ListResult) error {
		for _, row := range sheet.Rows {
			u := models.User{
				Account: row.Account, Name: row.Name, Email: row.Email, Mobile: row.Mobile,
				Language: row.Language, Roles: row.Roles, Active: true,
			}
			if row.UnitCode != "" {
				unit, ok, err := tx.UnitByCode(row.UnitCode)
				if err != nil {
					return err
				}
				if !ok {
					res.Rejected = append(res.Rejected, Rejected{
						Line: row.Line, Cells: row.Cells,
						Reason: fmt.Sprintf("单位编码“%s”不存在，请先导入它的绩效目标表，或留空表示全部单位", row.UnitCode),
					})
					continue
				}
				u.UnitID = unit.ID
			}
			added, changed, err := tx.SaveUser(&u)
			if err != nil {
				return err
			}
			res.count(added, changed)
		}
		return nil
	})
}

func (r *ListResult) count(added, changed bool) {
	switch {
	case added:
		r.Added++
	case changed:
		r.Changed++
	default:
		r.Unchanged++
	}
}
