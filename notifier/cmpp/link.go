package cmpp

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// link is one connection to the gateway that is logged in.
type link struct {
	cfg    *Config
	conn   net.Conn
	in     *bufio.Reader
	window chan struct{} // holds an entry for every part that is not answered
	inbox  chan inbound  // what the gateway delivered and we have not dealt with

	writing  sync.Mutex // held while a packet is written
	sequence uint32     // of the packet written last; guarded by writing

	mu      sync.Mutex
	pending map[uint32]*pending // by sequence
	heard   uint64              // packets that came in
	heardAt time.Time           // the last of them
	lost    error               // why the connection ended
	gone    chan struct{}       // closed when it has
}

// pending is a part that was written, or is about to be.
type pending struct {
	done  chan outcome // gets one outcome
	timer clockwork.Timer
}

// outcome is the gateway's answer to a part, or why there is none.
type outcome struct {
	resp *SubmitResp
	err  error
}

// inbound is a Deliver with the sequence that its answer must have.
type inbound struct {
	sequence uint32
	deliver  *Deliver
}

// inboxSize is more than a gateway has unanswered at a time.
const inboxSize = 64

func newLink(cfg *Config, conn net.Conn) *link {
	return &link{
		cfg:      cfg,
		conn:     conn,
		in:       bufio.NewReaderSize(conn, maxPacket),
		window:   make(chan struct{}, cfg.Window),
		inbox:    make(chan inbound, inboxSize),
		sequence: rand.Uint32(), //nolint:gosec // only to differ from the last connection's
		pending:  map[uint32]*pending{},
		heardAt:  cfg.Clock.Now(),
		gone:     make(chan struct{}),
	}
}

// read returns the next packet.
func (l *link) read() (Packet, error) {
	frame, err := ReadFrame(l.in)
	if err != nil {
		return Packet{}, err
	}
	l.mu.Lock()
	l.heard++
	l.heardAt = l.cfg.Clock.Now()
	l.mu.Unlock()
	return l.cfg.Version.Decode(frame)
}

// write writes one packet, with writing held. If it returns an error, the
// gateway did not get all of it.
func (l *link) write(sequence uint32, body Body) error {
	frame, err := l.cfg.Version.Encode(Packet{Sequence: sequence, Body: body})
	if err != nil {
		return err
	}
	// A gateway that does not read would hold us up for ever.
	guard := l.cfg.Clock.AfterFunc(l.cfg.Timeout, func() { _ = l.conn.Close() })
	defer guard.Stop()
	if n, err := l.conn.Write(frame); err != nil && n < len(frame) {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// request writes a packet with a sequence of its own.
func (l *link) request(body Body) (sequence uint32, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.sequence++
	return l.sequence, l.write(l.sequence, body)
}

// reply writes the answer to a packet.
func (l *link) reply(sequence uint32, body Body) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.write(sequence, body)
}

// serve works until the connection is lost, and returns why. When ctx ends it
// says goodbye first; nothing must be under way then.
func (l *link) serve(ctx context.Context) error {
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	workers.Go(l.receive)
	workers.Go(func() { l.keepAlive(alive) })
	workers.Go(func() { l.deliverAll(alive) })
	select {
	case <-l.gone:
	case <-ctx.Done():
		l.terminate()
	}
	cancel()
	workers.Wait()
	return l.lost
}

// fail ends the connection. What is not answered by now never will be.
func (l *link) fail(err error) {
	l.mu.Lock()
	if l.lost != nil {
		l.mu.Unlock()
		return
	}
	l.lost = err
	orphans := l.pending
	l.pending = nil
	close(l.gone)
	l.mu.Unlock()
	_ = l.conn.Close()
	for _, p := range orphans {
		l.finish(p, outcome{err: err})
	}
}

// isGone reports whether the connection has ended.
func (l *link) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// receive deals with what the gateway sends.
func (l *link) receive() {
	for {
		p, err := l.read()
		if err == nil {
			err = l.handle(p)
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

func (l *link) handle(p Packet) error {
	switch body := p.Body.(type) {
	case *SubmitResp:
		l.settle(p.Sequence, outcome{resp: body})
	case *Deliver:
		select {
		case l.inbox <- inbound{p.Sequence, body}:
		default: // not acknowledged, so it comes again
		}
	case *ActiveTest:
		return l.reply(p.Sequence, &ActiveTestResp{})
	case *ActiveTestResp: // that it came is all that it says
	case *Terminate:
		if err := l.reply(p.Sequence, &TerminateResp{}); err != nil {
			return err
		}
		return errTerminated
	case *TerminateResp:
		return errClosed
	default:
		return fmt.Errorf("%w: command %#08x is not for us", ErrMalformed, body.command())
	}
	return nil
}

// goodbye bounds the wait for the answer to TERMINATE, which is a courtesy.
const goodbye = 5 * time.Second

// terminate ends the connection in the proper way (拆除连接).
func (l *link) terminate() {
	defer l.fail(errClosed)
	if _, err := l.request(&Terminate{}); err != nil {
		return
	}
	timer := l.cfg.Clock.NewTimer(goodbye)
	defer timer.Stop()
	select {
	case <-l.gone:
	case <-timer.Chan():
	}
}

// keepAlive tests the connection whenever the gateway has been silent for
// long (链路检测), and ends it if the gateway stays silent.
func (l *link) keepAlive(ctx context.Context) {
	for {
		l.mu.Lock()
		silent := l.cfg.Clock.Since(l.heardAt)
		l.mu.Unlock()
		if silent < l.cfg.ActiveTest {
			if sleep(ctx, l.cfg.Clock, l.cfg.ActiveTest-silent) != nil {
				return
			}
			continue
		}
		if err := l.test(ctx); err != nil {
			l.fail(err)
			return
		}
	}
}

// test sends link tests until anything comes in.
func (l *link) test(ctx context.Context) error {
	l.mu.Lock()
	before := l.heard
	l.mu.Unlock()
	for range l.cfg.ActiveTestTries {
		if _, err := l.request(&ActiveTest{}); err != nil {
			return err
		}
		if err := sleep(ctx, l.cfg.Clock, l.cfg.Timeout); err != nil {
			return err
		}
		l.mu.Lock()
		heard := l.heard
		l.mu.Unlock()
		if heard != before {
			return nil
		}
	}
	return errSilent
}
