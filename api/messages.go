package api

import (
	"context"

	"duban/models"
	"duban/notifier"
)

const messagesPage = 50

var messageStates = []models.NotificationState{
	models.NotificationPending, models.NotificationSending, models.NotificationSent,
	models.NotificationFailed, models.NotificationDead, models.NotificationSuppressed,
}

// messagesData is a page of the outbox.
type messagesData struct {
	State    models.NotificationState
	States   []models.NotificationState
	Messages []models.Message
	First    bool
	Next     int64 // the cursor of the next page, 0 on the last one
}

func messages(ctx context.Context, r *request) (any, error) {
	state, err := choice(r.query, "state", "", messageStates...)
	if err != nil {
		return nil, err
	}
	before, err := number(r.query, "before")
	if err != nil {
		return nil, err
	}
	data := messagesData{State: state, States: messageStates, First: before == 0}
	rows, err := r.store.Messages(ctx, models.MessageFilter{State: state, BeforeID: before, Limit: messagesPage + 1})
	if err != nil {
		return nil, err
	}
	rows, more := rest(rows, messagesPage)
	if more {
		data.Next = rows[len(rows)-1].ID
	}
	data.Messages = rows
	return data, nil
}

// messageData is one message: its facts, what became of it, and its words.
type messageData struct {
	models.Message
	Text   *notifier.Message // nil if it cannot be put into words
	Closed bool              // what it says is not for everybody
}

// message words the message anew from its frozen facts, as the dispatcher
// does, so that it shows what was or will be sent.
func message(ctx context.Context, r *request) (any, error) {
	m, err := r.store.Message(ctx, r.id)
	if err != nil {
		return nil, err
	}
	data := messageData{Message: m}
	if data.Closed, err = closed(ctx, r, m); err != nil || data.Closed || r.templates == nil {
		return data, err
	}
	users, err := r.store.UsersByID(ctx, []int64{m.RecipientID})
	if err != nil {
		return nil, err
	}
	// A message of a template that is gone still has its facts.
	if text, err := r.templates.Render(m.Notification, users[m.RecipientID]); err == nil {
		data.Text = &text
	}
	return data, nil
}

// closed reports whether a message says something that the one who asks may
// not read: what people said in a workflow is for those who may see it.
func closed(ctx context.Context, r *request, m models.Message) (bool, error) {
	switch {
	case m.InstanceID == 0:
		return false, nil
	case r.engine == nil || r.person.ID == 0:
		return true, nil
	case m.RecipientID == r.person.ID:
		return false, nil
	}
	v, err := r.engine.View(ctx, m.InstanceID)
	return err != nil || !v.MaySee(r.person.ID), err
}
