package notifier_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/notifier"
)

// partly is the script of a long message of which the provider took two parts,
// and the others were refused or not confirmed.
func partly(class notifier.Class, id string) script {
	s := failing(class)
	s.id = id
	return s
}

// Two parts of a long message were taken, and nobody confirmed the third: what
// is reported of the two is believed, but they are not the message.
func TestWhatWasTakenInPart(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 8 * time.Hour
		arrive, loses := c.text(partly(notifier.Unknown, "a1,a2")), c.text(partly(notifier.Unknown, "b1,b2"))
		early := c.text(script{})
		sc := partly(notifier.Unknown, "c1,c2")
		sc.while = func() { c.says(arrived, "c1", ""); c.says(lost, "c2", "") }
		c.sms.scripts[early] = sc
		c.drain(c.d)
		c.wants(arrive, isSent, "", false)
		c.wants(loses, isSent, "", false)
		c.wants(early, isFellBack, models.SuppressedFellBack, true)
		c.says(arrived, "a1", "")
		c.says(arrived, "a2", "")
		c.says(arrived, "b1", "")
		c.says(lost, "b2", "")
		c.wants(arrive, isSent, "", false)
		c.wants(loses, isFellBack, models.SuppressedFellBack, true)
		c.pass(10*time.Hour, time.Hour)
		c.wants(arrive, isSent, models.NoReceipt, true)
		for _, id := range []int64{arrive, loses, early} {
			if c.sms.given[id] != 1 {
				t.Errorf("message %d was handed over %d times", id, c.sms.given[id])
			}
		}
	})
}

// Where no reports come, it is unknown what became of it, as of any other.
func TestWhatWasTakenInPartWithoutReports(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		id := c.text(partly(notifier.Unknown, "a1,a2"))
		c.drain(c.d)
		c.wants(id, models.NotificationUnknown, "", false)
		if n, _ := c.one(id); n.ProviderID != "" {
			t.Errorf("it has the id %q", n.ProviderID)
		}
		c.sms.scripts[id] = script{fate: notifier.FateTaken, id: "a1,a2"}
		c.pass(5*time.Minute, time.Minute)
		c.wants(id, isSent, "", false)
	})
}

// Two parts of a message were taken and the third was refused: it falls back,
// but what was taken is paid for, counts against the limit, and has a name.
func TestWhatWasRefusedInPart(t *testing.T) {
	eachAt(t, start, func(t *testing.T, s *models.Store, clock *clockwork.FakeClock) {
		c := newChain(t, s, clock)
		c.sms.wait = 8 * time.Hour
		c.limit(models.Quota{PerNumberHour: 1})
		refused := c.text(partly(notifier.Reject, "a1,a2"), alone)
		same := func(n *models.Notification) { n.RecipientID = c.byID([]int64{refused})[0].RecipientID }
		next := c.text(script{}, alone, same)
		c.drain(c.d)
		c.wants(refused, models.NotificationDead, "", false)
		c.wants(next, models.NotificationPending, models.WaitsLimit, false)
		n, _ := c.one(refused)
		if n.ProviderID != "a1,a2" || n.Parts != 1 || n.Cost != 45 {
			t.Errorf("id %q, %d parts, cost %d", n.ProviderID, n.Parts, n.Cost)
		}
		c.says(arrived, "a1", "")
		receipts, err := s.ReceiptsOf(t.Context(), refused)
		if err != nil || len(receipts) != 2 || receipts[0].State != arrived {
			t.Errorf("receipts %+v, %v", receipts, err)
		}
		c.wants(refused, models.NotificationDead, "", false)
	})
}
