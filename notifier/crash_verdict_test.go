package notifier_test

import (
	"fmt"
	"strings"

	"duban/models"
)

// verdict judges what a kill has done by what arrived. It knows nothing of how
// messages are sent.
type verdict struct {
	*ordeal
	point point
	rows  []models.Notification
	asked map[string]int // how often the provider was asked about a message, by the key

	uncertain, repeats, fellBack, unknown int
}

// atRisk is how many messages are under way when the program dies: one of each
// of its dispatchers.
func (v *verdict) atRisk() int { return v.Dispatchers }

func (v *verdict) check() {
	v.t.Helper()
	if len(v.rows) != crashMessages {
		v.t.Fatalf("%d messages are left of %d", len(v.rows), crashMessages)
	}
	arrived := v.arrivals()
	copies, mails := map[string]int{}, map[string]int{}
	for _, key := range arrived {
		copies[key]++
	}
	for id, n := range v.mail.copies() {
		mails[keyOf(id)] = n
	}
	for _, n := range v.rows {
		if n.Uncertain > 0 {
			v.uncertain++
		}
		switch v.medium {
		case byMail:
			v.checkMail(n, copies[n.Key()])
		case bySMSAsked:
			if copies[n.Key()] != 1 || n.State != models.NotificationDelivered {
				v.fault(n, "arrived %d times", copies[n.Key()])
			}
		case bySMSTold:
			v.checkTold(n, copies[n.Key()], mails)
		}
	}
	v.checkOrder(arrived)
	v.checkCounts()
}

func (v *verdict) fault(n models.Notification, format string, args ...any) {
	v.t.Helper()
	v.t.Errorf("%s: message %d, %s (%s), uncertain %d: %s", v.point, n.ID, n.State, n.Reason, n.Uncertain, fmt.Sprintf(format, args...))
}

// checkMail: each arrived, and more than once only if that is on record.
func (v *verdict) checkMail(n models.Notification, copies int) {
	v.t.Helper()
	if n.State != models.NotificationSent || copies == 0 || copies > 1 && n.Uncertain == 0 || copies > 2 {
		v.fault(n, "arrived %d times", copies)
	}
	v.repeats += max(0, copies-1)
}

// checkTold: none arrived twice, a receipt is believed, and where there is none
// another channel tells it, or else a person is told that nobody knows.
func (v *verdict) checkTold(n models.Notification, copies int, mails map[string]int) {
	v.t.Helper()
	stand, fellBack, err := v.store.FellBackTo(v.t.Context(), n.ID)
	if err != nil {
		v.t.Fatal(err)
	}
	_, silent := v.silent.Load(n.Key())
	confirmed := copies == 1 && !silent
	switch {
	case copies > 1:
		v.fault(n, "arrived %d times", copies)
	case confirmed && (n.State != models.NotificationDelivered || fellBack):
		v.fault(n, "there was a receipt; fell back: %t", fellBack)
	case !confirmed && len(n.Route) > 0 && (!fellBack || stand.State != models.NotificationSent || mails[stand.Key()] != 1):
		v.fault(n, "no receipt; stood in for by %+v, which arrived %d times", stand, mails[stand.Key()])
	case !confirmed && len(n.Route) == 0 && n.Reason != models.NoReceipt:
		v.fault(n, "no receipt and nothing to fall back on")
	case copies == 0 && (n.Uncertain == 0 || v.point == claimed || v.point == afterSend):
		v.fault(n, "never arrived")
	}
	if copies == 0 {
		v.unknown++
	}
	if fellBack {
		v.fellBack++
	}
}

// checkOrder: what one person hears first was said first.
func (v *verdict) checkOrder(arrived []string) {
	v.t.Helper()
	rows := map[string]models.Notification{}
	for _, n := range v.rows {
		rows[n.Key()] = n
	}
	last, seen := map[int64]int64{}, map[string]bool{}
	for _, key := range arrived {
		n, ours := rows[key]
		if !ours || seen[key] {
			continue
		}
		seen[key] = true
		if n.ID < last[n.RecipientID] {
			v.fault(n, "arrived after message %d to the same person", last[n.RecipientID])
		}
		last[n.RecipientID] = n.ID
	}
}

// checkCounts: what is uncertain or told twice is what was under way, and none
// of it is at a point at which nothing can be.
func (v *verdict) checkCounts() {
	v.t.Helper()
	within := func(what string, n, from, to int) {
		v.t.Helper()
		if n < from || n > to {
			v.t.Errorf("%s: %d %s, want %d to %d", v.point, n, what, from, to)
		}
	}
	held := replicaBatch * v.Dispatchers
	asked := 0
	for _, n := range v.rows {
		if v.asked[n.Key()] > 0 {
			asked++
		}
	}
	within("uncertain messages", v.uncertain, 1, held)
	certain := v.point == claimed || v.point == beforeSend
	switch {
	case v.medium == byMail && certain:
		within("repeats", v.repeats, 0, 0)
	case v.medium == byMail && v.point == afterSend:
		within("repeats", v.repeats, v.atRisk(), v.atRisk())
	case v.medium == byMail:
		within("repeats", v.repeats, 1, held)
	case v.medium == bySMSAsked && v.point == claimed:
		within("questions", asked, 0, 0)
	case v.medium == bySMSAsked && v.point == beforeCommit:
		within("questions", asked, 1, held)
	case v.medium == bySMSAsked:
		within("questions", asked, v.atRisk(), v.atRisk())
	case v.point == beforeSend:
		within("messages that never arrived", v.unknown, v.atRisk(), v.atRisk())
	case v.point == beforeCommit:
		within("messages that never arrived", v.unknown, 0, v.atRisk())
	}
}

func (v *verdict) line() string {
	return fmt.Sprintf("%d uncertain, %d repeated, %d never taken, %d fell back", v.uncertain, v.repeats, v.unknown, v.fellBack)
}

// arrivals returns the keys of what arrived by the channel, in order.
func (v *verdict) arrivals() (keys []string) {
	if v.Channel == models.ChannelSMS {
		for _, m := range v.sms.inbox() {
			keys = append(keys, m.Key)
		}
		return keys
	}
	for _, m := range v.mail.inbox() {
		keys = append(keys, keyOf(m.ID))
	}
	return keys
}

// keyOf returns the key that a Message-ID is made of.
func keyOf(messageID string) string {
	key, _, _ := strings.Cut(strings.TrimPrefix(messageID, "<"), "@")
	return key
}
