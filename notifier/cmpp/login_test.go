package cmpp_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/notifier"
	"duban/notifier/cmpp"
	"duban/notifier/cmpp/cmpptest"
)

func TestLoginRefused(t *testing.T) {
	inBothVersions(t, func(t *testing.T, v cmpp.Version) {
		for _, c := range []struct {
			code string
			o    options
		}{
			{"cmpp_connect_2", options{client: func(c *cmpp.Config) { c.SourceAddr = "900002" }}},
			{"cmpp_connect_3", options{client: func(c *cmpp.Config) { c.Secret = "wrong" }}},
			{"cmpp_connect_1", options{gateway: func(c *cmpptest.Config) { c.OnConnect = func() uint32 { return 1 } }}},
			{"cmpp_connect_4", options{gateway: func(c *cmpptest.Config) { c.OnConnect = func() uint32 { return 4 } }}},
			{"cmpp_connect_5", options{gateway: func(c *cmpptest.Config) { c.OnConnect = func() uint32 { return 5 } }}},
			{"cmpp_not_authentic", options{gateway: func(c *cmpptest.Config) { c.Forge = true }}},
		} {
			t.Run(c.code, func(t *testing.T) {
				w := start(t, v, c.o)
				_, err := w.Send(t.Context(), "k", mobile, "x")
				failure(t, err, notifier.Down, c.code)
				if strings.Contains(fmt.Sprintf("%+v", err), "888888") {
					t.Error("error tells the secret")
				}
			})
		}
	})
}

func TestLoginIsTriedAgainSlowly(t *testing.T) {
	var status atomic.Uint32
	status.Store(3)
	w := start(t, cmpp.V30, options{gateway: func(c *cmpptest.Config) { c.OnConnect = status.Load }})
	_, err := w.Send(t.Context(), "k", mobile, "x")
	failure(t, err, notifier.Down, "cmpp_connect_3")
	status.Store(0)
	if took := w.pass(t, func() bool { now, _ := w.Connections(); return now == 1 }); took < 4*time.Minute {
		t.Errorf("next login after %v", took)
	}
	until(t, func() bool { // the client has yet to read the answer
		_, err := w.Send(t.Context(), "k", mobile, "x")
		return err == nil
	})
}

func TestTrustGateway(t *testing.T) {
	w := start(t, cmpp.V20, options{
		gateway: func(c *cmpptest.Config) { c.Forge = true },
		client:  func(c *cmpp.Config) { c.TrustGateway = true },
	})
	if _, err := w.Send(t.Context(), "k", mobile, "x"); err != nil {
		t.Error(err)
	}
}

func TestOtherVersion(t *testing.T) {
	w := start(t, cmpp.V20, options{client: func(c *cmpp.Config) { c.Version = cmpp.V30 }})
	_, err := w.Send(t.Context(), "k", mobile, "x")
	failure(t, err, notifier.Down, "cmpp_malformed") // CONNECT_RESP is shorter
}

func TestUnreachable(t *testing.T) {
	w := start(t, cmpp.V30, options{client: func(c *cmpp.Config) {
		c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:1")
		}
	}})
	_, err := w.Send(t.Context(), "k", mobile, "x")
	failure(t, err, notifier.Down, "cmpp_unreachable")
}

// A gateway that takes the connection and says nothing.
func TestLoginTimesOut(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	go func() { _, _ = there.Read(make([]byte, 100)) }()
	w := start(t, cmpp.V30, options{client: func(c *cmpp.Config) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) { return here, nil }
	}})
	failure(t, w.finished(t, w.send("k", "x")).err, notifier.Down, "cmpp_timeout")
}

func TestNewChecksTheConfiguration(t *testing.T) {
	good := cmpp.Config{
		Address: "127.0.0.1:1", Version: cmpp.V20, SourceAddr: "900001", Secret: "s", ServiceID: "duban", SrcID: "1065",
		Clock: clockwork.NewFakeClock(),
	}
	for name, change := range map[string]func(*cmpp.Config){
		"address":     func(c *cmpp.Config) { c.Address = "gateway" },
		"version":     func(c *cmpp.Config) { c.Version = 0 },
		"no sp":       func(c *cmpp.Config) { c.SourceAddr = "" },
		"long sp":     func(c *cmpp.Config) { c.SourceAddr = "1234567" },
		"secret":      func(c *cmpp.Config) { c.Secret = "" },
		"service":     func(c *cmpp.Config) { c.ServiceID = "12345678901" },
		"source":      func(c *cmpp.Config) { c.SrcID = "督办" },
		"fee type":    func(c *cmpp.Config) { c.FeeType = "001" },
		"fee code":    func(c *cmpp.Config) { c.FeeCode = "0000000" },
		"window":      func(c *cmpp.Config) { c.Window = -1 },
		"rate":        func(c *cmpp.Config) { c.RatePerSecond = -1 },
		"parts":       func(c *cmpp.Config) { c.MaxParts = 256 },
		"timeout":     func(c *cmpp.Config) { c.Timeout = -1 },
		"connections": func(c *cmpp.Config) { c.Connections = -1 },
	} {
		bad := good
		change(&bad)
		if _, err := cmpp.New(bad); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "1234567") {
			t.Errorf("%s: error repeats the value: %v", name, err)
		}
	}
	c, err := cmpp.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
