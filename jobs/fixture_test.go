package jobs_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/importer"
	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
)

const theDocument = "../../shared/seeds/tangshan-hpf-2025.txt"

// bureau is a store that holds the published document, its people, and a year
// of payments of which some are late.
type bureau struct {
	*models.Store
	clock *clockwork.FakeClock
}

func newBureau(t *testing.T, driver models.Driver) bureau {
	t.Helper()
	data, err := os.ReadFile(theDocument)
	modelstest.Require(t, err == nil, "the published document "+theDocument)
	clock := clockwork.NewFakeClockAt(day(1, 1).At(8, 30))
	b := bureau{modelstest.Open(t, driver, clock), clock}
	draft, err := importer.ReadTargets("targets.txt", data, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := importer.Apply(t.Context(), b.Store, "tester", draft, importer.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	b.staff(t)
	b.payments(t)
	return b
}

// staff names an owner and a manager for every project but the last, and a
// leader and a finance officer for all.
func (b bureau) staff(t *testing.T) {
	t.Helper()
	var projects []models.Project
	if err := b.Read(t.Context()).Order("code").Find(&projects).Error; err != nil {
		t.Fatal(err)
	}
	err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		users := []models.User{
			{Account: "owner0", Roles: []models.Role{models.RoleOwner}},
			{Account: "owner1", Roles: []models.Role{models.RoleOwner}},
			{Account: "manager", Roles: []models.Role{models.RoleManager}},
			{Account: "leader", Roles: []models.Role{models.RoleLeader}},
			{Account: "finance", Roles: []models.Role{models.RoleFinance}},
		}
		for i := range users {
			u := &users[i]
			u.Name, u.Email, u.Language, u.Active = u.Account, u.Account+"@example.cn", models.Chinese, true
			if _, _, err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		for i, p := range projects[:len(projects)-1] {
			p.OwnerID, p.ManagerID = users[i%2].ID, users[2].ID
			if err := tx.SaveProject(&p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// payments adds a year in which each project pays monthly at a pace of its
// own, with a refund now and then. The same every time.
func (b bureau) payments(t *testing.T) {
	t.Helper()
	var projects []models.Project
	if err := b.Read(t.Context()).Order("code").Find(&projects).Error; err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(2025, 6))
	var all []models.Payment
	for i, p := range projects {
		for m := time.January; m <= time.December; m++ {
			on := calendar.MustDate(2025, m, 1+random.IntN(28))
			amount := p.Budget * money.Fen(60+random.IntN(60)) / 1200
			if random.IntN(9) == 0 {
				amount = -amount / 4
			}
			all = append(all, models.Payment{ProjectID: p.ID, PaidOn: on, Amount: amount, VoucherNo: fmt.Sprintf("%d-%d", i, m), AsOf: on})
		}
	}
	if err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.AddPayments(all, b.Today()) }); err != nil {
		t.Fatal(err)
	}
}

func (b bureau) sweeper() *jobs.Sweeper {
	return &jobs.Sweeper{Store: b.Store, Clock: b.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler)}
}

// sweep moves the clock to the morning of d and sweeps it.
func (b bureau) sweep(t *testing.T, d calendar.Date) jobs.Stats {
	t.Helper()
	b.clock.Advance(d.At(8, 30).Sub(b.clock.Now()))
	stats, err := b.sweeper().Sweep(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

// report writes the weekly reports of a day.
func (b bureau) report(t *testing.T, d calendar.Date) jobs.ReportStats {
	t.Helper()
	stats, err := (&jobs.Reporter{Store: b.Store, Clock: b.clock, Routing: models.Only(models.ChannelFile)}).Report(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func (b bureau) obligations(t *testing.T) []models.Obligation {
	t.Helper()
	var all []models.Obligation
	if err := b.Read(t.Context()).Order("subject, kind, due_on, sequence").Find(&all).Error; err != nil {
		t.Fatal(err)
	}
	return all
}

// said reports whether a message is a reminder that is told, by itself or in a
// digest.
func said(m models.Notification) bool {
	return m.ObligationID != 0 && (m.State != models.NotificationSuppressed || m.Reason == models.SuppressedDigest)
}

func (b bureau) messages(t *testing.T) []models.Notification {
	t.Helper()
	all, err := b.NotificationsAfter(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
