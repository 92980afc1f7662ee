package importer

import (
	"context"
	"fmt"

	"duban/models"
)

// ApplyAssignments names the people who answer for projects, who then hear of
// what is due.
func ApplyAssignments(ctx context.Context, store *models.Store, actor string, sheet *AssignmentSheet, opt ListOptions) (*ListResult, error) {
	batch := models.ImportBatch{Kind: models.ImportPeople, FileName: sheet.FileName, SHA256: sheet.SHA256}
	users, err := store.Users(ctx)
	if err != nil {
		return nil, err
	}
	years, err := store.FiscalYears(ctx)
	if err != nil {
		return nil, err
	}
	return applyList(ctx, store, actor, opt, batch, sheet.Header, sheet.Rejected, func(tx *models.Tx, _ int64, res *ListResult) error {
		a := assignments{tx: tx, people: newPeople(users), years: years}
		for _, row := range sheet.Rows {
			changed, reason, err := a.assign(row)
			if err != nil {
				return err
			}
			if reason != "" {
				res.Rejected = append(res.Rejected, Rejected{Line: row.Line, Cells: row.Cells, Reason: reason})
				continue
			}
			res.count(false, changed)
		}
		return tx.ReassignProjects(a.touched)
	})
}

// assignments is a list of assignments being applied.
type assignments struct {
	tx      *models.Tx
	people  people
	years   []int // of which projects are stored, in order
	touched []int64
}

// assign applies one row, and reports whether it changed anything, or why it
// cannot be taken. A row without a year means the latest one.
func (a *assignments) assign(row AssignmentRow) (changed bool, reason string, err error) {
	year := row.FiscalYear
	if year == 0 && len(a.years) > 0 {
		year = a.years[len(a.years)-1]
	}
	found, err := a.tx.Projects(year, []string{row.ProjectCode})
	if err != nil {
		return false, "", err
	}
	p, ok := found[row.ProjectCode]
	if !ok {
		return false, fmt.Sprintf("项目编码“%s”在 %d 年度没有这个项目，请先导入绩效目标表", row.ProjectCode, year), nil
	}
	owner, manager := p.OwnerID, p.ManagerID
	for _, named := range []struct {
		who string
		id  *int64
	}{{row.Owner, &p.OwnerID}, {row.Manager, &p.ManagerID}} {
		if named.who == "" {
			continue
		}
		if *named.id, reason = a.people.find(named.who); reason != "" {
			return false, reason, nil
		}
	}
	if p.OwnerID == owner && p.ManagerID == manager {
		return false, "", nil
	}
	a.touched = append(a.touched, p.ID)
	return true, "", a.tx.SaveProject(&p)
}

// people finds users by what lists call them.
type people struct {
	byAccount map[string]int64
	byName    map[string][]int64
}

func newPeople(users []models.User) people {
	p := people{byAccount: map[string]int64{}, byName: map[string][]int64{}}
	for _, u := range users {
		if u.Active {
			p.byAccount[u.Account] = u.ID
			p.byName[u.Name] = append(p.byName[u.Name], u.ID)
		}
	}
	return p
}

// find returns the user with the account or, if it is unique, the name.
func (p people) find(who string) (id int64, reason string) {
	if id, ok := p.byAccount[who]; ok {
		return id, ""
	}
	switch same := p.byName[who]; len(same) {
	case 0:
		return 0, fmt.Sprintf("没有账号或姓名为“%s”的人员，请先导入人员", who)
	case 1:
		return same[0], ""
	default:
		return 0, fmt.Sprintf("姓名“%s”有 %d 人，请填写账号", who, len(same))
	}
}
