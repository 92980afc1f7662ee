package api

import (
	"context"

	"duban/models"
)

const problemsPage = 100

var problemStates = []models.ProblemState{models.ProblemOpen, models.ProblemCorrected, models.ProblemConfirmed}

// problemsData is a page of the data problems (数据核查).
type problemsData struct {
	State    models.ProblemState // open unless the query says otherwise
	States   []models.ProblemState
	Total    int // on all pages
	Problems []models.Problem
	First    bool
	Next     int64 // the cursor of the next page, 0 on the last one
}

func problems(ctx context.Context, r *request) (any, error) {
	state, err := choice(r.query, "state", models.ProblemOpen, problemStates...)
	if err != nil {
		return nil, err
	}
	after, err := number(r.query, "after")
	if err != nil {
		return nil, err
	}
	data := problemsData{State: state, States: problemStates, First: after == 0}
	if data.Total, err = r.store.CountProblems(ctx, models.ProblemFilter{State: state}); err != nil {
		return nil, err
	}
	rows, err := r.store.Problems(ctx, models.ProblemFilter{State: state, AfterID: after, Limit: problemsPage + 1})
	if err != nil {
		return nil, err
	}
	rows, more := rest(rows, problemsPage)
	if more {
		data.Next = rows[len(rows)-1].ID
	}
	data.Problems = rows
	return data, nil
}
