package models_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
)

// enqueue puts n messages into the outbox.
func enqueue(t *testing.T, s *models.Store, n int) {
	t.Helper()
	messages := make([]models.Notification, n)
	for i := range messages {
		messages[i] = models.Notification{
			DedupKey: fmt.Sprintf("key-%d", i), ObligationID: 1, RecipientID: int64(i + 1), Channel: models.ChannelFile, Day: s.Today(),
			Template: "reminder_before", Language: models.Chinese, State: models.NotificationPending, NextAttemptAt: time.Now().Add(-time.Hour),
		}
	}
	err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		added, err := tx.Enqueue(messages)
		if added != n {
			t.Errorf("enqueued %d of %d", added, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAMessageIsCreatedOnce(t *testing.T) {
	modelstest.Each(t, nil, func(t *testing.T, s *models.Store) {
		enqueue(t, s, 3)
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			n, err := tx.Enqueue([]models.Notification{
				{DedupKey: "key-1", State: models.NotificationPending, Day: s.Today(), NextAttemptAt: time.Now()},
				{DedupKey: "key-9", State: models.NotificationPending, Day: s.Today(), NextAttemptAt: time.Now()},
			})
			if n != 1 {
				t.Errorf("%d messages are new; want 1", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if all, err := s.NotificationsAfter(t.Context(), 0); err != nil || len(all) != 4 {
			t.Errorf("%d messages, %v; want 4", len(all), err)
		}
	})
}

func TestWorkersNeverShareAMessage(t *testing.T) {
	modelstest.Each(t, nil, func(t *testing.T, s *models.Store) {
		const total, workers = 200, 8
		enqueue(t, s, total)
		var mu sync.Mutex
		holders := map[int64]int{}
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for round := 0; ; round++ {
					token := fmt.Sprintf("%d-%d", w, round)
					claimed, err := s.ClaimNotifications(t.Context(), token, 7, time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					if len(claimed) == 0 {
						return
					}
					for _, n := range claimed {
						if n.State != models.NotificationSending || n.LeaseToken != token || n.Attempts != 1 || n.Uncertain != 0 {
							t.Errorf("claimed %+v", n)
						}
						mu.Lock()
						holders[n.ID]++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		for id, n := range holders {
			if n != 1 {
				t.Errorf("message %d was claimed %d times", id, n)
			}
		}
		if len(holders) != total {
			t.Errorf("%d of %d messages were claimed", len(holders), total)
		}
	})
}

func TestALeaseThatRanOutIsTakenOverAndFencesTheFirst(t *testing.T) {
	// The engines' own clocks judge leases, so this one waits for real.
	modelstest.Each(t, nil, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		enqueue(t, s, 1)
		claim := func(token string, lease time.Duration) []models.Notification {
			t.Helper()
			n, err := s.ClaimNotifications(ctx, token, 10, lease)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if first := claim("first", 300*time.Millisecond); len(first) != 1 {
			t.Fatalf("claimed %d", len(first))
		}
		if early := claim("early", time.Minute); len(early) != 0 {
			t.Fatal("a message was claimed although its lease holds")
		}
		var second []models.Notification
		for deadline := time.Now().Add(5 * time.Second); len(second) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			second = claim("second", time.Minute)
		}
		if len(second) != 1 || second[0].Uncertain != 1 || second[0].Attempts != 2 {
			t.Fatalf("taken over as %+v", second)
		}
		if err := finish(s, second[0], "first", models.Outcome{State: models.NotificationSent}); !errors.Is(err, models.ErrLeaseLost) {
			t.Errorf("the first worker finished: %v", err)
		}
		if err := finish(s, second[0], "second", models.Outcome{State: models.NotificationSent, ProviderID: "<id>"}); err != nil {
			t.Error(err)
		}
		if err := finish(s, second[0], "second", models.Outcome{State: models.NotificationSent}); !errors.Is(err, models.ErrLeaseLost) {
			t.Errorf("finished twice: %v", err)
		}
	})
}

func TestFailedMessagesComeBackWhenTheirTimeComesAndDeadOnesWhenAsked(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now().Truncate(time.Second))
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		enqueue(t, s, 1)
		claim := func(token string) models.Notification {
			t.Helper()
			n, err := s.ClaimNotifications(ctx, token, 1, time.Minute)
			if err != nil || len(n) != 1 {
				t.Fatalf("claimed %d, %v", len(n), err)
			}
			return n[0]
		}
		n := claim("1")
		later := clock.Now().Add(10 * time.Minute)
		if err := finish(s, n, "1", models.Outcome{State: models.NotificationFailed, LastError: "x", NextAttemptAt: later}); err != nil {
			t.Fatal(err)
		}
		if early, _ := s.ClaimNotifications(ctx, "2", 1, time.Minute); len(early) != 0 {
			t.Fatal("claimed before its time")
		}
		if at, ok, err := s.NextNotificationAt(ctx); err != nil || !ok || !at.Equal(later) {
			t.Errorf("the next message is due at %s, %v, %v; want %s", at, ok, err, later)
		}
		clock.Advance(10 * time.Minute)
		n = claim("3")
		if err := finish(s, n, "3", models.Outcome{State: models.NotificationFailed, NextAttemptAt: clock.Now(), Untried: true}); err != nil {
			t.Fatal(err)
		}
		if n = claim("4"); n.Attempts != 2 {
			t.Errorf("an attempt that was given back still counts: %d", n.Attempts)
		}
		if err := finish(s, n, "4", models.Outcome{State: models.NotificationDead, LastError: "no such user"}); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := s.NextNotificationAt(ctx); ok {
			t.Error("a dead message is waiting")
		}
		if count, err := s.ResendDead(ctx, "tester"); err != nil || count != 1 {
			t.Errorf("%d dead messages were queued again, %v", count, err)
		}
		if n = claim("5"); n.Attempts != 1 {
			t.Errorf("a message that was queued again starts with %d attempts", n.Attempts)
		}
	})
}

// finish records one outcome, and returns ErrLeaseLost if somebody else holds
// the message.
func finish(s *models.Store, n models.Notification, token string, o models.Outcome) error {
	lost, err := s.FinishNotifications(context.Background(), token, []models.Finished{{Notification: n, Outcome: o}})
	if err == nil && len(lost) > 0 {
		return models.ErrLeaseLost
	}
	return err
}
