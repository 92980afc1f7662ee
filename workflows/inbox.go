package workflows

import (
	"context"
	"errors"

	"duban/models"
)

// InboxItem is an open task that a person may decide (待我审批).
type InboxItem struct {
	models.Entry
	// For is for whom the person would act: 0 for themselves, else somebody on
	// leave who has delegated to them.
	For int64
}

// Inbox returns the open tasks that a person may act on: their own, and those
// of people on leave for whom they stand in, after their own. Those with the
// earliest time limit come first.
func (e *Engine) Inbox(ctx context.Context, userID int64, limit int) ([]InboxItem, error) {
	lenders, err := e.Store.Lenders(ctx, userID, e.Store.Today())
	if err != nil {
		return nil, err
	}
	own, err := e.Store.OpenTasksOf(ctx, []int64{userID}, limit)
	if err != nil {
		return nil, err
	}
	items := make([]InboxItem, 0, len(own))
	for _, entry := range own {
		items = append(items, InboxItem{Entry: entry})
	}
	if len(lenders) == 0 {
		return items, nil
	}
	theirs, err := e.Store.OpenTasksOf(ctx, lenders, limit)
	if err != nil {
		return nil, err
	}
	for _, entry := range theirs {
		if len(items) == limit {
			break
		}
		ok, err := e.standsIn(ctx, userID, entry)
		if err != nil {
			return nil, err
		}
		if ok {
			items = append(items, InboxItem{Entry: entry, For: entry.AssigneeID})
		}
	}
	return items, nil
}

// Waiting counts what waits for a person: their own open tasks, and all of the
// people for whom they may stand in. It rehearses none of them, so it can be
// shown everywhere, and may count a few that they cannot decide.
func (e *Engine) Waiting(ctx context.Context, userID int64) (int, error) {
	lenders, err := e.Store.Lenders(ctx, userID, e.Store.Today())
	if err != nil {
		return 0, err
	}
	return e.Store.CountOpenTasks(ctx, append(lenders, userID))
}

// standsIn reports whether a person may decide somebody else's task now: the
// delegation may not cover the workflow, and duties stay separate through it.
func (e *Engine) standsIn(ctx context.Context, userID int64, entry models.Entry) (bool, error) {
	v, err := e.View(ctx, entry.ID)
	if err != nil {
		return false, err
	}
	for _, t := range v.TasksFor(userID) {
		if t.ID == entry.Task {
			return true, nil
		}
	}
	return false, nil
}

// TaskRef names a task as a person saw it in a list.
type TaskRef struct {
	InstanceID int64 `json:"instance"`
	Task       int   `json:"task"`
	Version    int   `json:"version"`
}

// BulkResult is what became of one task of a bulk approval.
type BulkResult struct {
	TaskRef
	Refused *Error // nil if it was approved
}

// ApproveAll approves several tasks (批量同意), each in a transaction of its
// own: one that is refused does not keep the others from being approved. A task
// whose step has required fields to fill in is refused.
func (e *Engine) ApproveAll(ctx context.Context, by int64, tasks []TaskRef, comment string) ([]BulkResult, error) {
	results := make([]BulkResult, 0, len(tasks))
	for _, ref := range tasks {
		_, err := e.Act(ctx, ref.InstanceID, Action{Kind: Approve, By: by, Task: ref.Task, TaskVersion: ref.Version, Comment: comment})
		refusal, refused := errors.AsType[*Error](err)
		switch {
		case errors.Is(err, models.ErrNotFound):
			refusal = refuse(CodeUnknownTask, "没有这个待办")
		case err != nil && !refused:
			return results, err
		}
		results = append(results, BulkResult{ref, refusal})
	}
	return results, nil
}
