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
// of people on leave for whom they stand in. Those with the earliest time
// limit come first.
func (e *Engine) Inbox(ctx context.Context, userID int64, limit int) ([]InboxItem, error) {
	lenders, err := e.Store.Lenders(ctx, userID, e.Store.Today())
	if err != nil {
		return nil, err
	}
	entries, err := e.Store.OpenTasksOf(ctx, append(lenders, userID), limit)
	if err != nil {
		return nil, err
	}
	items := make([]InboxItem, 0, len(entries))
	for _, entry := range entries {
		item := InboxItem{Entry: entry}
		if entry.AssigneeID != userID {
			item.For = entry.AssigneeID
			if ok, err := e.standsIn(ctx, userID, entry); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
		}
		items = append(items, item)
	}
	return items, nil
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
// own: one that is refused does not keep the others from being approved. Tasks
// whose step fills fields in are refused, because somebody has to fill them.
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
