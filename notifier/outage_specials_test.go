package notifier_test

import (
	"time"

	"duban/models"
)

// specials are messages with a story of their own.
type specials struct {
	*town
	stale, settled, lost *situation
	ids                  map[string]int64
}

func (w *town) specials() *specials {
	return &specials{town: w, ids: map[string]int64{}}
}

// tell adds a message about a duty of its own, to somebody with the ways that
// are named.
func (s *specials) tell(name string, number int64, set func(*situation)) {
	s.t.Helper()
	s.ids[name] = s.situation(number, func(x *situation) {
		s.people[x.user.ID] = x.user
		set(x)
	})
}

func textable(x *situation) { x.message.Route = []models.Channel{models.ChannelSMS} }

func (s *specials) before() {
	s.t.Helper()
	s.tell("stale", 1, func(x *situation) {
		s.stale = x
		x.message.Day = friday.AddDays(-1)
	})
	s.tell("stale, with another way", 2, func(x *situation) {
		textable(x)
		x.message.Day = friday.AddDays(-1)
		x.other(func(n *models.Notification) { n.Route = []models.Channel{models.ChannelSMS} })
	})
	s.tell("settled", 3, func(x *situation) { s.settled = x })
	s.tell("settled, with another way", 4, func(x *situation) {
		textable(x)
		s.lost = x
	})
}

// at is what happens so many ticks after nine.
func (s *specials) at(turn int) {
	s.t.Helper()
	switch time.Duration(turn) * tick {
	case time.Hour:
		s.stale.other(func(*models.Notification) {})
		for _, x := range []*situation{s.settled, s.lost} {
			x.change(func(o *models.Obligation) { o.State, o.SettledOn = models.StateMet, friday })
		}
	case 126 * time.Minute: // the others that fall back crowd the limits
		s.tell("code", 5, func(x *situation) {
			x.login(0)
			textable(x)
		})
		s.tell("code, no other way", 6, func(x *situation) { x.login(0) })
	}
}

func (s *specials) check() {
	s.t.Helper()
	arrivals := s.arrivals()
	for name, want := range map[string]struct {
		state  models.NotificationState
		reason string
		times  int
	}{
		"stale":                     {models.NotificationSuppressed, models.SuppressedStale, 0},
		"stale, with another way":   {models.NotificationSuppressed, models.SuppressedStale, 0},
		"settled":                   {models.NotificationSuppressed, models.SuppressedSettled, 0},
		"settled, with another way": {models.NotificationSuppressed, models.SuppressedSettled, 0},
		"code":                      {models.NotificationSuppressed, models.SuppressedFellBack, 1},
		"code, no other way":        {models.NotificationSuppressed, models.SuppressedExpired, 0},
	} {
		n := s.byID([]int64{s.ids[name]})[0]
		if n.State != want.state || n.Reason != want.reason || len(arrivals[n.ID]) != want.times {
			s.t.Errorf("%s: %s (%s), arrived %d times", name, n.State, n.Reason, len(arrivals[n.ID]))
		}
	}
	if got := arrivals[s.ids["code"]]; len(got) != 1 || got[0].at.Sub(got[0].message.CreatedAt) > tick {
		s.t.Errorf("the code came as %+v", got)
	}
}
