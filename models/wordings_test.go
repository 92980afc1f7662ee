package models_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
)

func reminderWords(source string) models.Wording {
	return models.Wording{Template: "reminder_before", Language: models.Chinese, Form: models.WordingText, Source: source}
}

func publish(t *testing.T, s *models.Store, w models.Wording, seen int) (models.Wording, error) {
	t.Helper()
	err := s.Tx(t.Context(), "admin", func(tx *models.Tx) error { return tx.PublishWording(&w, seen) })
	return w, err
}

func TestWordingsAreNumberedAndKept(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2025, 6, 20, 1, 0, 0, 0, time.UTC))
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		stamps := map[models.WordingStamp]bool{}
		stamp := func() {
			t.Helper()
			now, err := s.WordingStamp(ctx)
			if err != nil || stamps[now] {
				t.Errorf("the stamp %+v says that nothing has changed (%v)", now, err)
			}
			stamps[now] = true
		}
		stamp()
		text, sms := reminderWords("第一版"), reminderWords("body: 短信")
		sms.Form = models.WordingSMS
		for _, step := range []struct {
			w    models.Wording
			seen int
		}{{text, 0}, {sms, 0}, {reminderWords("第二版"), 1}, {reminderWords(""), 2}, {reminderWords("第一版"), 3}} {
			got, err := publish(t, s, step.w, step.seen)
			if err != nil || got.Number != step.seen+1 || got.PublishedBy != "admin" || !got.CreatedAt.Equal(clock.Now()) {
				t.Fatalf("%+v, %v", got, err)
			}
			stamp()
		}
		inForce, err := s.Wordings(ctx)
		if err != nil || len(inForce) != 2 || inForce[0].Form != models.WordingSMS || inForce[1].Number != 4 || inForce[1].Source != "第一版" {
			t.Errorf("in force: %+v, %v", inForce, err)
		}
		history, err := s.WordingHistory(ctx, text, 3)
		var numbers []int
		for _, w := range history {
			numbers = append(numbers, w.Number)
		}
		if err != nil || !slices.Equal(numbers, []int{4, 3, 2}) {
			t.Errorf("history %v, %v", numbers, err)
		}
		text.Number = 2
		if w, err := s.Wording(ctx, text); err != nil || w.Source != "第二版" {
			t.Errorf("version 2: %+v, %v", w, err)
		}
		text.Number = 9
		if _, err := s.Wording(ctx, text); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("version 9: %v", err)
		}
		var entries []models.AuditEntry
		if err := s.Read(ctx).Where("action = ?", "wording.published").Find(&entries).Error; err != nil || len(entries) != 5 {
			t.Errorf("%d audit entries, %v", len(entries), err)
		}
		if strings.Contains(entries[0].Detail, "第一版") || !strings.Contains(entries[0].Detail, `"number":1`) {
			t.Errorf("the audit entry says %s", entries[0].Detail)
		}
	})
}

func TestOfTwoWhoPublishAtOnceOneIsTold(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2025, 6, 20, 1, 0, 0, 0, time.UTC))
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		var wg sync.WaitGroup
		results := make([]error, 4)
		for i := range results {
			wg.Go(func() {
				w := reminderWords("我的")
				results[i] = s.Tx(t.Context(), "admin", func(tx *models.Tx) error { return tx.PublishWording(&w, 0) })
			})
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else if !errors.Is(err, models.ErrConflict) {
				t.Error(err)
			}
		}
		history, err := s.WordingHistory(t.Context(), reminderWords(""), 10)
		if err != nil || won != 1 || len(history) != 1 {
			t.Errorf("%d won, %d versions, %v", won, len(history), err)
		}
		if _, err := publish(t, s, reminderWords("旧页面"), 0); !errors.Is(err, models.ErrConflict) {
			t.Errorf("who saw an older version: %v", err)
		}
	})
}

func TestWordingsThatCannotBeStored(t *testing.T) {
	s := modelstest.Open(t, models.SQLite, clockwork.NewFakeClock())
	for name, change := range map[string]func(*models.Wording){
		"no template": func(w *models.Wording) { w.Template = "" },
		"no form":     func(w *models.Wording) { w.Form = "voice" },
		"no language": func(w *models.Wording) { w.Language = "fr" },
		"too long":    func(w *models.Wording) { w.Source = strings.Repeat("x", models.MaxWording+1) },
	} {
		w := reminderWords("x")
		change(&w)
		if _, err := publish(t, s, w, 0); !errors.Is(err, models.ErrWording) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
