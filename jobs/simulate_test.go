package jobs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
)

// words is what one message is, whatever its id and those that it tells.
func words(n models.Notification) string {
	key := n.DedupKey
	if d := n.Payload.Digest; d != nil {
		key, _, _ = strings.Cut(key, fmt.Sprintf("|%d|", n.RecipientID))
		var told strings.Builder
		for _, i := range d.Items {
			fmt.Fprintf(&told, " %d:%s", i.ObligationID, i.Light)
		}
		key += told.String()
	}
	return fmt.Sprintf("%s %s %s %s", key, n.State, n.Reason, n.Payload.Light)
}

// rehearse lives through a period on a copy of the bureau, and returns what is
// said on each day.
func (b bureau) rehearse(t *testing.T, from, to calendar.Date) map[calendar.Date][]string {
	t.Helper()
	clock := clockwork.NewFakeClockAt(from.At(0, 0))
	scratch := modelstest.Open(t, models.SQLite, clock)
	if err := b.CopyTo(t.Context(), scratch); err != nil {
		t.Fatal(err)
	}
	days := map[calendar.Date][]string{}
	err := jobs.Simulate(t.Context(), scratch, clock, models.Only(models.ChannelFile), from, to, func(d jobs.SimulatedDay) error {
		for _, n := range d.Messages {
			days[d.Day] = append(days[d.Day], words(n))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return days
}

// contents counts the rows of every table.
func (b bureau) contents(t *testing.T) map[string]int64 {
	t.Helper()
	tables, err := b.Read(t.Context()).Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, table := range tables {
		var n int64
		if err := b.Read(t.Context()).Table(table).Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		rows[table] = n
	}
	return rows
}

func TestARehearsalSaysWhatLivingThroughThePeriodSays(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		b := newBureau(t, driver)
		b.sweep(t, day(5, 20))
		from, to := day(5, 21), day(7, 9)

		before, duties := b.contents(t), b.obligations(t)
		rehearsed := b.rehearse(t, from, to)
		if after := b.contents(t); !maps.Equal(after, before) {
			t.Errorf("the original held %v rows and now holds %v", before, after)
		}
		if !slices.Equal(b.obligations(t), duties) {
			t.Error("the rehearsal changed the original's duties")
		}
		if _, err := b.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}

		had := len(b.messages(t))
		total := 0
		for d := from; !d.After(to); d = d.AddDays(1) {
			b.sweep(t, d)
			if d.Weekday() == time.Monday {
				b.report(t, d)
			}
			var lived []string
			all := b.messages(t)
			for _, n := range all[had:] {
				lived = append(lived, words(n))
			}
			had = len(all)
			total += len(lived)
			slices.Sort(lived)
			slices.Sort(rehearsed[d])
			if !slices.Equal(lived, rehearsed[d]) {
				t.Errorf("%s said %q\nthe rehearsal  %q", d, lived, rehearsed[d])
			}
		}
		if total < 50 {
			t.Errorf("%d messages are no test", total)
		}
	})
}

func TestARehearsalHearsOfPeopleRulesAndWaivers(t *testing.T) {
	engines(t, func(t *testing.T, driver models.Driver) {
		b := newBureau(t, driver)
		b.sweep(t, day(7, 20))
		var duty models.Obligation
		if err := b.Read(t.Context()).Where("kind = ? AND due_on = ?", models.SpendingTarget, day(6, 30)).Order("id").Take(&duty).Error; err != nil {
			t.Fatal(err)
		}
		// An administrator turned one rule off, waived a duty, added a day off.
		err := b.Tx(t.Context(), "tester", func(tx *models.Tx) error {
			rules, err := b.Rules(t.Context())
			if err != nil {
				return err
			}
			for _, r := range rules {
				if r.Kind == models.Monitoring {
					r.Enabled = false
					if err := tx.SaveRule(&r); err != nil {
						return err
					}
				}
			}
			if err := tx.SaveCalendarDays([]models.CalendarDay{{Day: day(8, 1), Name: "本地假日"}}); err != nil {
				return err
			}
			return tx.WaiveObligation(duty.ID, "不再实施")
		})
		if err != nil {
			t.Fatal(err)
		}
		days := b.rehearse(t, day(7, 21), day(8, 8))
		if len(days) == 0 || len(days[day(8, 1)]) > 0 {
			t.Errorf("%d days on which something is said, and %q on the day off", len(days), days[day(8, 1)])
		}
		kinds := map[int64]models.Kind{}
		for _, o := range b.obligations(t) {
			kinds[o.ID] = o.Kind
		}
		for d, messages := range days {
			for _, m := range messages {
				var id int64
				if _, err := fmt.Sscanf(m, "%d|", &id); err != nil { // a digest or report, of these
					continue
				}
				if id == duty.ID || kinds[id] == models.Monitoring {
					t.Errorf("%s: %s", d, m)
				}
			}
		}
	})
}
