package api

import (
	"context"

	"duban/models"
	"duban/workflows"
)

// dutyInstances is how many workflows a duty's page lists.
const dutyInstances = 50

// dutyFlows is the card 流程 on the page of a duty.
type dutyFlows struct {
	Instances  []entryView
	Begin      []optionView // workflows that the person may begin
	Extensions []models.DueDateChange
	Items      []models.BudgetItem
	Reports    []reportView // for those whose unit it is
}

// reportView is what an approved workflow put on record, in words.
type reportView struct {
	models.Report
	Title  string
	Fields []shownField
}

// flows reads what workflows have to do with a duty, nil where there are none.
func flows(ctx context.Context, r *request, d models.Duty) (*dutyFlows, error) {
	if r.engine == nil {
		return nil, nil //nolint:nilnil // there is no card to show
	}
	f := &dutyFlows{}
	entries, err := r.store.Instances(ctx, models.InstanceFilter{ObligationID: d.ID, Limit: dutyInstances})
	if err != nil {
		return nil, err
	}
	l := newLister(r)
	if f.Instances, err = l.views(ctx, entries); err != nil {
		return nil, err
	}
	if f.Begin, err = beginnable(ctx, r, d, entries); err != nil {
		return nil, err
	}
	if f.Extensions, err = r.store.DueDateChanges(ctx, d.ID); err != nil {
		return nil, err
	}
	if f.Items, err = r.store.BudgetItems(ctx, d.ID); err != nil {
		return nil, err
	}
	if !inside(r.person, d.UnitID) {
		for i := range f.Extensions {
			f.Extensions[i].Reason = ""
		}
		return f, nil
	}
	f.Reports, err = reports(ctx, r, l, d.ID, entries)
	return f, err
}

// beginnable lists the workflows that serve the duty, do not run yet, and that
// the person may begin.
func beginnable(ctx context.Context, r *request, d models.Duty, entries []models.Entry) ([]optionView, error) {
	if r.person.ID == 0 || d.State == models.StateWaived {
		return nil, nil
	}
	running := map[string]bool{}
	for _, e := range entries {
		running[e.Workflow] = running[e.Workflow] || e.Outcome == ""
	}
	catalog, err := r.engine.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	var list []optionView
	for _, key := range catalog.Keys() {
		if running[key] || !catalog[key].Serves(d.Kind) {
			continue
		}
		v, err := r.engine.Prepare(ctx, key, d.ID)
		if err != nil {
			return nil, err
		}
		if v.MayBegin(r.person.ID) {
			list = append(list, optionView{Value: beginPath(d.ID, key), Label: catalog.Title(key, r.language)})
		}
	}
	return list, nil
}

// reports words what is on record about a duty. Each report has the version of
// its workflow by which it was written, which says what its answers mean.
func reports(ctx context.Context, r *request, l *lister, obligation int64, entries []models.Entry) ([]reportView, error) {
	list, err := r.store.Reports(ctx, obligation)
	if err != nil {
		return nil, err
	}
	numbers := map[int64]int{}
	for _, e := range entries {
		numbers[e.ID] = e.Number
	}
	views := make([]reportView, len(list))
	for i, report := range list {
		def, err := l.definition(ctx, report.Workflow, numbers[report.InstanceID])
		if err != nil {
			return nil, err
		}
		form := workflows.Form{}
		for _, effect := range def.Effects {
			if effect.Do == workflows.RecordReport {
				for parameter, field := range effect.With {
					form[field] = report.Answers[parameter]
				}
			}
		}
		var about workflows.Case
		if about, err = caseOf(ctx, r, report.InstanceID); err != nil {
			return nil, err
		}
		views[i] = reportView{report, def.Title.In(r.language), showForm(def, about, form, nil, r.language)}
	}
	return views, nil
}

// caseOf reads what an instance was about, which names the rows of its tables.
func caseOf(ctx context.Context, r *request, instance int64) (workflows.Case, error) {
	v, err := r.engine.View(ctx, instance)
	if err != nil {
		return workflows.Case{}, err
	}
	return v.State.Case, nil
}

// projectFlows is what workflows have changed of a project.
type projectFlows struct {
	Revisions []revisionView
	Results   []resultView
}

// revisionView is an approved adjustment of the budget.
type revisionView struct {
	models.BudgetRevision
	Plan []planChange
}

// planChange is one checkpoint of a plan, before and after.
type planChange struct {
	Label    string
	Was, Now string
}

// resultView is the reported actual of an indicator.
type resultView struct {
	models.IndicatorResult
	Indicator string
	Stated    string
}

// inside reports whether somebody who has logged in belongs to a unit, or to
// all. What people wrote in its workflows is for those.
func inside(person models.User, unit int64) bool { return person.ID != 0 && serves(person, unit) }

func changes(ctx context.Context, r *request, project models.Project, indicators []models.Indicator) (*projectFlows, error) {
	if r.engine == nil {
		return nil, nil //nolint:nilnil // there is no card to show
	}
	f := &projectFlows{}
	revisions, err := r.store.BudgetRevisions(ctx, project.ID)
	if err != nil {
		return nil, err
	}
	for _, rev := range revisions {
		if !inside(r.person, project.UnitID) {
			rev.Reason = ""
		}
		f.Revisions = append(f.Revisions, revisionView{rev, planChanges(rev)})
	}
	if !inside(r.person, project.UnitID) {
		return f, nil
	}
	results, err := r.store.IndicatorResults(ctx, project.ID)
	if err != nil {
		return nil, err
	}
	bySequence := map[int]models.Indicator{}
	for _, in := range indicators {
		bySequence[in.Sequence] = in
	}
	for _, res := range results {
		in := bySequence[res.Sequence]
		name := in.Level3
		if name == "" {
			name = in.Description
		}
		f.Results = append(f.Results, resultView{res, name, in.ValueText})
	}
	return f, nil
}

// planChanges lists the checkpoints that an adjustment has changed.
func planChanges(rev models.BudgetRevision) []planChange {
	var list []planChange
	was := map[string]string{}
	for _, p := range rev.Was.Plan {
		was[p.DueOn.String()] = p.Percent.String()
	}
	for _, p := range rev.Revised.Plan {
		key := p.DueOn.String()
		if was[key] != p.Percent.String() {
			list = append(list, planChange{key, was[key], p.Percent.String()})
		}
		delete(was, key)
	}
	for _, p := range rev.Was.Plan {
		if old, gone := was[p.DueOn.String()]; gone {
			list = append(list, planChange{p.DueOn.String(), old, ""})
		}
	}
	return list
}
