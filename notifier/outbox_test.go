package notifier_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
)

// start is a Friday morning in Shanghai.
var start = time.Date(2025, 6, 20, 1, 0, 0, 0, time.UTC)

// outbox is a store with messages in it, and what a dispatcher needs.
type outbox struct {
	t     testing.TB
	store *models.Store
	clock clockwork.Clock
	next  int
	log   *strings.Builder
	mu    sync.Mutex
}

func newOutbox(t testing.TB, s *models.Store, clock clockwork.Clock) *outbox {
	return &outbox{t: t, store: s, clock: clock, log: new(strings.Builder)}
}

// Write collects the log of the dispatchers.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.Write(p)
}

func (o *outbox) logged() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}

// user adds a person, with an address unless told otherwise.
func (o *outbox) user(change ...func(*models.User)) models.User {
	o.t.Helper()
	o.next++
	u := models.User{
		Account: fmt.Sprintf("u%d", o.next), Name: "张三", Language: models.Chinese, Active: true,
		Email: fmt.Sprintf("u%d@example.gov.cn", o.next), Roles: []models.Role{models.RoleOwner},
	}
	for _, c := range change {
		c(&u)
	}
	err := o.store.Tx(context.Background(), "test", func(tx *models.Tx) error { return tx.Create(&u) })
	if err != nil {
		o.t.Fatal(err)
	}
	return u
}

// add puts n messages for the user into the outbox.
func (o *outbox) add(u models.User, n int, change ...func(*models.Notification)) {
	o.t.Helper()
	rows := make([]models.Notification, n)
	for i := range rows {
		rows[i] = o.message(u, change...)
	}
	o.enqueue(rows)
}

// message returns a message for the user that is not in the outbox yet.
func (o *outbox) message(u models.User, change ...func(*models.Notification)) models.Notification {
	o.next++
	m := models.Notification{
		DedupKey: fmt.Sprintf("k%d", o.next), ObligationID: 5, RecipientID: u.ID, Channel: models.ChannelEmail,
		Day: calendar.DateOf(o.clock.Now()), Template: notifier.ReminderBefore, Language: models.Chinese,
		Payload: aReminder(models.SpendingTarget), State: models.NotificationPending, NextAttemptAt: o.clock.Now().UTC(),
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

// enqueue puts messages into the outbox, all at once.
func (o *outbox) enqueue(rows []models.Notification) {
	o.t.Helper()
	err := o.store.Tx(context.Background(), "test", func(tx *models.Tx) error {
		_, err := tx.Enqueue(rows)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// rows returns every message, in the order in which they were added.
func (o *outbox) rows() []models.Notification {
	o.t.Helper()
	var rows []models.Notification
	if err := o.store.Read(context.Background()).Order("id").Find(&rows).Error; err != nil {
		o.t.Fatal(err)
	}
	return rows
}

// states sums up the messages as "2 sent, 1 failed".
func (o *outbox) states() string {
	n := map[models.NotificationState]int{}
	for _, r := range o.rows() {
		n[r.State]++
	}
	var parts []string
	for _, s := range []models.NotificationState{
		models.NotificationSent, models.NotificationPending, models.NotificationSending, models.NotificationFailed, models.NotificationDead,
	} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

func (o *outbox) want(states string) {
	o.t.Helper()
	if got := o.states(); got != states {
		for _, r := range o.rows() {
			o.t.Logf("message %d: %s, attempt %d, %q, next at %s", r.ID, r.State, r.Attempts, r.LastError, r.NextAttemptAt)
		}
		o.t.Fatalf("the outbox holds %s, want %s", got, states)
	}
}

// dispatcher returns a dispatcher of one worker that sends e-mail by ch.
func (o *outbox) dispatcher(ch notifier.Channel, change ...func(*notifier.Config)) *notifier.Dispatcher {
	o.t.Helper()
	cfg := notifier.Config{
		Store: o.store, Templates: templates(o.t, ""), Workers: 1, Clock: o.clock,
		Channels: map[models.Channel]notifier.Channel{models.ChannelEmail: ch},
		Logger:   slog.New(slog.NewTextHandler(o, nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	d, err := notifier.NewDispatcher(cfg)
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

func (o *outbox) drain(d *notifier.Dispatcher) notifier.Stats {
	o.t.Helper()
	stats, err := d.Drain(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	return stats
}

// gate is a channel that lets messages through one by one.
type gate struct {
	notifier.Channel
	entered chan notifier.Message // a message has arrived at the gate
	open    chan error            // what to answer; nil to send it
	sent    bool                  // send before waiting at the gate, not after
}

func newGate(ch notifier.Channel) *gate {
	return &gate{Channel: ch, entered: make(chan notifier.Message), open: make(chan error)}
}

// Send ignores ctx, as a process that is suspended would.
func (g *gate) Send(ctx context.Context, m notifier.Message) (id string, err error) {
	if g.sent {
		id, err = g.Channel.Send(ctx, m)
	}
	g.entered <- m
	if answer := <-g.open; answer != nil {
		return "", answer
	}
	if !g.sent {
		id, err = g.Channel.Send(ctx, m)
	}
	return id, err
}
