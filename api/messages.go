package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/shopspring/decimal"

	"duban/models"
	"duban/notifier"
)

const messagesPage = 50

var messageStates = []models.NotificationState{
	models.NotificationHeld, models.NotificationPending, models.NotificationSending, models.NotificationSent,
	models.NotificationDelivered, models.NotificationFailed, models.NotificationUnknown, models.NotificationDead,
	models.NotificationSuppressed,
}

// messagesData is a page of the outbox.
type messagesData struct {
	State    models.NotificationState
	States   []models.NotificationState
	Messages []models.Message
	Admin    bool // may change what messages say
	First    bool
	Next     int64 // the cursor of the next page, 0 on the last one
	Gaps     bool  // whether the person may see what was not said
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
	data := messagesData{
		State: state, States: messageStates, First: before == 0,
		Admin: r.library != nil && r.person.Has(models.RoleAdmin), Gaps: seesGaps(r.person),
	}
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
	Ack    *ackCard          // of the duty, if the person was reminded of it
	Why    bool              // whether its page may lead to the reasons

	Tells     []models.Message // what a digest tells
	TakenOver int64            // the message by another channel that took over, 0 if none did
	Receipts  []models.Receipt
	MayResend bool
}

// Yuan is the estimated price in 元, to a thousandth of a 分.
func (d messageData) Yuan() string {
	return decimal.New(d.Cost, -5).String()
}

// follow adds what became of the message after it was sent, or instead.
func (d *messageData) follow(ctx context.Context, r *request) error {
	next, ok, err := r.store.FellBackTo(ctx, d.ID)
	if err != nil {
		return err
	}
	if ok {
		d.TakenOver = next.ID
	}
	if d.Payload.Digest != nil {
		first, err := original(ctx, r.store, d.Notification)
		if err != nil {
			return err
		}
		if d.Tells, err = r.store.Messages(ctx, models.MessageFilter{DigestID: first, Limit: digestMessages}); err != nil {
			return err
		}
	}
	d.MayResend = d.State == models.NotificationDead && r.person.Has(models.RoleAdmin)
	d.Receipts, err = r.store.ReceiptsOf(ctx, d.ID)
	return err
}

// digestMessages bounds how many of the reminders that a digest tells are listed.
const digestMessages = 500

// original returns the message for which another channel took over, however
// often: what a digest tells is recorded with the first.
func original(ctx context.Context, store *models.Store, n models.Notification) (int64, error) {
	for n.FallbackOf != 0 {
		before, err := store.Message(ctx, n.FallbackOf)
		if err != nil {
			return 0, err
		}
		n = before.Notification
	}
	return n.ID, nil
}

// offerAck lets the person acknowledge the duty of which the message reminded
// them.
func (d *messageData) offerAck(ctx context.Context, r *request) error {
	if d.ObligationID == 0 || d.InstanceID != 0 || r.person.ID == 0 || d.RecipientID != r.person.ID {
		return nil
	}
	duty, err := r.store.Duty(ctx, d.ObligationID, r.today)
	if err != nil {
		return err
	}
	d.Ack, err = ackOf(ctx, r, duty.Obligation)
	return err
}

// message words the message anew from its frozen facts, as the dispatcher does
// and in the wording that it was sent in, so that it shows what was or will be
// sent.
func message(ctx context.Context, r *request) (any, error) {
	m, err := r.store.Message(ctx, r.id)
	if err != nil {
		return nil, err
	}
	data := messageData{Message: m}
	if r.engine != nil && m.InstanceID == 0 && m.ObligationID != 0 && m.RecipientID != 0 {
		data.Why = r.person.ID == 0 || r.person.ID == m.RecipientID || asksOfAll(r.person)
	}
	if err := data.follow(ctx, r); err != nil {
		return nil, err
	}
	if err := data.offerAck(ctx, r); err != nil {
		return nil, err
	}
	if data.Closed, err = closed(ctx, r, m); err != nil || data.Closed || r.library == nil {
		return data, err
	}
	users, err := r.store.UsersByID(ctx, []int64{m.RecipientID})
	if err != nil {
		return nil, err
	}
	templates, err := r.library.For(ctx, m.Notification)
	if err != nil {
		return nil, err
	}
	// A message of a template that is gone still has its facts.
	if text, err := templates.Render(m.Notification, users[m.RecipientID]); err == nil {
		if data.Text = &text; m.Channel == models.ChannelSMS {
			text.Text = smsText(text)
		}
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

// resend queues a message again that was given up.
func (s *server) resend(c *gin.Context, r *request) error {
	if !r.person.Has(models.RoleAdmin) {
		return &pageError{status: http.StatusForbidden, text: "error.resender"}
	}
	n, err := s.Store.ResendDead(c.Request.Context(), r.person.Account, r.id)
	if err != nil {
		return err
	}
	if n == 0 {
		return &pageError{status: http.StatusConflict, text: "error.not_dead"}
	}
	if s.Wake != nil {
		s.Wake()
	}
	s.redirect(c, "/messages/"+strconv.FormatInt(r.id, 10))
	return nil
}
