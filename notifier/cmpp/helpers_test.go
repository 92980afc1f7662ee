package cmpp_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

const mobile = "13500002696"

// world is a gateway, a client of it, and the client's clock.
type world struct {
	*cmpptest.Gateway
	*cmpp.Client
	clock *clockwork.FakeClock
	cfg   cmpp.Config
}

// options change what is started; either may be nil.
type options struct {
	gateway func(*cmpptest.Config)
	client  func(*cmpp.Config)
}

func gatewayConfig(v cmpp.Version) cmpptest.Config {
	return cmpptest.Config{
		Version: v, SourceAddr: "900001", Secret: "888888", ServiceID: "duban", SrcID: "10657000001", Window: 16,
	}
}

func start(t *testing.T, v cmpp.Version, o options) *world {
	t.Helper()
	expected := gatewayConfig(v)
	if o.gateway != nil {
		o.gateway(&expected)
	}
	w := &world{
		Gateway: cmpptest.Start(t, expected),
		clock:   clockwork.NewFakeClockAt(time.Date(2025, 10, 31, 1, 0, 0, 0, time.UTC)),
	}
	w.cfg = cmpp.Config{
		Address: w.Addr(), Version: v, SourceAddr: "900001", Secret: "888888", ServiceID: "duban", SrcID: "10657000001",
		Clock: w.clock, OnReport: func(context.Context, cmpp.Report) error { return nil },
	}
	if o.client != nil {
		o.client(&w.cfg)
	}
	var err error
	if w.Client, err = cmpp.New(w.cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close(t) })
	return w
}

// close closes the client. The clock runs meanwhile: it may have to wait.
func (w *world) close(t *testing.T) {
	t.Helper()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	w.pass(t, func() bool { return isClosed(closed) })
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// patience is more than anything takes that happens without the clock.
const patience = 20 * time.Second

// until waits for something that happens without the clock.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

// pass lets the clock run until something has happened, and returns how long
// that took.
func (w *world) pass(t *testing.T, happened func() bool) time.Duration {
	t.Helper()
	from := w.clock.Now()
	until(t, func() bool {
		if happened() {
			return true
		}
		w.clock.Advance(500 * time.Millisecond)
		return false
	})
	return w.clock.Since(from)
}

// connected waits for so many connections.
func (w *world) connected(t *testing.T, n int) {
	t.Helper()
	until(t, func() bool { now, _ := w.Connections(); return now == n })
}

// sent is what a call of Send came to.
type sent struct {
	ids []string
	err error
}

// send calls Send in the background.
func (w *world) send(key, text string) <-chan sent {
	done := make(chan sent, 1)
	go func() {
		ids, err := w.Send(context.Background(), key, mobile, text)
		done <- sent{ids, err}
	}()
	return done
}

// finished waits for a call of Send with the clock running.
func (w *world) finished(t *testing.T, done <-chan sent) sent {
	t.Helper()
	w.pass(t, func() bool { return len(done) > 0 })
	return <-done
}

// failure checks that an error is of a class and has a code, and that it does
// not tell the number.
func failure(t *testing.T, err error, class notifier.Class, code string) {
	t.Helper()
	var e *notifier.SendError
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no SendError, want %s", err, code)
	}
	if e.Class != class || e.Code != code {
		t.Errorf("error %q of class %v (%v), want %q of class %v", e, e.Class, e.Err, code, class)
	}
	if strings.Contains(e.Error(), mobile) || e.Err != nil && strings.Contains(e.Err.Error(), mobile) {
		t.Errorf("error tells the number: %v (%v)", e, e.Err)
	}
}

// inBothVersions runs a test once for each version of the protocol.
func inBothVersions(t *testing.T, test func(*testing.T, cmpp.Version)) {
	for _, v := range []cmpp.Version{cmpp.V20, cmpp.V30} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			test(t, v)
		})
	}
}
