package cmpp_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

// fates counts what became of messages.
type fates struct{ accepted, rejected, unknown int }

// Some thousand messages, long and short, over three connections, with one
// fault in a hundred parts, and answers in any order.
func TestStress(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		messages := 3000
		if testing.Short() {
			messages = 300
		}
		w := start(t, v, options{
			gateway: func(c *cmpptest.Config) { c.OnSubmit = trouble },
			client:  func(c *cmpp.Config) { c.Connections = 3 },
		})
		stop := w.run()
		defer stop()

		outcomes := make([]error, messages)
		ids := make([][]string, messages)
		var senders sync.WaitGroup
		var next atomic.Int32
		for range 60 {
			senders.Go(func() {
				for i := int(next.Add(1)) - 1; i < messages; i = int(next.Add(1)) - 1 {
					ids[i], outcomes[i] = w.persist(i)
				}
			})
		}
		senders.Wait()
		check(t, w, ids, outcomes)
	})
}

// trouble is what goes wrong.
func trouble(cmpptest.Submission) cmpptest.Verdict {
	v := cmpptest.Verdict{Wait: func() { time.Sleep(rand.N(3 * time.Millisecond)) }}
	if rand.N(100) > 0 {
		return v
	}
	switch rand.N(8) {
	case 0:
		v.Fault = cmpptest.Lose
	case 1:
		v.Fault = cmpptest.Twice
	case 2:
		v.Fault = cmpptest.CutBefore
	case 3:
		v.Fault = cmpptest.CutAfter
	case 4:
		v.Fault = cmpptest.CutWithin
	case 5:
		v.Result = 8
	case 6:
		v.Result = 13
	case 7:
		v.Result = 9
	}
	return v
}

// run lets the clock run, some hundred times as fast as time.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var clock sync.WaitGroup
	clock.Go(func() {
		for ctx.Err() == nil {
			w.clock.Advance(100 * time.Millisecond)
			time.Sleep(time.Millisecond)
		}
	})
	return func() { cancel(); clock.Wait() }
}

// stressMobile is the number to which message i goes, and to which no other.
func stressMobile(i int) string { return fmt.Sprintf("138%08d", i) }

func stressText(i int) string {
	return fmt.Sprintf("%d ", i) + strings.Repeat("办", i%4*60)
}

// persist sends a message as the dispatcher does, but sends an unknown one
// only once: it is the client that must not do so again.
func (w *world) persist(i int) (ids []string, err error) {
	for {
		ids, err = w.Send(context.Background(), strconv.Itoa(i), stressMobile(i), stressText(i))
		var e *notifier.SendError
		if !errors.As(err, &e) || e.Class == notifier.Reject || e.Class == notifier.Unknown {
			return ids, err
		}
		time.Sleep(time.Millisecond)
	}
}

// check compares what the client says with what the gateway knows.
func check(t *testing.T, w *world, ids [][]string, outcomes []error) {
	t.Helper()
	type piece struct {
		mobile string
		number uint8
	}
	offered := map[piece]int{} // how often, without being refused
	known := map[string]bool{} // ids that the gateway gave
	perMobile := map[string]int{}
	for _, s := range w.Submissions() {
		p := piece{s.Mobile, s.Submit.PkNumber}
		if s.Accepted {
			perMobile[s.Mobile]++
			known[s.ID()] = true
		}
		if s.Result == 0 {
			offered[p]++
		}
	}
	for p, n := range offered {
		if n > 1 {
			t.Errorf("part %d to %s was submitted %d times", p.number, p.mobile, n)
		}
	}
	var got fates
	claimed, possible := 0, 0
	for i, err := range outcomes {
		for _, id := range ids[i] {
			if !known[id] {
				t.Errorf("message %d has the id %s, which the gateway never gave", i, id)
			}
		}
		claimed += len(ids[i])
		var e *notifier.SendError
		switch {
		case err == nil:
			got.accepted++
			if n := perMobile[stressMobile(i)]; n != len(ids[i]) {
				t.Errorf("message %d: accepted %d parts, the gateway took %d", i, len(ids[i]), n)
			}
			continue
		case errors.As(err, &e) && e.Class == notifier.Unknown:
			got.unknown++
		case errors.As(err, &e) && e.Class == notifier.Reject:
			got.rejected++
		default:
			t.Errorf("message %d ended as %v", i, err)
		}
		if n := perMobile[stressMobile(i)]; n < len(ids[i]) {
			t.Errorf("message %d: accepted %d parts, the gateway took %d", i, len(ids[i]), n)
		} else {
			possible += n - len(ids[i])
		}
	}
	if total := len(known); total != claimed+possible {
		t.Errorf("the gateway took %d parts; the client knows of %d and may not know of %d", total, claimed, possible)
	}
	_, ever := w.Connections()
	t.Logf("%d accepted, %d rejected, %d unknown; %d parts taken; %d connections",
		got.accepted, got.rejected, got.unknown, len(known), ever)
	if got.accepted == 0 || got.accepted+got.rejected+got.unknown != len(outcomes) {
		t.Errorf("%+v of %d messages", got, len(outcomes))
	}
}
