package api

import (
	"context"
	"fmt"
	"slices"

	"duban/models"
	"duban/workflows"
)

const entriesPage = 50

// The boxes in which a person's workflows lie.
const (
	boxOpen       = "open"
	boxDecided    = "decided"
	boxStarted    = "started"
	boxCopies     = "copies"
	boxOverdue    = "overdue"
	boxUnassigned = "unassigned"
)

// boxPaths are the pages of the boxes, in the order of their tabs.
var boxPaths = []struct{ box, path string }{
	{boxOpen, "/tasks"},
	{boxDecided, "/tasks/decided"},
	{boxStarted, "/tasks/started"},
	{boxCopies, "/tasks/copies"},
	{boxOverdue, "/tasks/overdue"},
	{boxUnassigned, "/tasks/unassigned"},
}

// mayOpen reports whether a box is for the person: what others are late with
// is for those who supervise, and seats without a person for administrators.
func mayOpen(box string, person models.User) bool {
	switch box {
	case boxOverdue:
		return slices.ContainsFunc([]models.Role{models.RoleOffice, models.RoleFinance, models.RoleLeader, models.RoleHead, models.RoleAdmin}, person.Has)
	case boxUnassigned:
		return person.Has(models.RoleAdmin)
	}
	return true
}

// entryView is an instance in a list, in words.
type entryView struct {
	models.Entry
	Workflow  string // titles
	StepTitle string
	Status    string
	For       string // for whom a stand-in would act or has acted
	Assignee  string
	Days      int
	Bulk      bool // may be approved together with others
}

// Ref names the task in a form.
func (e entryView) Ref() string { return fmt.Sprintf("%d.%d.%d", e.ID, e.Task, e.TaskVersion) }

// lister turns entries into words.
type lister struct {
	engine *workflows.Engine
	r      *request
	known  map[string]workflows.Definition
}

func newLister(r *request) *lister {
	return &lister{engine: r.engine, r: r, known: map[string]workflows.Definition{}}
}

func (l *lister) definition(ctx context.Context, workflow string, number int) (workflows.Definition, error) {
	key := fmt.Sprintf("%s.%d", workflow, number)
	if def, ok := l.known[key]; ok {
		return def, nil
	}
	def, err := l.engine.Definition(ctx, workflow, number)
	l.known[key] = def
	return def, err
}

// views words entries; on whose behalf tells for whom each would be decided.
func (l *lister) views(ctx context.Context, entries []models.Entry) ([]entryView, error) {
	var ids []int64
	for _, e := range entries {
		ids = append(ids, e.AssigneeID, e.ActedFor)
	}
	users, err := l.r.store.UsersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	views := make([]entryView, len(entries))
	for i, e := range entries {
		def, err := l.definition(ctx, e.Workflow, e.Number)
		if err != nil {
			return nil, err
		}
		v := entryView{Entry: e, Workflow: def.Title.In(l.r.language), Status: entryStatus(e), Assignee: users[e.AssigneeID].Name, For: users[e.ActedFor].Name}
		at := e.Step
		if e.Task != 0 {
			at = e.TaskStep
		}
		step, _ := def.Step(at)
		v.StepTitle = step.Title.In(l.r.language)
		v.Bulk = e.Task != 0 && e.LenderID == 0 && at != workflows.ApplyStep && len(step.Fills) == 0 && !e.Suspended
		if !e.DueOn.IsZero() {
			v.Days = l.r.today.DaysUntil(e.DueOn)
		}
		views[i] = v
	}
	return views, nil
}

func entryStatus(e models.Entry) string {
	switch {
	case e.Outcome != "":
		return e.Outcome
	case e.Suspended:
		return "suspended"
	}
	return "running"
}

// tasksData is the page of one box.
type tasksData struct {
	Box     string
	Tabs    []tab
	Entries []entryView
	Bulk    int // how many can be approved together
	First   bool
	Path    string
	Next    int64 // the cursor of the next page, 0 on the last one
}

// tab leads to a box.
type tab struct{ Box, Path string }

// box returns the page of a box.
func (s *server) box(box string) loader {
	return func(ctx context.Context, r *request) (any, error) {
		if !mayOpen(box, r.person) {
			return nil, errNotYours
		}
		before, err := number(r.query, "before")
		if err != nil {
			return nil, err
		}
		data := tasksData{Box: box, First: before == 0}
		for _, b := range boxPaths {
			if mayOpen(b.box, r.person) {
				data.Tabs = append(data.Tabs, tab{b.box, b.path})
			}
			if b.box == box {
				data.Path = b.path
			}
		}
		if data.Entries, data.Next, err = readBox(ctx, r, box, before); err != nil {
			return nil, err
		}
		for _, e := range data.Entries {
			if box == boxOpen && e.Bulk {
				data.Bulk++
			}
		}
		return data, nil
	}
}

// readBox reads a page of a box, and the cursor of the next one.
func readBox(ctx context.Context, r *request, box string, before int64) ([]entryView, int64, error) {
	if box == boxOpen {
		views, err := readInbox(ctx, r)
		return views, 0, err
	}
	var entries []models.Entry
	var err error
	paged := true
	switch box {
	case boxDecided:
		entries, err = r.store.DecidedBy(ctx, r.person.ID, before, entriesPage+1)
	case boxStarted:
		entries, err = r.store.StartedBy(ctx, r.person.ID, before, entriesPage+1)
	case boxCopies:
		entries, err = r.store.CopiesOf(ctx, r.person.ID, before, entriesPage+1)
	case boxOverdue:
		entries, err = r.store.OverdueTasks(ctx, r.person.UnitID, maxWaiting)
		paged = false
	default:
		entries, err = r.store.UnassignedTasks(ctx, r.person.UnitID, maxWaiting)
		paged = false
	}
	if err != nil {
		return nil, 0, err
	}
	var next int64
	if paged {
		entries, next = cut(entries, entriesPage)
	}
	views, err := newLister(r).views(ctx, entries)
	return views, next, err
}

// serves reports whether a person belongs to a unit, or to all.
func serves(person models.User, unit int64) bool { return person.UnitID == 0 || person.UnitID == unit }

// cut shortens a list that was read with one row too many. The tasks of one
// instance stay on one page, because the cursor names the instance.
func cut(entries []models.Entry, size int) ([]models.Entry, int64) {
	if len(entries) <= size {
		return entries, 0
	}
	next := entries[size].ID
	page := entries[:size]
	for len(page) > 1 && page[len(page)-1].ID == next {
		page = page[:len(page)-1]
	}
	return page, page[len(page)-1].ID
}

// readInbox reads what waits for the person.
func readInbox(ctx context.Context, r *request) ([]entryView, error) {
	items, err := r.engine.Inbox(ctx, r.person.ID, maxWaiting)
	if err != nil {
		return nil, err
	}
	entries := make([]models.Entry, len(items))
	for i, item := range items {
		entries[i] = item.Entry
	}
	views, err := newLister(r).views(ctx, entries)
	for i := range views {
		if views[i].For = ""; items[i].For != 0 {
			views[i].For = views[i].Assignee
		}
	}
	return views, err
}
