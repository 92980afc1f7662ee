package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// ApplyOptions say how a draft is applied.
type ApplyOptions struct {
	// DryRun does everything, reports it, and rolls it back.
	DryRun bool
	// DropMissing stops supervising the projects of the draft's units that the
	// document no longer lists. Without it they are only reported, because a
	// document may hold a part of a unit's projects.
	DropMissing bool
}

// Result is what applying a document did, or would do.
type Result struct {
	Batch     models.ImportBatch
	Changes   []Change
	Added     int // projects that are new
	Changed   int // projects whose statement changed
	Unchanged int // projects that stand as they were
	Missing   int // projects that are stored but no longer listed
	Opened    int // data problems that are new
	Closed    int // data problems that the document no longer has
	written   int // records of any kind that were added or changed
}

// Empty reports whether the document changes nothing.
func (r *Result) Empty() bool { return r.written == 0 }

// errRollBack ends a transaction whose effects are not wanted.
var errRollBack = errors.New("roll back")

// Apply compares a draft with what is stored and stores the difference, with
// the duties that follow from it, in one transaction: a document is applied as
// a whole or not at all. Applying the same document again changes nothing.
func Apply(ctx context.Context, store *models.Store, actor string, d *Draft, opt ApplyOptions) (*Result, error) {
	if err := d.fits(); err != nil {
		return nil, err
	}
	var res *Result
	err := store.Tx(ctx, actor, func(tx *models.Tx) error {
		a := &application{tx: tx, draft: d, opt: opt, today: store.Today(), res: &Result{}, projects: map[string]models.Project{}}
		res = a.res
		if err := a.run(); err != nil {
			return err
		}
		if opt.DryRun || res.Empty() {
			return errRollBack
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRollBack) {
		return nil, fmt.Errorf("导入 %s：%w", d.FileName, err)
	}
	return res, nil
}

// application is one draft being applied in one transaction.
type application struct {
	tx       *models.Tx
	draft    *Draft
	opt      ApplyOptions
	today    calendar.Date
	res      *Result
	unitIDs  map[string]int64
	projects map[string]models.Project // by code, as stored by now
	subjects []string                  // whose duties may have changed
	duties   []models.Obligation
	changed  []int64 // the projects that are stated otherwise than before
}

func (a *application) run() error {
	a.res.Batch = models.ImportBatch{Kind: models.ImportTargets, FileName: a.draft.FileName, SHA256: a.draft.SHA256}
	if err := a.tx.CreateBatch(&a.res.Batch); err != nil {
		return err
	}
	a.unitIDs = map[string]int64{}
	for i := range a.draft.Units {
		if err := a.unit(&a.draft.Units[i]); err != nil {
			return err
		}
	}
	touched, err := a.tx.ReconcileDuties(a.subjects, a.duties, "更正后的绩效目标表不再列出", a.today)
	if err != nil {
		return err
	}
	// A corrected checkpoint moves the lights of those after it, too.
	if err := a.tx.CheckProjects(a.changed, a.today); err != nil {
		return err
	}
	if err := a.problems(); err != nil {
		return err
	}
	a.res.written += a.res.Added + a.res.Changed + touched + a.res.Opened + a.res.Closed
	b := &a.res.Batch
	b.Created, b.Updated, b.Problems = a.res.Added, a.res.Changed, a.res.Opened
	return a.tx.FinishBatch(b)
}

func (a *application) unit(u *UnitDraft) error {
	// Where the document states no code, which is flagged, the name stands for it.
	code := cmp.Or(u.Code, u.Name)
	stored, ok, err := a.tx.UnitByCode(code)
	if err != nil {
		return err
	}
	if !ok && u.Code != "" { // an earlier document may have stated the name only
		if stored, ok, err = a.tx.UnitByCode(u.Name); err != nil {
			return err
		}
	}
	if !ok || stored.Code != code || (u.Name != "" && stored.Name != u.Name) {
		if ok {
			a.change(ActionChange, u.Name, "预算单位", stored.Code+" "+stored.Name, code+" "+u.Name)
		}
		a.res.written++
		stored.Code, stored.Name = code, u.Name
		if err := a.tx.SaveUnit(&stored); err != nil {
			return err
		}
	}
	a.unitIDs[u.Code] = stored.ID
	if err := a.goals(stored, u.Goals); err != nil {
		return err
	}
	if err := a.listed(stored, u.Projects); err != nil {
		return err
	}
	// A document without a promise for the unit may simply lack its first part.
	if u.RefinementText != "" {
		a.subjects = append(a.subjects, models.UnitSubject(stored.ID))
		a.duties = append(a.duties, models.UnitDuties(stored, a.draft.FiscalYear, u.RefinementText)...)
	}
	return nil
}

// goals replaces a unit's goals if the document states others. A document
// that states none, because it holds tables only, leaves them alone.
func (a *application) goals(u models.Unit, goals []models.Goal) error {
	if len(goals) == 0 {
		return nil
	}
	stored, err := a.tx.UnitGoals(u.ID, a.draft.FiscalYear)
	if err != nil {
		return err
	}
	fresh := slices.Clone(goals)
	for i := range fresh {
		fresh[i].UnitID, fresh[i].FiscalYear = u.ID, a.draft.FiscalYear
	}
	if slices.EqualFunc(stored, fresh, sameGoal) {
		return nil
	}
	if len(stored) > 0 {
		a.change(ActionChange, u.Name, "部门整体绩效目标", fmt.Sprintf("%d 条", len(stored)), fmt.Sprintf("%d 条（内容有变）", len(fresh)))
	}
	a.res.written++
	return a.tx.ReplaceGoals(u.ID, a.draft.FiscalYear, stored, fresh)
}

// listed applies the projects that the document lists for a unit.
func (a *application) listed(u models.Unit, drafts []ProjectDraft) error {
	codes := make([]string, len(drafts))
	for i, p := range drafts {
		codes[i] = p.Code
	}
	stored, err := a.tx.ProjectRecords(a.draft.FiscalYear, codes)
	if err != nil {
		return err
	}
	var added []*models.ProjectRecord
	for i := range drafts {
		is := a.record(u, &drafts[i])
		was, ok := stored[is.Code]
		if !ok {
			added = append(added, is)
			continue
		}
		if err := a.listedAgain(was, is); err != nil {
			return err
		}
	}
	if err := a.tx.AddProjects(added); err != nil {
		return err
	}
	a.res.Added += len(added)
	for _, r := range added {
		a.stands(r)
	}
	return a.missing(u, codes)
}

func (a *application) record(u models.Unit, p *ProjectDraft) *models.ProjectRecord {
	r := &models.ProjectRecord{Project: p.Project, Targets: slices.Clone(p.Targets), Indicators: slices.Clone(p.Indicators)}
	r.UnitID, r.FiscalYear, r.BatchID, r.State = u.ID, a.draft.FiscalYear, a.res.Batch.ID, models.ProjectActive
	return r
}

// listedAgain applies a project that is stored already.
func (a *application) listedAgain(was, is *models.ProjectRecord) error {
	is.ID, is.Stamps, is.Version = was.ID, was.Stamps, was.Version
	is.OwnerID, is.ManagerID = was.OwnerID, was.ManagerID
	if kept, ok, err := a.tx.KeepRevision(was, is); err != nil {
		return err
	} else if ok {
		a.change(ActionKept, projectLabel(was.Project), "预算和计划", was.Budget.In(money.TenThousand)+"万元", fmt.Sprintf("文件所列 %s万元，已于 %s 调剂（保留）",
			kept.Was.Budget.In(money.TenThousand), kept.RevisedOn))
	}
	changes := compare(was, is)
	if len(changes) == 0 {
		a.res.Unchanged++
		a.projects[was.Code] = was.Project
		return nil
	}
	a.res.Changed++
	a.res.Changes = append(a.res.Changes, changes...)
	a.changed = append(a.changed, is.ID)
	if err := a.tx.ReplaceProject(was, is); err != nil {
		return err
	}
	a.stands(is)
	return nil
}

// stands notes a project whose duties must be brought in line.
func (a *application) stands(r *models.ProjectRecord) {
	a.projects[r.Code] = r.Project
	a.subjects = append(a.subjects, models.ProjectSubject(r.ID))
	a.duties = append(a.duties, r.Duties()...)
}

// missing reports, or drops, the unit's projects that are no longer listed.
func (a *application) missing(u models.Unit, listed []string) error {
	codes, err := a.tx.UnitProjectCodes(u.ID, a.draft.FiscalYear)
	if err != nil {
		return err
	}
	here := make(map[string]bool, len(listed))
	for _, c := range listed {
		here[c] = true
	}
	codes = slices.DeleteFunc(codes, func(c string) bool { return here[c] })
	if len(codes) == 0 {
		return nil
	}
	projects, err := a.tx.Projects(a.draft.FiscalYear, codes)
	if err != nil {
		return err
	}
	a.res.Missing += len(codes)
	for _, code := range codes {
		p := projects[code]
		if !a.opt.DropMissing {
			a.change(ActionMissing, projectLabel(p), "项目", "在册", "文件未列出（保留）")
			continue
		}
		a.change(ActionDrop, projectLabel(p), "项目", "在册", "不再列出")
		a.res.written++
		p.State = models.ProjectDropped
		if err := a.tx.SaveProject(&p); err != nil {
			return err
		}
		a.subjects = append(a.subjects, models.ProjectSubject(p.ID)) // without duties: they are waived
	}
	return nil
}

func (a *application) change(action Action, subject, field, was, is string) {
	a.res.Changes = append(a.res.Changes, Change{Action: action, Subject: subject, Field: field, Was: was, Is: is})
}

// problems stores the draft's flags and closes those that it no longer has.
func (a *application) problems() error {
	var units, projects []int64
	for _, id := range a.unitIDs {
		units = append(units, id)
	}
	for _, p := range a.projects {
		projects = append(projects, p.ID)
	}
	seen := map[string]int{}
	found := make([]models.DataProblem, 0, len(a.draft.Problems))
	for _, p := range a.draft.Problems {
		project := a.projects[p.ProjectCode]
		unitID, ok := a.unitIDs[p.UnitCode]
		if !ok { // it concerns the document, so the unit that publishes it
			unitID = a.unitIDs[a.draft.Units[0].Code]
		}
		key := fmt.Sprintf("%d %d %d %s %s", a.draft.FiscalYear, unitID, project.ID, p.Code, p.Field)
		seen[key]++ // one project may have the same problem in two rows
		found = append(found, models.DataProblem{
			Fingerprint: fingerprint(fmt.Appendf(nil, "%s %d", key, seen[key])),
			UnitID:      unitID, ProjectID: project.ID, FiscalYear: a.draft.FiscalYear,
			Code: p.Code, Field: p.Field, Value: p.Value, Message: p.Message,
			File: a.draft.FileName, Line: p.Line, OwnerID: project.OwnerID,
		})
	}
	var err error
	a.res.Opened, a.res.Closed, err = a.tx.SyncProblems(a.draft.FiscalYear, units, projects, found, a.draft.FileName)
	return err
}
