package notifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// situation is one message that is due, and what is known about it. Every
// situation has a person, a duty and a project of its own, so that many fit
// into one database.
type situation struct {
	*outbox
	user    models.User
	duty    models.Obligation
	message models.Notification
}

// put writes a record.
func (s *situation) put(row any) {
	s.t.Helper()
	err := s.store.Tx(context.Background(), "test", func(tx *models.Tx) error { return tx.Create(row) })
	if err != nil {
		s.t.Fatal(err)
	}
}

// change changes the duty.
func (s *situation) change(fn func(*models.Obligation)) {
	s.t.Helper()
	fn(&s.duty)
	err := s.store.Tx(context.Background(), "test", func(tx *models.Tx) error { return tx.SaveChecked([]models.Obligation{s.duty}) })
	if err != nil {
		s.t.Fatal(err)
	}
}

// silence begins one about the duty, that lasts for so many hours.
func (s *situation) silence(kind models.SilenceKind, hours int, change ...func(*models.Silence)) {
	s.t.Helper()
	ends := s.clock.Now().UTC().Add(time.Duration(hours) * time.Hour)
	row := models.Silence{Kind: kind, ObligationID: s.duty.ID, Reason: "测试", AuthorID: 1, StartsAt: s.clock.Now().UTC().Add(-time.Hour), EndsAt: &ends}
	for _, c := range change {
		c(&row)
	}
	s.put(&row)
}

// instead makes a silence be about something else than the duty.
func instead(fn func(*models.Silence)) func(*models.Silence) {
	return func(s *models.Silence) {
		s.ObligationID = 0
		fn(s)
	}
}

// ack has somebody acknowledge the duty for three days.
func (s *situation) ack(user int64, as models.Audience) {
	s.t.Helper()
	today := s.store.Today()
	s.put(&models.Acknowledgement{ObligationID: s.duty.ID, UserID: user, Audience: as, AckedOn: today, UntilOn: today.AddDays(3)})
}

// task makes the message ask for a decision about the duty.
func (s *situation) task(state string) {
	s.t.Helper()
	in := models.WorkflowInstance{State: "{}", ObligationID: s.duty.ID}
	s.put(&in)
	s.put(&models.WorkflowTask{InstanceID: in.ID, Task: 1, State: state, AssigneeID: s.user.ID, TouchedAt: s.clock.Now().UTC()})
	m := with(notifier.WorkflowTask, models.Chinese, func(a *models.Approval) {
		a.Link = &models.Link{UserID: s.user.ID, InstanceID: in.ID, Task: 1, ExpiresAt: s.clock.Now().Add(1000 * time.Hour)}
	})
	s.message.InstanceID, s.message.Template, s.message.Payload = in.ID, m.Template, m.Payload
}

// login makes the message a code that was asked for some time ago.
func (s *situation) login(age time.Duration) {
	s.message.Urgency, s.message.Template, s.message.ObligationID = models.Instant, notifier.LoginCode, 0
	s.message.Payload = models.Reminder{Login: &models.Login{Link: models.LoginLink(s.user.ID, s.clock.Now().Add(-age))}}
}

// other adds another message about the duty, as the first one but changed.
func (s *situation) other(change func(*models.Notification)) {
	s.t.Helper()
	s.add(s.user, 1, func(n *models.Notification) {
		n.ObligationID = s.duty.ID
		change(n)
	})
}

// mute mutes the duty's project, without an end.
func (s *situation) mute() {
	s.t.Helper()
	s.silence(models.Mute, 1, instead(func(x *models.Silence) { x.ProjectID, x.OwnerID, x.EndsAt = s.duty.ProjectID, 1, nil }))
}

func (s *situation) quiet(from, until string) {
	s.t.Helper()
	reach := models.Reach{QuietFrom: from, QuietUntil: until}
	if err := s.store.Tx(context.Background(), "test", func(tx *models.Tx) error { return tx.SaveReach(s.user.ID, reach) }); err != nil {
		s.t.Fatal(err)
	}
}

// eachAt runs fn on every engine, with a clock of its own.
func eachAt(t *testing.T, at time.Time, fn func(t *testing.T, s *models.Store, clock *clockwork.FakeClock)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(at)
			fn(t, modelstest.Open(t, driver, clock), clock)
		})
	}
}

// situation makes one and returns the id of its message.
func (o *outbox) situation(number int64, set func(*situation)) int64 {
	o.t.Helper()
	s := &situation{outbox: o, user: o.user(), duty: models.Obligation{
		Subject: models.ProjectSubject(number), UnitID: number, ProjectID: number, FiscalYear: 2025, Kind: models.SpendingTarget,
		Title: "支出进度", DueOn: friday.AddDays(10), State: models.StateOpen, Light: models.Green,
	}}
	s.put(&s.duty)
	s.message = o.message(s.user, func(n *models.Notification) {
		n.ObligationID, n.Payload.Audience = s.duty.ID, models.ToOwner
	})
	set(s)
	before, err := o.store.LastNotificationID(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	o.enqueue([]models.Notification{s.message})
	after, err := o.store.NotificationsAfter(context.Background(), before)
	if err != nil || len(after) != 1 {
		o.t.Fatalf("%d messages, %v", len(after), err)
	}
	return after[0].ID
}

// byID returns messages in the order of the ids.
func (o *outbox) byID(ids []int64) []models.Notification {
	o.t.Helper()
	all := map[int64]models.Notification{}
	for _, n := range o.rows() {
		all[n.ID] = n
	}
	found := make([]models.Notification, len(ids))
	for i, id := range ids {
		found[i] = all[id]
	}
	return found
}
