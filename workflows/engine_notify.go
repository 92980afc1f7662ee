package workflows

import (
	"fmt"
	"time"

	"duban/models"
)

// linkLife is how long the link of a message can be used to decide. The task
// is there for longer; whoever comes later logs in.
const linkLife = 30 * 24 * time.Hour

// notify puts a message to each person into the outbox, or the record that
// there was nobody to tell.
func (r *run) notify(a Action, e Notify) error {
	messages := make([]models.Notification, 0, max(1, len(e.To)))
	seen := map[int64]bool{}
	for _, id := range e.To {
		if u, ok := r.users[id]; ok && !seen[id] {
			seen[id] = true
			messages = append(messages, r.message(a, e, u))
		}
	}
	if len(messages) == 0 {
		messages = append(messages, r.message(a, e, models.User{Language: models.Chinese}))
	}
	_, err := r.tx.Enqueue(messages)
	return err
}

// message is one outbox row. It exists once: an action is taken once.
func (r *run) message(a Action, e Notify, to models.User) models.Notification {
	m := models.Notification{
		DedupKey:     fmt.Sprintf("workflow|%d|%d|%s|%d|%d", r.row.ID, r.is.Sequence, e.Template, e.Task, to.ID),
		ObligationID: r.matter.Obligation.ID, InstanceID: r.row.ID, Day: r.today(), Template: string(e.Template), Payload: r.duty(),
		Urgency: e.Template.urgency(), State: models.NotificationPending, NextAttemptAt: r.at.UTC(),
	}
	r.engine.Routing.Address(&m, to, false)
	m.Payload.Approval = r.approval(a, e, to)
	return m
}

// duty returns the facts about the duty that every message states, as they
// were frozen when the instance began.
func (r *run) duty() models.Reminder {
	if r.facts.Title != "" {
		return r.facts
	}
	o, p, c := r.matter.Obligation, r.matter.Project, r.is.Case
	r.facts = models.Reminder{
		Kind: o.Kind, Title: o.Title, UnitName: r.matter.Unit.Name, ProjectName: p.Name, ProjectCode: p.Code, ProjectID: p.ID,
		FiscalYear: o.FiscalYear, DueOn: o.DueOn, AsOf: r.today(), DaysLeft: r.today().DaysUntil(o.DueOn), Light: o.Light, Source: o.Source,
	}
	if o.Kind == models.SpendingTarget {
		r.facts.RecordsAsOf, r.facts.Budget, r.facts.Paid = c.AsOf, c.Budget, c.Paid
		r.facts.Plan, r.facts.Actual, r.facts.Missing = c.Plan, c.Actual, c.Gap
	}
	return r.facts
}

func (r *run) approval(a Action, e Notify, to models.User) *models.Approval {
	f := &models.Approval{
		InstanceID: r.row.ID, Workflow: r.def.Key, WorkflowTitle: r.def.Title.In(to.Language), Comment: a.Comment,
	}
	if step, ok := r.def.Step(r.is.Step); ok && r.is.Outcome == "" {
		f.Step = step.Title.In(to.Language)
	}
	if r.is.Applicant != 0 {
		f.Applicant = r.people.name(r.is.Applicant)
	}
	if a.By != System {
		f.By = r.people.name(a.By)
	}
	t, ok := r.is.Task(e.Task)
	if !ok {
		return f
	}
	if own, ok := r.def.Step(t.Step); ok {
		f.Step = own.Title.In(to.Language)
	}
	if t.Assignee != 0 && t.Assignee != to.ID {
		f.Assignee = r.people.name(t.Assignee)
	}
	if f.DueOn = t.DueOn; !t.DueOn.IsZero() {
		f.DaysLeft = r.today().DaysUntil(t.DueOn)
	}
	if to.ID != 0 && t.State == TaskOpen && e.Template.asks() {
		f.Link = &models.Link{
			UserID: to.ID, InstanceID: r.row.ID, Task: t.ID, TaskVersion: t.Version, FormHash: r.is.FormHash,
			ExpiresAt: r.at.Add(linkLife).UTC().Truncate(time.Second), Nonce: models.NewNonce(),
		}
	}
	return f
}

// urgency says how soon a message must be read: at once if somebody waits for
// its reader, or did so in vain.
func (t Template) urgency() models.Urgency {
	if t.asks() || t == NotifyUnassigned || t == NotifyOverdue {
		return models.Urgent
	}
	return models.Normal
}

// asks reports whether a message asks its recipient to decide.
func (t Template) asks() bool {
	switch t {
	case NotifyTask, NotifySentBack, NotifyRemind, NotifyUrge:
		return true
	case NotifyUnassigned, NotifyOverdue, NotifyCopy, NotifyComment, NotifyApproved, NotifyRejected, NotifyWithdrawn, NotifyTerminated:
	}
	return false
}
