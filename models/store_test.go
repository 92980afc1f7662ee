package models_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
)

func fakeClock() *clockwork.FakeClock {
	return clockwork.NewFakeClockAt(time.Date(2025, 6, 20, 0, 30, 0, 0, time.UTC))
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	modelstest.Each(t, fakeClock(), func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		stored, known, err := s.SchemaVersion(ctx)
		if err != nil || stored != known || known < 2 {
			t.Fatalf("schema version %d of %d, %v", stored, known, err)
		}
		rules, err := s.Rules(ctx)
		if err != nil || len(rules) != len(models.Kinds) {
			t.Fatalf("%d default rules, %v; want one a kind", len(rules), err)
		}
		cal, err := s.Calendar(ctx)
		if err != nil || !cal.Covers(2025) {
			t.Fatalf("2025's holidays are not seeded: %v", err)
		}
	})
}

func TestAnAbortedTransactionLeavesNothing(t *testing.T) {
	modelstest.Each(t, fakeClock(), func(t *testing.T, s *models.Store) {
		boom := errors.New("boom")
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			if err := tx.SaveUnit(&models.Unit{Code: "1", Name: "甲"}); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("err = %v", err)
		}
		n, err := s.VerifyAudit(t.Context())
		if n != 0 || err != nil {
			t.Fatalf("%d audit entries, %v; want none", n, err)
		}
	})
}
