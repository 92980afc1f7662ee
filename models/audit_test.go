package models_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"gorm.io/gorm"

	"duban/models"
	"duban/models/modelstest"
)

func addUnits(t *testing.T, s *models.Store, from, n int) {
	t.Helper()
	for i := range n {
		err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			return tx.SaveUnit(&models.Unit{Code: strconv.Itoa(from + i), Name: "单位"})
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestConcurrentWritersKeepOneAuditChain(t *testing.T) {
	modelstest.Each(t, fakeClock(), func(t *testing.T, s *models.Store) {
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() { addUnits(t, s, w*100, 10) })
		}
		wg.Wait()
		if n, err := s.VerifyAudit(t.Context()); n != 60 || err != nil {
			t.Errorf("%d entries, %v; want 60", n, err)
		}
	})
}

func TestAnyEditOfTheAuditTrailIsFound(t *testing.T) {
	for name, tamper := range map[string]func(*gorm.DB) *gorm.DB{
		"an entry is edited":  func(db *gorm.DB) *gorm.DB { return db.Exec("UPDATE audit_entries SET actor = 'someone' WHERE seq = 3") },
		"an entry is removed": func(db *gorm.DB) *gorm.DB { return db.Exec("DELETE FROM audit_entries WHERE seq = 3") },
		"the end is cut off":  func(db *gorm.DB) *gorm.DB { return db.Exec("DELETE FROM audit_entries WHERE seq = 5") },
		"two entries change places": func(db *gorm.DB) *gorm.DB {
			db.Exec("UPDATE audit_entries SET seq = 99 WHERE seq = 2")
			db.Exec("UPDATE audit_entries SET seq = 2 WHERE seq = 3")
			return db.Exec("UPDATE audit_entries SET seq = 3 WHERE seq = 99")
		},
		"an entry is added after the end": func(db *gorm.DB) *gorm.DB {
			return db.Exec("INSERT INTO audit_entries SELECT 6, at, actor, action, entity, entity_id, detail, hash, hash FROM audit_entries WHERE seq = 5")
		},
		"the end is cut off and the head moved back": func(db *gorm.DB) *gorm.DB {
			db.Exec("DELETE FROM audit_entries WHERE seq = 5")
			return db.Exec("UPDATE audit_heads SET seq = 4")
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, fakeClock(), func(t *testing.T, s *models.Store) {
				addUnits(t, s, 0, 5)
				if err := tamper(s.Read(t.Context())).Error; err != nil {
					t.Fatal(err)
				}
				_, err := s.VerifyAudit(t.Context())
				var fault *models.AuditError
				if !errors.As(err, &fault) {
					t.Errorf("not found: %v", err)
				}
			})
		})
	}
}
