package api

import (
	"context"

	"duban/models"
	"duban/models/money"
)

// Sizes of the lists of projects and of one project.
const (
	projectsPage     = 100
	projectDuties    = 200
	projectPayments  = 50
	projectMessages  = 20
	projectProblems  = 50
	projectIndicator = 200
)

// projectsData is a page of the list of projects.
type projectsData struct {
	Year     int
	Years    []int
	Projects []projectView
	First    bool
	Next     string // the cursor of the next page, "" on the last one
}

func projects(ctx context.Context, r *request) (any, error) {
	year, years, err := fiscalYear(ctx, r)
	if err != nil {
		return nil, err
	}
	after := r.query.Get("after") // a code; any text is the end of some page
	rows, err := r.store.ProjectRows(ctx, year, after, projectsPage+1, r.today)
	if err != nil {
		return nil, err
	}
	rows, more := rest(rows, projectsPage)
	data := projectsData{Year: year, Years: years, First: after == ""}
	for _, p := range rows {
		data.Projects = append(data.Projects, viewProject(p, r.today))
	}
	if more {
		data.Next = rows[len(rows)-1].Code
	}
	return data, nil
}

// projectData is everything about one project.
type projectData struct {
	projectView
	Charts       []drawing
	Table        []checkpoint
	Indicators   []models.Indicator
	Payments     []models.Payment
	MorePayments bool
	Ledger       ledger
	Messages     []models.Message
	Problems     []models.Problem
	Changes      *projectFlows // nil where there are no workflows
	Silenced     []models.Silence
	MayMute      bool
	MaySilence   bool
}

func project(ctx context.Context, r *request) (any, error) {
	row, err := r.store.ProjectRow(ctx, r.id, r.today)
	if err != nil {
		return nil, err
	}
	data := projectData{projectView: viewProject(row, r.today)}
	c, err := data.curve(ctx, r.store, r.today)
	if err != nil {
		return nil, err
	}
	data.Charts, data.Table = draw(c), c.checkpoints()
	for i, t := range data.Targets { // in the same order
		point := &data.Table[i]
		point.Label, point.Share = t.Label, t.Percent
		point.Reached = money.Share{Paid: point.Paid, Budget: data.Budget}.Reaches(t.Percent)
	}
	if data.Indicators, err = r.store.Indicators(ctx, row.ID, projectIndicator); err != nil {
		return nil, err
	}
	if data.Changes, err = changes(ctx, r, row.Project, data.Indicators); err != nil {
		return nil, err
	}
	if data.Payments, err = r.store.Payments(ctx, row.ID, projectPayments+1); err != nil {
		return nil, err
	}
	if data.Silenced, err = silencesOf(ctx, r, models.Obligation{UnitID: row.UnitID, ProjectID: row.ID}); err != nil {
		return nil, err
	}
	data.MaySilence = supervises(r.person) && serves(r.person, row.UnitID)
	data.MayMute = data.MaySilence || r.person.ID != 0 && r.person.ID == row.ManagerID
	data.Payments, data.MorePayments = rest(data.Payments, projectPayments)
	data.Ledger.ProjectID = row.ID
	if data.Ledger.Duties, _, err = readDuties(ctx, r, models.DutyFilter{ProjectID: row.ID}, projectDuties); err != nil {
		return nil, err
	}
	if data.Messages, err = r.store.Messages(ctx, models.MessageFilter{ProjectID: row.ID, Limit: projectMessages}); err != nil {
		return nil, err
	}
	data.Problems, err = r.store.Problems(ctx, models.ProblemFilter{ProjectID: row.ID, Limit: projectProblems})
	return data, err
}
