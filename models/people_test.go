package models_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
)

// monday is a working day.
var monday = calendar.MustDate(2025, time.June, 16)

func mondayClock() *clockwork.FakeClock { return clockwork.NewFakeClockAt(monday.At(9, 0)) }

func write(t *testing.T, s *models.Store, fn func(tx *models.Tx) error) {
	t.Helper()
	if err := s.Tx(t.Context(), "tester", fn); err != nil {
		t.Fatal(err)
	}
}

// user adds an active person.
func user(t *testing.T, s *models.Store, account string) models.User {
	t.Helper()
	u := models.User{Account: account, Name: account, Email: account + "@example.cn", Language: models.Chinese, Active: true}
	write(t, s, func(tx *models.Tx) error { _, _, err := tx.SaveUser(&u); return err })
	return u
}

func actions(t *testing.T, s *models.Store) string {
	t.Helper()
	var list []string
	if err := s.Read(t.Context()).Model(&models.AuditEntry{}).Pluck("action", &list).Error; err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

func TestAPersonsChoicesOutliveTheListOfPeople(t *testing.T) {
	modelstest.Each(t, mondayClock(), func(t *testing.T, s *models.Store) {
		u := user(t, s, "wang")
		reach := models.Reach{Urgent: []models.Channel{models.ChannelSMS, models.ChannelEmail}, QuietFrom: "21:30", QuietUntil: "07:30", Digest: models.DigestWeekly, Language: models.English}
		write(t, s, func(tx *models.Tx) error { return tx.SaveReach(u.ID, reach) })
		again := models.User{Account: "wang", Name: "王芳", Language: models.Chinese, Active: true} // as a list states it
		write(t, s, func(tx *models.Tx) error { _, _, err := tx.SaveUser(&again); return err })
		have, _, err := s.UserByAccount(t.Context(), "wang")
		if err != nil || have.Name != "王芳" || have.Language != models.English || have.Reach.Digest != models.DigestWeekly || len(have.Reach.Urgent) != 2 {
			t.Errorf("%+v, %v", have, err)
		}
		if got := actions(t, s); !strings.Contains(got, "user.reach") {
			t.Errorf("audited: %s", got)
		}
	})
}

func TestChoicesThatMakeNoSenseAreRefused(t *testing.T) {
	for name, reach := range map[string]models.Reach{
		"a channel that is none":     {Normal: []models.Channel{"pigeon"}},
		"a channel twice":            {Urgent: []models.Channel{models.ChannelSMS, models.ChannelSMS}},
		"half of the quiet hours":    {QuietFrom: "21:30"},
		"no time of the day":         {QuietFrom: "25:00", QuietUntil: "07:00"},
		"a time as nobody writes it": {QuietFrom: "7:30", QuietUntil: "09:00"},
		"quiet for no time":          {QuietFrom: "07:00", QuietUntil: "07:00"},
		"quiet for ever":             {QuietFrom: "07:01", QuietUntil: "07:00"},
		"quiet all day":              {QuietFrom: "06:00", QuietUntil: "20:01"},
		"a digest that is none":      {Digest: "yearly"},
		"a language that is none":    {Language: "fr"},
	} {
		if reach.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, reach := range []models.Reach{
		{}, {QuietFrom: "18:00", QuietUntil: "08:00"}, {QuietFrom: "12:00", QuietUntil: "13:30", Language: models.Chinese, Digest: models.DigestOff},
	} {
		if err := reach.Validate(); err != nil {
			t.Errorf("%+v: %v", reach, err)
		}
	}
}

func TestSilencesAreListedEndedAndBounded(t *testing.T) {
	clock := mondayClock()
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		u := user(t, s, "he")
		now := clock.Now().UTC()
		until := now.Add(48 * time.Hour)
		one := models.Silence{Kind: models.Silencing, DutyKind: models.Completion, Reason: "年末结转", AuthorID: u.ID, StartsAt: now, EndsAt: &until}
		write(t, s, func(tx *models.Tx) error { one.ID = 0; return tx.SaveSilence(&one) })
		past := now.Add(-time.Hour)
		for name, wrong := range map[string]func(*models.Silence){
			"one that is over":  func(x *models.Silence) { x.StartsAt, x.EndsAt = past.Add(-time.Hour), &past },
			"a reason too long": func(x *models.Silence) { x.Reason = strings.Repeat("长", 201) },
			"a broken reason":   func(x *models.Silence) { x.Reason = "\xff" },
			"no reason":         func(x *models.Silence) { x.Reason = " " },
		} {
			x := one
			x.ID = 0
			wrong(&x)
			if err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.SaveSilence(&x) }); !errors.Is(err, models.ErrSilence) {
				t.Errorf("%s: %v", name, err)
			}
		}
		rows, err := s.SilenceRows(t.Context(), false, 10)
		if err != nil || len(rows) != 1 || rows[0].AuthorName != "he" || rows[0].Concerns != 0 || rows[0].EndsAt == nil {
			t.Fatalf("%+v, %v", rows, err)
		}
		write(t, s, func(tx *models.Tx) error { return tx.EndSilence(one.ID, u.ID) })
		if err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.EndSilence(one.ID, u.ID) }); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
		live, err := s.Silences(t.Context(), false, 10)
		if err != nil || len(live) != 0 {
			t.Errorf("%+v, %v", live, err)
		}
		over, err := s.SilenceRows(t.Context(), true, 10)
		if err != nil || len(over) != 1 || over[0].EnderName != "he" {
			t.Errorf("%+v, %v", over, err)
		}
	})
}

func TestAFeedsTokenIsShownOnceAndCanBeTakenBack(t *testing.T) {
	clock := mondayClock()
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		u, other := user(t, s, "wang"), user(t, s, "li")
		var tokens []string
		for range models.MaxFeeds {
			write(t, s, func(tx *models.Tx) error {
				token, err := tx.AddFeed(u.ID, 0)
				tokens = append(tokens, token)
				return err
			})
		}
		if err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error { _, err := tx.AddFeed(u.ID, 0); return err }); !errors.Is(err, models.ErrTooManyFeeds) {
			t.Errorf("one too many: %v", err)
		}
		token := tokens[0]
		if len(token) != 52 || token == tokens[1] || strings.ToLower(token) != token {
			t.Errorf("token %q", token)
		}
		var stored []string
		if err := s.Read(t.Context()).Model(&models.CalendarFeed{}).Pluck("token_hash", &stored).Error; err != nil || strings.Contains(strings.Join(stored, ""), token) {
			t.Errorf("stored %v, %v", stored, err)
		}
		f, owner, ok, err := s.FeedByToken(t.Context(), token)
		if err != nil || !ok || owner.ID != u.ID {
			t.Fatalf("%+v %v %v", f, ok, err)
		}
		used := func() *time.Time {
			f, _, _, err := s.FeedByToken(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.FeedUsed(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			f, _, _, err = s.FeedByToken(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			return f.UsedAt
		}
		first := used()
		clock.Advance(59 * time.Minute)
		second := used()
		clock.Advance(time.Minute)
		if third := used(); first == nil || !second.Equal(*first) || !third.After(*first) {
			t.Errorf("used at %v, %v, %v", first, second, third)
		}
		if _, _, ok, _ := s.FeedByToken(t.Context(), tokens[0][1:]); ok {
			t.Error("a part of a token opens the feed")
		}
		if err := s.Tx(t.Context(), "li", func(tx *models.Tx) error { return tx.RevokeFeed(f.ID, other.ID) }); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("revoked by another: %v", err)
		}
		write(t, s, func(tx *models.Tx) error { return tx.RevokeFeed(f.ID, u.ID) })
		if _, _, ok, err := s.FeedByToken(t.Context(), token); ok || err != nil {
			t.Errorf("revoked, and yet %v %v", ok, err)
		}
		u.Active = false
		write(t, s, func(tx *models.Tx) error { _, _, err := tx.SaveUser(&u); return err })
		if _, _, ok, err := s.FeedByToken(t.Context(), tokens[1]); ok || err != nil {
			t.Errorf("not active, and yet %v %v", ok, err)
		}
		if got := actions(t, s); strings.Count(got, "feed.added") != models.MaxFeeds || strings.Count(got, "feed.revoked") != 1 {
			t.Errorf("audited: %s", got)
		}
	})
}

func TestDutiesOfAPersonAndOfAUnit(t *testing.T) {
	modelstest.Each(t, mondayClock(), func(t *testing.T, s *models.Store) {
		wang, li := user(t, s, "wang"), user(t, s, "li")
		duty := func(project, unit int64, state models.State, settled calendar.Date) int64 {
			o := models.Obligation{UnitID: unit, ProjectID: project, FiscalYear: 2025, Kind: models.Custom, DueOn: monday}
			write(t, s, func(tx *models.Tx) error {
				if err := tx.AddObligation(&o); err != nil {
					return err
				}
				o.State, o.SettledOn = state, settled
				return tx.SaveChecked([]models.Obligation{o})
			})
			return o.ID
		}
		records := []*models.ProjectRecord{
			{Project: models.Project{FiscalYear: 2025, Code: "A", UnitID: 1, OwnerID: wang.ID, State: models.ProjectActive}},
			{Project: models.Project{FiscalYear: 2025, Code: "B", UnitID: 2, ManagerID: wang.ID, OwnerID: li.ID, State: models.ProjectActive}},
			{Project: models.Project{FiscalYear: 2026, Code: "B", UnitID: 2, OwnerID: li.ID, State: models.ProjectActive}},
		}
		write(t, s, func(tx *models.Tx) error {
			return errors.Join(tx.AddProjects(records[:2]), tx.AddProjects(records[2:]))
		})
		open := duty(records[0].ID, 1, models.StateOpen, calendar.Date{})
		late := duty(records[1].ID, 2, models.StateMissed, calendar.Date{})
		fresh := duty(records[1].ID, 2, models.StateMissed, monday.AddDays(-30))
		duty(records[1].ID, 2, models.StateMet, monday.AddDays(-31))
		duty(records[0].ID, 1, models.StateWaived, calendar.Date{})
		others := duty(records[2].ID, 2, models.StateOpen, calendar.Date{})
		for name, c := range map[string]struct {
			filter models.DutyFilter
			want   []int64
		}{
			"of a person":  {models.DutyFilter{PersonID: wang.ID, Current: monday.AddDays(-30)}, []int64{open, late, fresh}},
			"of nobody":    {models.DutyFilter{PersonID: 99, Current: monday}, nil},
			"of a unit":    {models.DutyFilter{UnitID: 2, Current: monday.AddDays(-30)}, []int64{late, fresh, others}},
			"not settled":  {models.DutyFilter{UnitID: 2, Current: monday}, []int64{late, others}},
			"in a project": {models.DutyFilter{ProjectID: records[2].ID, PersonID: wang.ID, Current: monday}, nil},
		} {
			c.filter.Limit = 10
			duties, err := s.Duties(t.Context(), c.filter, monday)
			var got []int64
			for _, d := range duties {
				got = append(got, d.ID)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
			}
		}
		if p, ok, err := s.ProjectByCode(t.Context(), "B"); err != nil || !ok || p.ID != records[2].ID {
			t.Errorf("the latest project of a code: %+v %v %v", p, ok, err)
		}
		for id, want := range map[int64]bool{wang.ID: true, li.ID: false} {
			if got, err := s.Manages(t.Context(), id); err != nil || got != want {
				t.Errorf("%d manages: %v, %v", id, got, err)
			}
		}
	})
}
