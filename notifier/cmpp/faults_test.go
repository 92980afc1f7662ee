package cmpp_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
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

// once returns a hook that does something to the nth part, from 1, and takes
// all others.
func once(n int32, v cmpptest.Verdict) func(*cmpptest.Config) {
	return func(c *cmpptest.Config) {
		var count atomic.Int32
		c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict {
			if count.Add(1) == n {
				return v
			}
			return cmpptest.Verdict{}
		}
	}
}

// Answers in another order than the parts go to those who wait for them.
func TestAnswersOutOfOrder(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		const n = 16
		gates := make([]chan struct{}, n)
		for i := range gates {
			gates[i] = make(chan struct{})
		}
		var count atomic.Int32
		w := start(t, v, options{gateway: func(c *cmpptest.Config) {
			c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict {
				gate := gates[count.Add(1)-1]
				return cmpptest.Verdict{Wait: func() { <-gate }}
			}
		}})
		var all []<-chan sent
		for i := range n {
			all = append(all, w.send(strconv.Itoa(i), strconv.Itoa(i)))
			until(t, func() bool { return len(w.Submissions()) == i+1 })
		}
		for _, i := range rand.Perm(n) {
			close(gates[i])
			if got := <-all[i]; got.err != nil || !slices.Equal(got.ids, []string{w.Submissions()[i].ID()}) {
				t.Errorf("message %d: %+v", i, got)
			}
		}
	})
}

func TestAnswerLost(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{gateway: once(1, cmpptest.Verdict{Fault: cmpptest.Lose})})
		w.connected(t, 1)
		done := w.send("k", "x")
		until(t, func() bool { return len(w.Submissions()) == 1 })
		took := w.pass(t, func() bool { return len(done) > 0 })
		failure(t, (<-done).err, notifier.Unknown, "cmpp_unconfirmed")
		if took < 59*time.Second {
			t.Errorf("given up after %v", took)
		}
		if n := len(w.Submissions()); n != 1 {
			t.Errorf("%d submissions", n)
		}
		if got := w.finished(t, w.send("k", "x")); got.err != nil {
			t.Error(got.err)
		}
	})
}

// Lost answers do not block the window for ever.
func TestEveryAnswerLost(t *testing.T) {
	w := start(t, cmpp.V30, options{gateway: func(c *cmpptest.Config) {
		c.OnSubmit = func(s cmpptest.Submission) (verdict cmpptest.Verdict) {
			if s.Text == "lost" {
				verdict.Fault = cmpptest.Lose
			}
			return verdict
		}
	}})
	var all []<-chan sent
	for range 40 {
		all = append(all, w.send("k", "lost"))
	}
	for _, s := range all {
		failure(t, w.finished(t, s).err, notifier.Unknown, "cmpp_unconfirmed")
	}
	if n := len(w.Submissions()); n != 40 {
		t.Errorf("%d submissions", n)
	}
	if got := w.finished(t, w.send("k", "x")); got.err != nil {
		t.Error(got.err)
	}
}

// An answer that comes after its message was given up, or twice, is nobody
// else's.
func TestAnswerLateOrTwice(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		late := make(chan struct{})
		var count atomic.Int32
		w := start(t, v, options{gateway: func(c *cmpptest.Config) {
			c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict {
				if count.Add(1) == 1 {
					return cmpptest.Verdict{Wait: func() { <-late }}
				}
				return cmpptest.Verdict{Fault: cmpptest.Twice}
			}
		}})
		failure(t, w.finished(t, w.send("k", "x")).err, notifier.Unknown, "cmpp_unconfirmed")
		close(late)
		for i := range 40 { // more than the window
			ids, err := w.Send(t.Context(), strconv.Itoa(i), mobile, "x")
			if want := w.Submissions()[i+1].ID(); err != nil || ids[0] != want {
				t.Fatalf("%v, %v, want %s", ids, err, want)
			}
		}
		if now, ever := w.Connections(); now != 1 || ever != 1 {
			t.Errorf("%d of %d connections", now, ever)
		}
	})
}

// Wherever the connection is cut, a part that was written is unknown, is not
// submitted again, and the client comes back.
func TestConnectionCut(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		for name, f := range map[string]cmpptest.Fault{
			"before": cmpptest.CutBefore, "after": cmpptest.CutAfter, "within": cmpptest.CutWithin,
		} {
			t.Run(name, func(t *testing.T) {
				w := start(t, v, options{gateway: once(1, cmpptest.Verdict{Fault: f})})
				_, err := w.Send(t.Context(), "k", mobile, "x")
				failure(t, err, notifier.Unknown, "cmpp_unconfirmed")
				// The next one waits for the connection: this loss may be the only one.
				if got := w.finished(t, w.send("k", "x")); got.err != nil {
					t.Error(got.err)
				}
				if _, ever := w.Connections(); ever != 2 || len(w.Submissions()) != 2 {
					t.Errorf("%d connections, %d submissions", ever, len(w.Submissions()))
				}
			})
		}
	})
}

// A gateway that cuts every connection is down, after some hope.
func TestConnectionCutAgainAndAgain(t *testing.T) {
	w := start(t, cmpp.V30, options{gateway: func(c *cmpptest.Config) {
		c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict { return cmpptest.Verdict{Fault: cmpptest.CutBefore} }
	}})
	for range 3 {
		failure(t, w.finished(t, w.send("k", "x")).err, notifier.Unknown, "cmpp_unconfirmed")
	}
	until(t, func() bool { now, _ := w.Connections(); return now == 0 })
	until(t, func() bool { // the client may have to notice first
		_, err := w.Send(t.Context(), "k", mobile, "x")
		return err.Error() == "cmpp_connection_lost"
	})
	_, err := w.Send(t.Context(), "k", mobile, "x")
	failure(t, err, notifier.Down, "cmpp_connection_lost")
}

// Some parts were taken: the message is neither sent nor unsent.
func TestPartlyAccepted(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		text := strings.Repeat("办", 200) // three parts
		for _, c := range []struct {
			name    string
			verdict cmpptest.Verdict
			class   notifier.Class
			code    string
			ids     int
		}{
			{"lost", cmpptest.Verdict{Fault: cmpptest.Lose}, notifier.Unknown, "cmpp_partial", 2},
			{"later", cmpptest.Verdict{Result: 3}, notifier.Unknown, "cmpp_partial", 2},
			{"never", cmpptest.Verdict{Result: 13}, notifier.Reject, "cmpp_submit_13", 2},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := start(t, v, options{gateway: once(2, c.verdict)})
				got := w.finished(t, w.send("k", text))
				failure(t, got.err, c.class, c.code)
				if len(got.ids) != c.ids || len(w.Submissions()) != 3 {
					t.Errorf("%d ids, %d submissions", len(got.ids), len(w.Submissions()))
				}
			})
		}
	})
}

// The caller may go at any time, but a part that was written stays unknown and
// keeps its place in the window.
func TestCancelled(t *testing.T) {
	release := make(chan struct{})
	w := start(t, cmpp.V30, options{
		gateway: func(c *cmpptest.Config) {
			c.Window = 1
			c.OnSubmit = func(cmpptest.Submission) cmpptest.Verdict { return cmpptest.Verdict{Wait: func() { <-release }} }
		},
		client: func(c *cmpp.Config) { c.Window = 1 },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { _, err := w.Send(ctx, "1", mobile, "x"); done <- err }()
	until(t, func() bool { return len(w.Submissions()) == 1 })
	cancel()
	failure(t, <-done, notifier.Unknown, "cmpp_unconfirmed")

	ctx, cancel = context.WithCancel(t.Context())
	go func() { _, err := w.Send(ctx, "2", mobile, "x"); done <- err }()
	cancel()
	failure(t, <-done, notifier.Retry, "cancelled")
	close(release)
	if got := w.finished(t, w.send("3", "x")); got.err != nil {
		t.Error(got.err)
	}
}

func TestGatewayTalksNonsense(t *testing.T) {
	for name, nonsense := range map[string]string{
		"length":  "\x00\x00\x00\x03\x80\x00\x00\x04\x00\x00\x00\x01",
		"huge":    "\xff\xff\xff\xff\x80\x00\x00\x04\x00\x00\x00\x01",
		"command": "\x00\x00\x00\x0c\x70\x00\x00\x04\x00\x00\x00\x01",
		"body":    "\x00\x00\x00\x0d\x80\x00\x00\x04\x00\x00\x00\x01\x00",
		"SUBMIT":  "\x00\x00\x00\x0c\x00\x00\x00\x02", // half a packet, and then the end
		"HTTP":    "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, cmpp.V20, options{})
			w.connected(t, 1)
			w.Raw([]byte(nonsense))
			if name == "SUBMIT" {
				w.Cut()
			}
			w.pass(t, func() bool { _, ever := w.Connections(); return ever == 2 })
			if got := w.finished(t, w.send("k", "x")); got.err != nil {
				t.Error(got.err)
			}
		})
	}
}

func TestGatewaySaysGoodbye(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		w := start(t, v, options{})
		w.connected(t, 1)
		w.Request(&cmpp.Terminate{})
		w.pass(t, func() bool { _, ever := w.Connections(); return ever == 2 })
		if got := w.finished(t, w.send("k", "x")); got.err != nil {
			t.Error(got.err)
		}
	})
}

// The delays between attempts grow.
func TestReconnectBacksOff(t *testing.T) {
	var attempts atomic.Int32
	w := start(t, cmpp.V30, options{client: func(c *cmpp.Config) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			attempts.Add(1)
			return nil, io.ErrUnexpectedEOF
		}
	}})
	took := w.pass(t, func() bool { return attempts.Load() == 9 })
	// At least half of 1+2+4+8+16+32+60+60 s.
	if took < 91*time.Second {
		t.Errorf("nine attempts in %v", took)
	}
	_, err := w.Send(t.Context(), "k", mobile, "x")
	failure(t, err, notifier.Down, "cmpp_login")
}
