package cmpp_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

// stubborn is a connection that takes only some octets of what is written once
// it is told to.
type stubborn struct {
	net.Conn
	takes *atomic.Int32 // -1: everything
}

func (c *stubborn) Write(b []byte) (int, error) {
	n := c.takes.Load()
	if n < 0 {
		return c.Conn.Write(b)
	}
	taken, _ := c.Conn.Write(b[:n])
	return taken, io.ErrClosedPipe
}

// dialStubborn returns a Dial whose connections all do as takes says.
func dialStubborn(takes *atomic.Int32) func(context.Context, string, string) (net.Conn, error) {
	takes.Store(-1)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, network, address)
		return &stubborn{raw, takes}, err
	}
}

// A part that was not written whole was not taken. It goes over the next
// connection, even if it is in the middle of a message.
func TestConnectionLostWhileWriting(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		for _, n := range []int32{0, 20} {
			var takes atomic.Int32
			w := start(t, v, options{
				gateway: func(c *cmpptest.Config) {
					c.OnSubmit = func(s cmpptest.Submission) cmpptest.Verdict {
						if s.Connected == 1 { // after the first part
							takes.Store(n)
						}
						return cmpptest.Verdict{}
					}
				},
				client: func(c *cmpp.Config) { c.Dial = dialStubborn(&takes) },
			})
			done := w.send("k", strings.Repeat("办", 200))
			until(t, func() bool { now, _ := w.Connections(); return len(w.Submissions()) == 1 && now == 0 })
			takes.Store(-1)
			if got := w.finished(t, done); got.err != nil || len(got.ids) != 3 {
				t.Errorf("%v", got)
			}
			if n := len(w.Submissions()); n != 3 {
				t.Errorf("%d submissions", n)
			}
		}
	})
}

// No connection lets anything through: nothing was taken, so it is not unknown.
func TestNothingIsEverWritten(t *testing.T) {
	var takes atomic.Int32
	w := start(t, cmpp.V30, options{client: func(c *cmpp.Config) {
		c.Connections = 5 // more than there are attempts
		c.Dial = dialStubborn(&takes)
	}})
	w.connected(t, 5)
	until(t, func() bool { _, err := w.Send(t.Context(), "k", mobile, "x"); return err == nil })
	takes.Store(20)
	_, err := w.Send(t.Context(), "k", mobile, "x")
	failure(t, err, notifier.Retry, "cmpp_unsent")
	if n := len(w.Submissions()); n != 1 {
		t.Errorf("%d submissions", n)
	}
}
