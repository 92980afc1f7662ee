package cmpp_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

// reports collects what OnReport is told. The first few it does not take.
type reports struct {
	mu     sync.Mutex
	refuse int
	got    []cmpp.Report
}

func (r *reports) on(_ context.Context, report cmpp.Report) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse > 0 {
		r.refuse--
		return errors.New("database is locked")
	}
	r.got = append(r.got, report)
	return nil
}

func (r *reports) all() []cmpp.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func TestReports(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		var r reports
		w := start(t, v, options{client: func(c *cmpp.Config) { c.OnReport = r.on }})
		ids, err := w.Send(t.Context(), "k", mobile, "x")
		if err != nil {
			t.Fatal(err)
		}
		sub := w.Submissions()[0]
		first := w.Report(sub, "DELIVRD")
		again := w.Report(sub, "DELIVRD")
		until(t, func() bool { return len(w.Answers(first)) == 1 && len(w.Answers(again)) == 1 })
		want := cmpp.Report{
			MsgID: ids[0], Stat: "DELIVRD", Delivered: true, Mobile: mobile,
			DoneAt: time.Date(2025, 10, 31, 1, 1, 0, 0, time.UTC),
		}
		for _, got := range r.all() {
			if !got.DoneAt.Equal(want.DoneAt) {
				t.Errorf("done at %v", got.DoneAt)
			}
			got.DoneAt = want.DoneAt
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		failed := w.Report(sub, "UNDELIV")
		until(t, func() bool { return len(w.Answers(failed)) == 1 })
		if got := r.all(); len(got) != 3 || got[2].Delivered || got[2].Stat != "UNDELIV" {
			t.Errorf("%+v", got)
		}
	})
}

// A report that is not recorded is not acknowledged: the gateway has it still.
func TestReportNotRecorded(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		r := reports{refuse: 1}
		w := start(t, v, options{client: func(c *cmpp.Config) { c.OnReport = r.on }})
		if _, err := w.Send(t.Context(), "k", mobile, "x"); err != nil {
			t.Fatal(err)
		}
		sub := w.Submissions()[0]
		lost := w.Report(sub, "DELIVRD")
		again := w.Report(sub, "DELIVRD") // in order, so the first has been dealt with
		until(t, func() bool { return slices.Equal(w.Answers(again), []uint32{0}) })
		if got := w.Answers(lost); len(got) > 0 {
			t.Errorf("acknowledged with %v", got)
		}
		if n := len(r.all()); n != 1 {
			t.Errorf("%d reports", n)
		}
	})
}

// The report overtakes the SUBMIT_RESP.
func TestReportBeforeAnswer(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		var r reports
		var w *world
		ready := make(chan struct{})
		w = start(t, v, options{
			gateway: func(c *cmpptest.Config) {
				c.OnSubmit = func(s cmpptest.Submission) cmpptest.Verdict {
					<-ready
					id := w.Report(s, "DELIVRD")
					return cmpptest.Verdict{Wait: func() { until(t, func() bool { return len(w.Answers(id)) == 1 }) }}
				}
			},
			client: func(c *cmpp.Config) { c.OnReport = r.on },
		})
		close(ready)
		ids, err := w.Send(t.Context(), "k", mobile, "x")
		if got := r.all(); err != nil || len(got) != 1 || got[0].MsgID != ids[0] {
			t.Errorf("%v, %v, %v", ids, err, got)
		}
	})
}

// A slow OnReport holds up neither messages nor link tests, and what does not
// fit into the inbox is delivered again.
func TestSlowReports(t *testing.T) {
	release := make(chan struct{})
	w := start(t, cmpp.V30, options{client: func(c *cmpp.Config) {
		c.OnReport = func(context.Context, cmpp.Report) error { <-release; return nil }
	}})
	if _, err := w.Send(t.Context(), "k", mobile, "x"); err != nil {
		t.Fatal(err)
	}
	var delivered []uint64
	for range 100 {
		delivered = append(delivered, w.Report(w.Submissions()[0], "DELIVRD"))
	}
	w.Request(&cmpp.ActiveTest{})
	until(t, func() bool { _, answered := w.Tests(); return answered == 1 })
	if _, err := w.Send(t.Context(), "k", mobile, "x"); err != nil {
		t.Fatal(err)
	}
	close(release)
	count := func() (n int) {
		for _, id := range delivered {
			n += len(w.Answers(id))
		}
		return n
	}
	until(t, func() bool { return count() >= 64 })
	if n := count(); n > 65 {
		t.Errorf("%d acknowledged", n)
	}
}

func TestOtherDeliveries(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		var r reports
		w := start(t, v, options{client: func(c *cmpp.Config) { c.OnReport = r.on }})
		w.connected(t, 1)
		answer := w.Deliver(cmpp.Deliver{SrcTerminalID: mobile, MsgFmt: 15, Content: []byte("TD")})
		broken := w.Deliver(cmpp.Deliver{SrcTerminalID: mobile, RegisteredDelivery: 1, Content: []byte("DELIVRD")})
		until(t, func() bool { return len(w.Answers(answer)) == 1 && len(w.Answers(broken)) == 1 })
		if a, b := w.Answers(answer)[0], w.Answers(broken)[0]; a != 0 || b != 1 {
			t.Errorf("results %d and %d", a, b)
		}
		if got := r.all(); len(got) > 0 {
			t.Errorf("reported: %+v", got)
		}
	})
}

func TestLinkTestAnswered(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{})
		w.connected(t, 1)
		w.Request(&cmpp.ActiveTest{})
		until(t, func() bool { _, answered := w.Tests(); return answered == 1 })
	})
}

func TestLinkTestWhenSilent(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{})
		w.connected(t, 1)
		took := w.pass(t, func() bool { tests, _ := w.Tests(); return tests == 1 })
		if took < 179*time.Second || took > 6*time.Minute {
			t.Errorf("first test after %v", took)
		}
		w.pass(t, func() bool { tests, _ := w.Tests(); return tests == 4 })
		if now, ever := w.Connections(); now != 1 || ever != 1 {
			t.Errorf("%d of %d connections", now, ever)
		}
	})
}

// A gateway that does not answer link tests is gone; the message that waits
// for its answer is unknown.
func TestLinkTestNotAnswered(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{
			gateway: once(1, cmpptest.Verdict{Fault: cmpptest.Lose}),
			client:  func(c *cmpp.Config) { c.ActiveTest = 20 * time.Second; c.Timeout = 10 * time.Second },
		})
		w.PlayDead()
		w.connected(t, 1)
		done := w.send("k", "x")
		until(t, func() bool { return len(w.Submissions()) == 1 })
		failure(t, w.finished(t, done).err, notifier.Unknown, "cmpp_unconfirmed")
		w.pass(t, func() bool { _, ever := w.Connections(); return ever == 2 })
		if tests, _ := w.Tests(); tests != 3 {
			t.Errorf("%d tests", tests)
		}
	})
}

// Close does not wait for ever for a gateway that does not answer.
func TestCloseWithoutGoodbye(t *testing.T) {
	w := start(t, cmpp.V20, options{})
	w.connected(t, 1)
	w.Cut()
	w.close(t)
}

func TestReportsOnEveryConnection(t *testing.T) {
	var r reports
	w := start(t, cmpp.V20, options{client: func(c *cmpp.Config) { c.OnReport = r.on; c.Connections = 2 }})
	w.connected(t, 2)
	for i := range 10 {
		if _, err := w.Send(t.Context(), strconv.Itoa(i), mobile, "x"); err != nil {
			t.Fatal(err)
		}
		w.Report(w.Submissions()[i], "DELIVRD")
	}
	until(t, func() bool { return len(r.all()) == 10 })
}
