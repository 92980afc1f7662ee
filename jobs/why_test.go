package jobs_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

// why explains to a person how a duty has been said to them.
func (o *audited) why(account string, d models.Obligation) jobs.Explanation {
	o.t.Helper()
	users, err := o.UsersByID(o.t.Context(), []int64{o.people[account].ID})
	o.must(err)
	e := &jobs.Explainer{Store: o.Store, Clock: o.clock, Routing: models.Only(models.ChannelEmail)}
	x, err := e.Why(o.t.Context(), users[o.people[account].ID], d.ID, o.Today())
	o.must(err)
	return x
}

// causes compares the causes of the occasions up to now, written as "day cause".
func (o *audited) causes(got []jobs.Explained, want ...string) {
	o.t.Helper()
	var have []string
	for _, e := range got {
		have = append(have, fmt.Sprintf("%s %s", e.Day.String()[5:], e.Cause))
	}
	if !slices.Equal(have, want) {
		o.t.Errorf("explained %q\nwant      %q", have, want)
	}
}

func TestWhySomebodyHeardOrDidNot(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 3), day(6, 12))
		o.live(day(6, 27), day(7, 4)) // an outage in between
		owner := o.why("owner", d)
		o.causes(owner.Past, "05-30 told", "06-13 withheld", "06-23 withheld", "06-27 told", "06-30 told", "07-03 not_in_audience")
		if got := owner.Past[1]; got.Messages[0].Reason != models.SuppressedStale || got.As[0] != models.ToOwner || got.Hearings[0].Distance != -15 {
			t.Errorf("%+v", got)
		}
		if owner.NextOn != day(7, 7) || len(owner.Next) != 5 || len(owner.Never) != 0 || owner.Rule.Scope != "kind" || owner.Finding.State != models.StateMissed {
			t.Errorf("next on %s of %d, never %v, rule %+v", owner.NextOn, len(owner.Next), owner.Never, owner.Rule)
		}
		finance := o.why("finance", d)
		o.causes(finance.Past, "05-30 not_in_audience", "06-13 not_in_audience", "06-23 not_in_audience", "06-27 not_in_audience", "06-30 not_in_audience", "07-03 not_in_audience")
		if !finance.NextOn.IsZero() || !slices.Equal(finance.Never, []jobs.Cause{jobs.CauseNotAddressed}) || finance.Past[0].Hearings[0].People[0].Name != "owner" {
			t.Errorf("%s %v %+v", finance.NextOn, finance.Never, finance.Past[0])
		}
		manager := o.why("manager", d)
		if got := manager.Past[5]; got.Cause != jobs.CauseTold || got.As[0] != models.ToManager || !got.Hearings[0].Workdays || got.Hearings[0].Distance != 3 {
			t.Errorf("%+v", got)
		}
		o.remove(o.row(d, "owner", day(6, 30)))
		o.set(o.row(d, "owner", day(6, 27)), map[string]any{"state": models.NotificationDead})
		o.causes(o.why("owner", d).Past, "05-30 told", "06-13 withheld", "06-23 withheld", "06-27 failed", "06-30 missing", "07-03 not_in_audience")
	})
}

func TestWhyNothingWasSaidThen(t *testing.T) {
	onEach(t, day(6, 19), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(6, 30), target(50))
		o.live(day(6, 20), day(6, 22))
		o.at(day(6, 23), 7, 0)
		o.pay("1", day(6, 20), o.project.Budget)
		o.live(day(6, 23), day(6, 27))
		x := o.why("owner", d)
		o.causes(x.Past, "05-30 before_first_check", "06-13 told", "06-23 fulfilled", "06-27 fulfilled")
		o.causes(x.Next[:2], "06-30 fulfilled", "07-03 not_in_audience")
		o.at(day(6, 30), 7, 0)
		o.causes(o.why("owner", d).Past[4:], "06-30 not_swept")
		o.causes(o.why("leader", d).Past[4:], "06-30 not_in_audience")
		o.sweep(day(7, 1))
		if x := o.why("owner", d); !slices.Equal(x.Never, []jobs.Cause{jobs.CauseSettled}) || len(x.Next) != 0 {
			t.Errorf("%v %v", x.Never, x.Next)
		}
	})
}

func TestWhySomebodyWillNotHear(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.sweep(day(6, 3))
		never := func(account string, want ...jobs.Cause) {
			t.Helper()
			if x := o.why(account, d); !slices.Equal(x.Never, want) || !x.NextOn.IsZero() {
				t.Errorf("%s will hear on %s, never %v; want %v", account, x.NextOn, x.Never, want)
			}
		}
		until := day(6, 20).At(0, 0)
		silence := models.Silence{
			Kind: models.Silencing, ProjectID: o.project.ID, Reason: "搬迁", AuthorID: o.people["finance"].ID, StartsAt: o.clock.Now(), EndsAt: &until,
		}
		o.tx(func(tx *models.Tx) error { return tx.SaveSilence(&silence) })
		x := o.why("owner", d)
		o.causes(x.Next, "06-16 silenced", "06-23 will_hear", "06-27 will_hear", "06-30 will_hear", "07-03 will_hear")
		if s := x.Next[0].Silence; s == nil || s.Reason != "搬迁" || x.Names[s.AuthorID] != "finance" {
			t.Errorf("%+v", x.Next[0])
		}
		o.tx(func(tx *models.Tx) error { return tx.EndSilence(silence.ID, silence.AuthorID) })
		o.tx(func(tx *models.Tx) error {
			return tx.Create(&models.Acknowledgement{
				ObligationID: d.ID, UserID: o.people["owner"].ID, Audience: models.ToOwner, AckedOn: day(6, 3), UntilOn: day(6, 24), Note: "已安排",
			})
		})
		x = o.why("owner", d)
		o.causes(x.Next, "06-16 acknowledged", "06-23 acknowledged", "06-27 will_hear", "06-30 will_hear", "07-03 will_hear")
		if x.NextOn != day(6, 25) { // 已阅 puts off
			t.Errorf("next on %s", x.NextOn)
		}
		if x.Next[0].Until != day(6, 24) || !slices.Equal(x.Next[2].Channels, []models.Channel{models.ChannelEmail}) {
			t.Errorf("%+v", x.Next[0])
		}
		change := func(account string, fn func(*models.User)) {
			t.Helper()
			u := o.people[account]
			fn(&u)
			o.tx(func(tx *models.Tx) error { _, _, err := tx.SaveUser(&u); return err })
		}
		change("owner", func(u *models.User) { u.Email = "" })
		never("owner", jobs.CauseNoAddress)
		change("owner", func(u *models.User) { u.Active = false })
		never("owner", jobs.CauseInactive)
		if x := o.why("finance", d); x.NextOn != day(6, 16) || !x.Next[0].Hearings[0].StandIns {
			t.Errorf("finance stands in from %s: %+v", x.NextOn, x.Next)
		}
		never("leader", jobs.CauseNotAddressed)
		rules, err := o.Rules(t.Context())
		o.must(err)
		o.tx(func(tx *models.Tx) error {
			r := rules[slices.IndexFunc(rules, func(r models.Rule) bool { return r.Kind == models.Completion })]
			r.Enabled = false
			return tx.SaveRule(&r)
		})
		never("finance", jobs.CauseRuleDisabled)
		o.tx(func(tx *models.Tx) error { return tx.WaiveObligation(d.ID, "不再实施") })
		never("owner", jobs.CauseWaived)
		e := &jobs.Explainer{Store: o.Store, Clock: o.clock}
		if _, err := e.Why(t.Context(), o.people["owner"], 999, calendar.MustDate(2025, 6, 3)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("no such duty: %v", err)
		}
	})
}

func TestWhoHearsOnlyLaterOnHearsAllTheSame(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.SpendingTarget, day(7, 31), target(90))
		o.live(day(6, 3), day(6, 9))
		x := o.why("leader", d) // ten workdays after the date, which is the seventh occasion
		if x.NextOn != day(8, 14) || len(x.Next) != 5 || len(x.Never) != 0 {
			t.Errorf("next on %s, never %v, of %d", x.NextOn, x.Never, len(x.Next))
		}
		o.causes(x.Next[:2], "07-01 not_in_audience", "07-16 not_in_audience")
		told := func() (rows []models.Notification) {
			o.must(o.Read(t.Context()).Where("recipient_id = ?", o.people["leader"].ID).Find(&rows).Error)
			return rows
		}
		for on := day(6, 10); !on.After(x.NextOn); on = on.AddDays(1) {
			o.sweep(on)
			for _, n := range told() {
				if n.Day.Before(x.NextOn) {
					t.Fatalf("told on %s, not on %s", n.Day, x.NextOn)
				}
			}
		}
		if len(told()) == 0 {
			t.Errorf("not told on %s", x.NextOn)
		}
	})
}

func TestAReminderThatWaitsIsTheNext(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(7, 15))
		o.live(day(6, 3), day(6, 30))
		_, err := jobs.Acknowledge(t.Context(), o.Store, o.people["owner"], d.ID, 2, "", day(6, 30))
		o.must(err)
		o.sweep(day(7, 1)) // 14 days before, paused up to the next day
		if x := o.why("owner", d); x.NextOn != day(7, 3) || x.Past[len(x.Past)-1].Cause != jobs.CauseWaiting {
			t.Errorf("next on %s: %+v", x.NextOn, x.Past[len(x.Past)-1])
		}
		o.live(day(7, 2), day(7, 3))
		if n := o.row(d, "owner", day(7, 1)); n.State != models.NotificationSent || calendar.DateOf(*n.SentAt) != day(7, 3) {
			t.Errorf("%s %v", n.State, n.SentAt)
		}
		if x := o.why("owner", d); x.NextOn != day(7, 8) {
			t.Errorf("then on %s", x.NextOn)
		}
	})
}

func TestWhyFollowsAMessageThroughItsChannels(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(6, 30))
		o.live(day(6, 3), day(6, 16))
		first := o.row(d, "owner", day(6, 16))
		o.set(first, map[string]any{"state": models.NotificationSuppressed, "reason": models.SuppressedFellBack})
		second := o.copied(first, func(n *models.Notification) { n.FallbackOf, n.Channel = first.ID, models.ChannelSMS })
		x := o.why("owner", d)
		last := x.Past[len(x.Past)-1]
		if last.Cause != jobs.CauseTold || len(last.Messages) != 1 || len(last.Messages[0].StandIns) != 1 || last.Messages[0].StandIns[0].ID != second.ID {
			t.Errorf("%+v", last)
		}
		if len(x.Others) != 0 {
			t.Errorf("%+v", x.Others)
		}
		// A message of no occasion that any rule knows is shown all the same.
		o.set(first, map[string]any{"day": day(6, 11), "dedup_key": "odd"})
		if x := o.why("owner", d); len(x.Others) != 1 || x.Others[0].ID != first.ID || len(x.Others[0].StandIns) != 1 {
			t.Errorf("%+v", x.Others)
		}
	})
}

func TestWhoReadsOnceAWeekHearsWhatIsUrgentWhenItIsForetold(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		o.tx(func(tx *models.Tx) error {
			return tx.SaveReach(o.people["owner"].ID, models.Reach{Digest: models.DigestWeekly})
		})
		d := o.duty(models.Completion, day(6, 18))
		o.live(day(6, 3), day(6, 16))
		if x := o.why("owner", d); x.NextOn != day(6, 17) || x.Next[0].Cause != jobs.CauseWillHear {
			t.Errorf("on %s: %+v", x.NextOn, x.Next[0])
		}
		o.live(day(6, 17), day(6, 18))
		for _, on := range []int{17, 18} {
			if n := o.row(d, "owner", day(6, on)); n.State != models.NotificationSent || calendar.DateOf(*n.SentAt) != n.Day {
				t.Errorf("%s: %s, %v", n.Day, n.State, n.SentAt)
			}
		}
		o.complete(day(6, 3), day(6, 18))
	})
}

func TestTheDueDaysReminderComesAlsoIfTheDateHasMovedIntoAPause(t *testing.T) {
	onEach(t, day(6, 2), func(t *testing.T, o *audited) {
		d := o.duty(models.Completion, day(7, 15))
		o.live(day(6, 3), day(6, 30))
		a, err := jobs.Acknowledge(t.Context(), o.Store, o.people["owner"], d.ID, 5, "", day(6, 30))
		if err != nil || a.UntilOn != day(7, 7) {
			t.Fatal(a.UntilOn, err)
		}
		o.tx(func(tx *models.Tx) error { return tx.MoveDueDate(d.ID, 0, day(7, 5), "提前") }) // a Saturday
		o.causes(o.why("owner", d).Next[:2], "07-02 acknowledged", "07-04 will_hear")
		o.live(day(7, 1), day(7, 4))
		if n := o.row(d, "owner", day(7, 2)); n.State == models.NotificationSent {
			t.Errorf("told on %s in spite of the pause", n.Day)
		}
		if n := o.row(d, "owner", day(7, 4)); n.State != models.NotificationSent {
			t.Errorf("the due day's reminder is %s: %s", n.State, n.Reason)
		}
		o.complete(day(6, 3), day(7, 4))
	})
}
