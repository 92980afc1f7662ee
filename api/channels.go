package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"duban/models"
	"duban/notifier"
)

// Outlet is a channel as the page of channels shows it.
type Outlet struct {
	Name     models.Channel
	Provider string // whom it goes through, such as aliyun; "" where the name says it
	Quota    models.Quota
	Channel  notifier.Channel
}

// mountChannels adds the page on which administrators see whether the channels
// work, and try them out.
func (s *server) mountChannels(r *gin.Engine, get func(string, gin.HandlerFunc)) {
	get("/channels", s.page("channels", personal(s.channels)))
	r.POST("/channels/:name/test", s.answer(known(s.testChannel)))
}

// channelsData is the page of channels (渠道).
type channelsData struct {
	Channels []channelView
	Tested   *testView
}

// channelView is a channel in words and figures.
type channelView struct {
	Outlet
	State    models.ChannelState
	Load     models.ChannelLoad
	Normal   int // its place among the channels that are tried for people who have chosen none; 0 for none
	Urgent   int
	Limits   []string
	Receipts int    // for how many minutes receipts are waited for; 0 if none come
	Own      bool   // its test needs nobody to write to
	To       string // else whom a test goes to, masked; "" if the viewer has no address
}

// testView is the outcome of a test.
type testView struct {
	Name   models.Channel
	Class  string // ok, or the class of the failure
	Code   string
	Advice string
}

func (s *server) channels(ctx context.Context, r *request) (any, error) {
	return s.channelsPage(ctx, r, nil)
}

func (s *server) channelsPage(ctx context.Context, r *request, tested *testView) (any, error) {
	if !r.person.Has(models.RoleAdmin) {
		return nil, errNotYours
	}
	states, err := s.Store.ChannelStates(ctx)
	if err != nil {
		return nil, err
	}
	loads, err := s.Store.ChannelLoads(ctx)
	if err != nil {
		return nil, err
	}
	data := channelsData{Tested: tested}
	for _, o := range s.Outlets {
		v := channelView{
			Outlet: o, Load: loads[o.Name], Limits: limits(o.Quota, r.language), To: reached(r.person, o.Name),
			Normal: slices.Index(s.Engine.Routing.Normal, o.Name) + 1, Urgent: slices.Index(s.Engine.Routing.Urgent, o.Name) + 1,
		}
		if i := slices.IndexFunc(states, func(st models.ChannelState) bool { return st.Channel == o.Name }); i >= 0 {
			v.State = states[i]
		}
		if careful, ok := o.Channel.(notifier.Careful); ok {
			v.Receipts = int(careful.ReceiptWait().Minutes())
		}
		_, v.Own = o.Channel.(notifier.Tester)
		data.Channels = append(data.Channels, v)
	}
	return data, nil
}

// limits says what limits a quota has.
func limits(q models.Quota, language models.Language) []string {
	var all []string
	for _, l := range []struct {
		key string
		n   int
	}{
		{"limit.person_minute", q.PerNumberMinute},
		{"limit.person_hour", q.PerNumberHour},
		{"limit.person_day", q.PerNumberDay},
		{"limit.second", q.PerSecond},
		{"limit.minute", q.PerMinute},
	} {
		if l.n > 0 {
			all = append(all, say(language, l.key, l.n))
		}
	}
	return all
}

// testPause is how long a channel rests between two tests: they cost money, and
// groups are disturbed by them.
const testPause = 10 * time.Second

// testTimeout bounds a test. The page is waited for that long.
const testTimeout = time.Minute

// rests remembers when channels were tested.
type rests struct {
	mu   sync.Mutex
	last map[models.Channel]time.Time
}

// begin reports whether a channel may be tested now, and remembers that it was.
func (r *rests) begin(c models.Channel, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.last[c]; ok && now.Sub(last) < testPause {
		return false
	}
	if r.last == nil {
		r.last = map[models.Channel]time.Time{}
	}
	r.last[c] = now
	return true
}

// testChannel tries a channel out, with a message to whoever asks for it if the
// channel needs somebody.
func (s *server) testChannel(c *gin.Context, r *request) error {
	if !r.person.Has(models.RoleAdmin) {
		return errNotYours
	}
	i := slices.IndexFunc(s.Outlets, func(o Outlet) bool { return string(o.Name) == c.Param("name") })
	if i < 0 {
		return models.ErrNotFound
	}
	o := s.Outlets[i]
	if !s.tests.begin(o.Name, s.Clock.Now()) {
		return &pageError{status: http.StatusTooManyRequests, text: "error.test_too_soon", ways: []way{{"/channels", "channels.back"}}}
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), testTimeout)
	defer cancel()
	tested := s.tryOut(ctx, r, o)
	outcome := tested.Code
	if outcome == "" {
		outcome = tested.Class
	}
	if err := s.Store.ChannelTested(c.Request.Context(), r.person.Account, o.Name, outcome); err != nil {
		return err
	}
	data, err := s.channelsPage(c.Request.Context(), r, tested)
	if err == nil {
		s.render(c, http.StatusOK, r.language, "channels", data)
	}
	return err
}

func (s *server) tryOut(ctx context.Context, r *request, o Outlet) *testView {
	err := s.tryOne(ctx, r, o)
	if err == nil {
		return &testView{Name: o.Name, Class: "ok"}
	}
	v := &testView{Name: o.Name, Class: notifier.Unknown.String(), Code: "test_failed", Advice: Advice(r.language, err)}
	if failure, ok := errors.AsType[*notifier.SendError](err); ok {
		v.Class, v.Code = failure.Class.String(), failure.Error()
	} else {
		s.Logger.ErrorContext(ctx, "channel not tested", "channel", o.Name, "error", err)
	}
	return v
}

func (s *server) tryOne(ctx context.Context, r *request, o Outlet) error {
	words, err := s.Library.Current(ctx)
	if err != nil {
		return err
	}
	m, err := words.Trial(o.Name, r.person, s.Clock.Now())
	if err != nil {
		return err
	}
	return notifier.Try(ctx, o.Channel, m)
}

// reached says where a message by the channel reaches the person, masked, or ""
// if it does not.
func reached(u models.User, c models.Channel) string {
	switch {
	case !u.Reachable(c):
		return ""
	case c == models.ChannelEmail:
		return u.Email
	case c == models.ChannelSMS:
		return notifier.Mask(u.Mobile)
	}
	return u.Name
}
