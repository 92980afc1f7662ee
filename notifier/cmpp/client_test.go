package cmpp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

func TestSendShort(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{})
		ids, err := w.Send(t.Context(), "1-a", "+86"+mobile, "【督办】支出进度落后 😀")
		if err != nil {
			t.Fatal(err)
		}
		got := w.Submissions()
		if len(got) != 1 || got[0].Mobile != mobile || got[0].Text != "【督办】支出进度落后 😀" {
			t.Fatalf("%+v", got)
		}
		if want := []string{got[0].ID()}; !slices.Equal(ids, want) {
			t.Errorf("ids %v, want %v", ids, want)
		}
		s := got[0].Submit
		if s.RegisteredDelivery != 1 || s.FeeUserType != 2 || s.FeeType != "01" || s.FeeCode != "000000" || s.FeeTerminalID != "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestSendLong(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{})
		text := strings.Repeat("预算执行督办", 30) + "😀" // 182 units
		ids, err := w.Send(t.Context(), "1-a", mobile, text)
		if err != nil {
			t.Fatal(err)
		}
		parts := w.Submissions()
		if len(parts) != 3 || parts[0].Submit.PkNumber != 1 {
			t.Fatalf("%d parts", len(parts))
		}
		slices.SortFunc(parts, func(a, b cmpptest.Submission) int {
			return int(a.Submit.PkNumber) - int(b.Submit.PkNumber)
		})
		var whole strings.Builder
		for i, p := range parts {
			whole.WriteString(p.Text)
			if ids[i] != p.ID() {
				t.Errorf("id %d is %s, want %d", i, ids[i], p.MsgID)
			}
		}
		if whole.String() != text {
			t.Errorf("the parts are %q", whole.String())
		}
		// Sent again, it has the same reference, so that the parts mix.
		if _, err := w.Send(t.Context(), "1-a", mobile, text); err != nil {
			t.Fatal(err)
		}
		if again := w.Submissions()[3]; again.Submit.Content[3] != parts[0].Submit.Content[3] {
			t.Error("another reference for the same key")
		}
	})
}

func TestSendRefusesLocally(t *testing.T) {
	w := start(t, cmpp.V30, options{})
	for _, c := range []struct{ mobile, text, code string }{
		{"12345", "x", "cmpp_bad_mobile"},
		{"", "x", "cmpp_bad_mobile"},
		{mobile, "", "cmpp_no_text"},
		{mobile, "\xff", "cmpp_bad_text"},
		{mobile, strings.Repeat("办", 671), "cmpp_too_long"},
	} {
		_, err := w.Send(t.Context(), "k", c.mobile, c.text)
		failure(t, err, notifier.Reject, c.code)
		if c.mobile != "" && strings.Contains(err.Error(), c.mobile) {
			t.Errorf("error tells the number: %v", err)
		}
	}
	if got := w.Submissions(); len(got) > 0 {
		t.Errorf("%d parts were sent", len(got))
	}
}

func TestNoReportsAreAskedForWithoutOnReport(t *testing.T) {
	w := start(t, cmpp.V20, options{client: func(c *cmpp.Config) { c.OnReport = nil }})
	if _, err := w.Send(t.Context(), "k", mobile, "x"); err != nil {
		t.Fatal(err)
	}
	sub := w.Submissions()[0]
	if sub.Submit.RegisteredDelivery != 0 {
		t.Error("a report is asked for")
	}
	// One that comes all the same does not come for ever.
	id := w.Report(sub, "DELIVRD")
	until(t, func() bool { return slices.Equal(w.Answers(id), []uint32{0}) })
}

func TestEveryResult(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		var result atomic.Uint32
		w := start(t, v, options{gateway: func(c *cmpptest.Config) {
			c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict { return cmpptest.Verdict{Result: result.Load()} }
		}})
		classes := map[uint32]notifier.Class{
			1: notifier.Down, 2: notifier.Down, 3: notifier.Retry, 4: notifier.Reject, 5: notifier.Down,
			6: notifier.Reject, 7: notifier.Down, 9: notifier.Reject, 10: notifier.Down, 11: notifier.Down,
			12: notifier.Down, 13: notifier.Reject, 99: notifier.Retry,
		}
		if v == cmpp.V20 {
			classes[9] = notifier.Retry
		}
		for r, class := range classes {
			result.Store(r)
			before := len(w.Submissions())
			_, err := w.Send(t.Context(), "k", mobile, strings.Repeat("办", 100))
			failure(t, err, class, fmt.Sprintf("cmpp_submit_%d", r))
			if n := len(w.Submissions()) - before; n != 1 {
				t.Errorf("result %d: %d parts were sent, want only the first", r, n)
			}
		}
	})
}

// A part that was refused because we are too fast goes again, later.
func TestFlowControl(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		var refusals atomic.Int32
		w := start(t, v, options{gateway: func(c *cmpptest.Config) {
			c.OnSubmit = func(s cmpptest.Submission) (verdict cmpptest.Verdict) {
				if refusals.Add(-1) >= 0 {
					verdict.Result = 8
				}
				return verdict
			}
		}})
		refusals.Store(3)
		from := w.clock.Now()
		if got := w.finished(t, w.send("k", "x")); got.err != nil {
			t.Fatal(got.err)
		}
		if took := w.clock.Since(from); took < 3500*time.Millisecond { // at least half of 1+2+4 s
			t.Errorf("it took %v", took)
		}
		if n := len(w.Submissions()); n != 4 {
			t.Errorf("%d submissions", n)
		}
		refusals.Store(1000)
		failure(t, w.finished(t, w.send("k", "x")).err, notifier.Retry, "cmpp_submit_8")
	})
}

func TestRate(t *testing.T) {
	w := start(t, cmpp.V30, options{client: func(c *cmpp.Config) { c.RatePerSecond = 2 }})
	from := w.clock.Now()
	var all []<-chan sent
	for range 9 {
		all = append(all, w.send("k", "x"))
	}
	for _, s := range all {
		if got := w.finished(t, s); got.err != nil {
			t.Fatal(got.err)
		}
	}
	if took := w.clock.Since(from); took < 4*time.Second { // eight gaps of half a second
		t.Errorf("nine messages took %v", took)
	}
}

// The gateway objects if the window is exceeded.
func TestWindow(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		release := make(chan struct{})
		w := start(t, v, options{
			gateway: func(c *cmpptest.Config) {
				c.Window = 4
				c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict {
					return cmpptest.Verdict{Wait: func() { <-release }}
				}
			},
			client: func(c *cmpp.Config) { c.Window = 4 },
		})
		var all []<-chan sent
		for i := range 20 {
			all = append(all, w.send(strconv.Itoa(i), "x"))
		}
		until(t, func() bool { return len(w.Submissions()) == 4 })
		for range 16 {
			release <- struct{}{}
		}
		until(t, func() bool { return len(w.Submissions()) == 20 })
		close(release)
		for _, s := range all {
			if got := w.finished(t, s); got.err != nil {
				t.Error(got.err)
			}
		}
	})
}

func TestConnectionsShareTheLoad(t *testing.T) {
	release := make(chan struct{})
	w := start(t, cmpp.V30, options{
		gateway: func(c *cmpptest.Config) {
			c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict {
				return cmpptest.Verdict{Wait: func() { <-release }}
			}
		},
		client: func(c *cmpp.Config) { c.Connections = 3 },
	})
	w.connected(t, 3)
	counts := map[int]int{}
	var all []<-chan sent
	for i := range 9 {
		all = append(all, w.send(strconv.Itoa(i), "x"))
		until(t, func() bool { return len(w.Submissions()) == i+1 })
		counts[w.Submissions()[i].Connected]++
	}
	if counts[1] != 3 || counts[2] != 3 || counts[3] != 3 {
		t.Errorf("parts by connection: %v", counts)
	}
	close(release)
	for _, s := range all {
		if got := w.finished(t, s); got.err != nil {
			t.Error(got.err)
		}
	}
}

func TestCloseWaitsForMessagesInFlight(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		release := make(chan struct{})
		w := start(t, v, options{gateway: func(c *cmpptest.Config) {
			c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict { return cmpptest.Verdict{Wait: func() { <-release }} }
		}})
		done := w.send("k", "x")
		until(t, func() bool { return len(w.Submissions()) == 1 })
		closed := make(chan struct{})
		go func() { defer close(closed); _ = w.Close() }()
		until(t, func() bool {
			_, err := w.Send(t.Context(), "k", "", "x") // refused at once, whether or not it is closing
			if err == nil {
				return false
			}
			_, err = w.Send(canceledContext(), "k", mobile, "x")
			var e *notifier.SendError
			return errors.As(err, &e) && e.Code == "cmpp_closed" && e.Class == notifier.Retry
		})
		if isClosed(closed) {
			t.Fatal("closed with a message in flight")
		}
		close(release)
		if got := <-done; got.err != nil {
			t.Error(got.err)
		}
		until(t, func() bool { return isClosed(closed) })
		if w.Goodbyes() != 1 {
			t.Errorf("%d TERMINATE", w.Goodbyes())
		}
	})
}

func canceledContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
