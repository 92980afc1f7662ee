// Package cmpptest provides a gateway for tests. It insists on the protocol
// to the letter, and can be told to do everything that a real one should not.
package cmpptest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"duban/notifier/cmpp"
)

// Config says what the gateway expects.
type Config struct {
	Version    cmpp.Version
	SourceAddr string
	Secret     string
	ServiceID  string
	SrcID      string
	Window     int

	// OnConnect decides about a login that is correct; the answer has its
	// status. Nil lets everybody in.
	OnConnect func() (status uint32)
	// OnSubmit decides about a part that is correct; nil takes everything. It
	// is called in the order of the parts on each connection.
	OnSubmit func(Submission) Verdict
	// Forge makes the gateway prove itself with a wrong secret.
	Forge bool
}

// Submission is a part as the gateway received it.
type Submission struct {
	MsgID     uint64 // what the gateway calls it
	Mobile    string
	Text      string // of this part
	Submit    cmpp.Submit
	Result    uint32 // other than 0: it was refused
	Accepted  bool   // the gateway took it, whether or not it said so
	Connected int    // the number of the connection
}

// ID returns MsgID as the client writes it.
func (s Submission) ID() string { return strconv.FormatUint(s.MsgID, 10) }

// Verdict is what the gateway does with a part.
type Verdict struct {
	Result uint32 // other than 0 refuses it
	Wait   func() // is called before the answer, while others are answered; may be nil
	Fault  Fault
}

// Fault is something that goes wrong.
type Fault int

// The faults. Cuts are of the connection.
const (
	None      Fault = iota
	Lose            // takes the part and does not answer
	Twice           // answers twice
	CutBefore       // cuts without having taken the part
	CutAfter        // takes the part and cuts without an answer
	CutWithin       // takes the part and cuts in the middle of the answer
)

// Gateway is a gateway (ISMG) on the loopback interface.
type Gateway struct {
	cfg    Config
	listen net.Listener
	done   sync.WaitGroup
	deaf   atomic.Bool // does not answer link tests

	mu          sync.Mutex
	closing     bool
	sessions    []*session // logged in
	connections int
	lastID      uint64
	submissions []Submission
	totals      map[string]uint8    // of long messages, by number and reference
	answers     map[uint64][]uint32 // results of DELIVER_RESP, by Msg_Id
	tests       int                 // ACTIVE_TEST that came
	testsBack   int                 // ACTIVE_TEST_RESP that came
	goodbyes    int                 // TERMINATE that came
	violations  []string
}

// Start opens a gateway that is closed when the test ends. The test fails if
// its client broke a rule of the protocol.
func Start(tb testing.TB, cfg Config) *Gateway {
	tb.Helper()
	listen, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g := &Gateway{cfg: cfg, listen: listen, totals: map[string]uint8{}, answers: map[uint64][]uint32{}}
	g.done.Go(g.accept)
	tb.Cleanup(func() {
		g.close()
		for _, v := range g.Violations() {
			tb.Errorf("the gateway objects: %s", v)
		}
	})
	return g
}

// Addr returns the address of the gateway.
func (g *Gateway) Addr() string { return g.listen.Addr().String() }

// Violations returns the rules that were broken.
func (g *Gateway) Violations() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.violations)
}

// Forgive forgets the violations, for a test of the gateway itself.
func (g *Gateway) Forgive() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.violations = nil
}

// Submissions returns all parts that came, in their order.
func (g *Gateway) Submissions() []Submission {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.submissions)
}

// Connections returns how many connections are logged in now, and how many
// were ever opened.
func (g *Gateway) Connections() (now, ever int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sessions), g.connections
}

// Tests returns how many link tests the client sent and answered.
func (g *Gateway) Tests() (sent, answered int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tests, g.testsBack
}

// Goodbyes returns how many connections the client ended properly.
func (g *Gateway) Goodbyes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.goodbyes
}

// Answers returns the results of the client's answers to a Deliver.
func (g *Gateway) Answers(id uint64) []uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.answers[id])
}

// PlayDead makes the gateway ignore link tests.
func (g *Gateway) PlayDead() { g.deaf.Store(true) }

// Cut cuts all connections.
func (g *Gateway) Cut() {
	for _, s := range g.live() {
		_ = s.conn.Close()
	}
}

// Request sends a packet on all connections.
func (g *Gateway) Request(body cmpp.Body) {
	for _, s := range g.live() {
		s.request(body)
	}
}

// Raw sends octets on all connections.
func (g *Gateway) Raw(octets []byte) {
	for _, s := range g.live() {
		s.write(octets)
	}
}

// Report tells what became of a part, on one connection. It returns the
// Msg_Id of the Deliver.
func (g *Gateway) Report(sub Submission, stat string) uint64 {
	content, err := g.cfg.Version.EncodeReport(cmpp.StatusReport{
		MsgID:          sub.MsgID,
		Stat:           stat,
		SubmitTime:     "2510310900",
		DoneTime:       "2510310901",
		DestTerminalID: sub.Mobile,
		SMSCSequence:   7,
	})
	if err != nil {
		panic(err)
	}
	return g.Deliver(cmpp.Deliver{SrcTerminalID: sub.Mobile, RegisteredDelivery: 1, Content: content})
}

// Deliver sends a Deliver on one connection and returns its Msg_Id.
func (g *Gateway) Deliver(d cmpp.Deliver) uint64 {
	d.MsgID, d.DestID, d.ServiceID = g.newID(), g.cfg.SrcID, g.cfg.ServiceID
	if live := g.live(); len(live) > 0 {
		live[0].request(&d)
	}
	return d.MsgID
}

func (g *Gateway) newID() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastID++
	return 0xb4c5530000000000 + g.lastID
}

func (g *Gateway) live() []*session {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.sessions)
}

// violation records that a rule was broken.
func (g *Gateway) violation(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closing {
		g.violations = append(g.violations, fmt.Sprintf(format, args...))
	}
}

func (g *Gateway) accept() {
	for {
		conn, err := g.listen.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.connections++
		s := newSession(g, conn, g.connections)
		closing := g.closing
		g.mu.Unlock()
		if closing {
			_ = conn.Close()
			continue
		}
		g.done.Go(s.run)
	}
}

func (g *Gateway) close() {
	g.mu.Lock()
	g.closing = true
	g.mu.Unlock()
	_ = g.listen.Close()
	g.Cut()
	g.done.Wait()
}
