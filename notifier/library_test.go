package notifier_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
	"duban/notifier"
)

// library returns the wordings of a store, whose log the outbox collects.
func (o *outbox) library() *notifier.Library {
	return notifier.NewLibrary(templates(o.t, ""), o.store, slog.New(slog.NewTextHandler(o, nil)))
}

// publish puts words into force, whatever is wrong with them.
func (o *outbox) publish(w models.Wording) {
	o.t.Helper()
	err := o.store.Tx(context.Background(), "admin", func(tx *models.Tx) error {
		history, err := o.store.WordingHistory(context.Background(), w, 1)
		if err != nil {
			return err
		}
		seen := 0
		if len(history) > 0 {
			seen = history[0].Number
		}
		return tx.PublishWording(&w, seen)
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// saying returns the built-in words with another lead.
func saying(t testing.TB, lead string) models.Wording {
	t.Helper()
	source := builtin(t, notifier.ReminderBefore)
	at := strings.Index(source, `{{define "lead"}}`)
	return textOf(notifier.ReminderBefore, source[:at]+`{{define "lead"}}`+lead+"{{end}}\n"+source[at+strings.Index(source[at:], "\n"):])
}

// listener is a channel that keeps what it is given.
type listener struct{ heard []notifier.Message }

func (l *listener) Send(_ context.Context, m notifier.Message) (string, error) {
	l.heard = append(l.heard, m)
	return m.Key, nil
}

func (l *listener) Close() error { return nil }

func TestAPublishedWordingIsSentWithoutARestart(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		channel := &listener{}
		d, u := o.dispatcher(channel), o.user()
		sent := func(wording int) string {
			t.Helper()
			o.add(u, 1)
			o.drain(d)
			rows := o.rows()
			if row := rows[len(rows)-1]; row.State != models.NotificationSent || row.Wording != wording {
				t.Errorf("message %d is %s with version %d, not %d", row.ID, row.State, row.Wording, wording)
			}
			return channel.heard[len(channel.heard)-1].Text
		}
		if text := sent(0); !strings.Contains(text, "应在2025年6月30日前") {
			t.Errorf("the built-in words are not sent:\n%s", text)
		}
		o.publish(saying(t, "新的措辞：{{.Whose}}"))
		if text := sent(1); !strings.Contains(text, "新的措辞：办公楼运转经费") || !strings.Contains(text, "计划进度：50%") {
			t.Errorf("the wording is not sent, or has lost the facts:\n%s", text)
		}
		o.publish(saying(t, "更新的措辞"))
		if text := sent(2); !strings.Contains(text, "更新的措辞") {
			t.Errorf("the newest wording is not sent:\n%s", text)
		}
		o.publish(textOf(notifier.ReminderBefore, ""))
		if text := sent(0); !strings.Contains(text, "应在2025年6月30日前") {
			t.Errorf("the built-in words are not back:\n%s", text)
		}
	})
}

// A program that is older or newer than a stored wording says so once, and
// sends its own words.
func TestABrokenWordingStopsNoMessage(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		o.publish(saying(t, "{{.FieldOfTheFuture}}"))
		broken := smsOf(notifier.ReminderBefore, "body: ${fact_of_the_future}")
		o.publish(broken)
		gone := textOf("template_of_the_future", "x")
		o.publish(gone)
		lib := o.library()
		for range 3 {
			current, err := lib.Current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m, err := current.Render(aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Completion)), models.User{})
			if err != nil || m.Wording != 0 || !strings.Contains(m.Text, "应在2025年6月30日前") || !strings.Contains(m.SMS.Body, "${duty}") {
				t.Errorf("%+v, %v", m, err)
			}
			o.publish(textOf(notifier.ReminderToday, "")) // makes it look again
		}
		for _, says := range []string{"FieldOfTheFuture", "fact_of_the_future", "template_of_the_future"} {
			lines := 0
			for line := range strings.Lines(o.logged()) {
				if strings.Contains(line, says) {
					lines++
				}
			}
			if lines != 1 {
				t.Errorf("%s is logged %d times:\n%s", says, lines, o.logged())
			}
		}
	})
}

// Checks cannot foresee every message. One on which a wording fails is put into
// the built-in words.
func TestAWordingThatFailsOnTheFactsStopsNoMessage(t *testing.T) {
	with, err := templates(t, "").With([]models.Wording{saying(t, `新的措辞{{if eq .Title "没有想到的事项"}}{{.Approval.Step}}{{end}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]struct {
		text   string
		number int
	}{"设备验收": {"新的措辞", 1}, "没有想到的事项": {"应在2025年6月30日前", 0}} {
		r := aReminder(models.Completion)
		r.Title = title
		m, err := with.Render(aNotification(notifier.ReminderBefore, models.Chinese, r), models.User{Name: "张三"})
		if err != nil || m.Wording != want.number || !strings.Contains(m.Text, want.text) {
			t.Errorf("%s: number %d, %v:\n%s", title, m.Wording, err, m.Text)
		}
	}
}

// What was said is shown as it was said.
func TestAMessageKeepsItsWording(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		o := newOutbox(t, s, clock)
		lib := o.library()
		o.publish(saying(t, "旧的措辞"))
		o.publish(saying(t, "新的措辞"))
		o.publish(smsOf(notifier.ReminderBefore, "body: 短信${project}"))
		at := start.Add(time.Minute)
		for _, tc := range []struct {
			name   string
			change func(*models.Notification)
			want   string
			number int
		}{
			{"not sent yet", func(*models.Notification) {}, "新的措辞", 2},
			{"sent with the first", func(n *models.Notification) { n.SentAt, n.Wording = &at, 1 }, "旧的措辞", 1},
			{"sent with the second", func(n *models.Notification) { n.SentAt, n.Wording = &at, 2 }, "新的措辞", 2},
			{"sent before any", func(n *models.Notification) { n.SentAt = &at }, "应在2025年6月30日前", 0},
			{"sent with one that is gone", func(n *models.Notification) { n.SentAt, n.Wording = &at, 7 }, "应在2025年6月30日前", 0},
			{"handed over", func(n *models.Notification) { n.HandedAt, n.Wording = &at, 1 }, "旧的措辞", 1},
			{"a text message", func(n *models.Notification) { n.Channel, n.SentAt, n.Wording = models.ChannelSMS, &at, 1 }, "短信${project}", 1},
		} {
			n := aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Completion))
			tc.change(&n)
			then, err := lib.For(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			m, err := then.Render(n, models.User{})
			if err != nil || !strings.Contains(m.Text+m.SMS.Body, tc.want) || m.Wording != tc.number {
				t.Errorf("%s: number %d: %s %s (%v)", tc.name, m.Wording, m.Text, m.SMS.Body, err)
			}
		}
	})
}

func TestALibraryIsForMany(t *testing.T) {
	clock := clockwork.NewFakeClockAt(start)
	s := modelstest.Open(t, models.SQLite, clock)
	o := newOutbox(t, s, clock)
	lib := o.library()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				current, err := lib.Current(context.Background())
				if err == nil {
					_, err = current.Render(aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Completion)), models.User{})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, lead := range []string{"一", "二", "三"} {
		o.publish(saying(t, lead))
	}
	wg.Wait()
	if current, err := lib.Current(t.Context()); err != nil || !strings.Contains(words(t, current), "三") {
		t.Errorf("the last wording is not in force: %v", err)
	}
}

// words returns the text of a reminder.
func words(t testing.TB, ts *notifier.Templates) string {
	t.Helper()
	m, err := ts.Render(aNotification(notifier.ReminderBefore, models.Chinese, aReminder(models.Completion)), models.User{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Text
}
