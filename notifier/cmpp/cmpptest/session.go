package cmpptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"duban/notifier/cmpp"
)

// session is one connection of a client.
type session struct {
	g      *Gateway
	number int
	conn   net.Conn
	in     *bufio.Reader

	expected uint32 // sequence of the client's next request
	loggedIn bool
	ended    bool // the client said goodbye

	writing  sync.Mutex
	sequence uint32 // of our last request; guarded by writing

	mu       sync.Mutex
	open     int                  // parts that are not answered
	requests map[uint32]cmpp.Body // ours that are not answered
}

func newSession(g *Gateway, conn net.Conn, number int) *session {
	return &session{g: g, number: number, conn: conn, in: bufio.NewReader(conn), requests: map[uint32]cmpp.Body{}}
}

// run serves the connection until it ends, or the client breaks a rule.
func (s *session) run() {
	defer s.leave()
	for {
		frame, err := cmpp.ReadFrame(s.in)
		if err != nil {
			return
		}
		if err := s.handle(frame); err != nil {
			s.g.violation("connection %d: %v", s.number, err)
			return
		}
	}
}

func (s *session) leave() {
	_ = s.conn.Close()
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.g.sessions = slices.DeleteFunc(s.g.sessions, func(other *session) bool { return other == s })
}

// handle deals with one packet. It must be exactly as we would have written it.
func (s *session) handle(frame []byte) error {
	p, err := s.g.cfg.Version.Decode(frame)
	if err != nil {
		return err
	}
	again, err := s.g.cfg.Version.Encode(p)
	if err != nil {
		return err
	}
	if !bytes.Equal(frame, again) {
		return fmt.Errorf("%T is not in canonical form: %x", p.Body, frame)
	}
	if s.ended {
		return fmt.Errorf("%T after TERMINATE", p.Body)
	}
	switch body := p.Body.(type) {
	case *cmpp.DeliverResp, *cmpp.ActiveTestResp, *cmpp.TerminateResp:
		return s.answered(p)
	case *cmpp.Connect:
		if s.loggedIn {
			return errors.New("second CONNECT")
		}
		s.expected = p.Sequence + 1
		return s.connect(p.Sequence, body)
	}
	if !s.loggedIn {
		return fmt.Errorf("%T before CONNECT", p.Body)
	}
	if p.Sequence != s.expected {
		return fmt.Errorf("%T has sequence %d instead of %d", p.Body, p.Sequence, s.expected)
	}
	s.expected++
	return s.requested(p)
}

func (s *session) requested(p cmpp.Packet) error {
	switch body := p.Body.(type) {
	case *cmpp.Submit:
		return s.submit(p.Sequence, body)
	case *cmpp.ActiveTest:
		s.g.mu.Lock()
		s.g.tests++
		s.g.mu.Unlock()
		if !s.g.deaf.Load() {
			s.reply(p.Sequence, &cmpp.ActiveTestResp{})
		}
	case *cmpp.Terminate:
		s.ended = true
		s.g.mu.Lock()
		s.g.goodbyes++
		s.g.mu.Unlock()
		s.reply(p.Sequence, &cmpp.TerminateResp{})
	default:
		return fmt.Errorf("%T is not for a gateway", p.Body)
	}
	return nil
}

// answered checks the client's answer against our request.
func (s *session) answered(p cmpp.Packet) error {
	s.mu.Lock()
	request := s.requests[p.Sequence]
	delete(s.requests, p.Sequence)
	s.mu.Unlock()
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	switch body := p.Body.(type) {
	case *cmpp.DeliverResp:
		if d, ok := request.(*cmpp.Deliver); ok && d.MsgID == body.MsgID {
			s.g.answers[d.MsgID] = append(s.g.answers[d.MsgID], body.Result)
			return nil
		}
	case *cmpp.ActiveTestResp:
		if _, ok := request.(*cmpp.ActiveTest); ok {
			s.g.testsBack++
			return nil
		}
	case *cmpp.TerminateResp:
		if _, ok := request.(*cmpp.Terminate); ok {
			return nil
		}
	}
	return fmt.Errorf("%T %d answers nothing", p.Body, p.Sequence)
}

// The statuses of CONNECT_RESP.
const (
	statusAddress = 2
	statusAuth    = 3
	statusVersion = 4
)

func (s *session) connect(sequence uint32, r *cmpp.Connect) error {
	resp := &cmpp.ConnectResp{Version: s.g.cfg.Version}
	switch {
	case r.SourceAddr != s.g.cfg.SourceAddr:
		resp.Status = statusAddress
	case !r.Authentic(s.g.cfg.Secret):
		resp.Status = statusAuth
	case r.Version != s.g.cfg.Version:
		resp.Status = statusVersion
	case s.g.cfg.OnConnect != nil:
		resp.Status = s.g.cfg.OnConnect()
	}
	if _, err := time.Parse("0102150405", fmt.Sprintf("%010d", r.Timestamp)); err != nil {
		return err
	}
	if resp.Status == 0 {
		secret := s.g.cfg.Secret
		if s.g.cfg.Forge {
			secret = "guessed"
		}
		resp.Sign(s.g.cfg.Version, r, secret)
		s.loggedIn = true
		s.g.mu.Lock()
		s.g.sessions = append(s.g.sessions, s)
		s.g.mu.Unlock()
	}
	s.reply(sequence, resp)
	return nil
}

// The results of SUBMIT_RESP for which the gateway has reasons of its own.
const resultFlow = 8

func (s *session) submit(sequence uint32, r *cmpp.Submit) error {
	if err := s.g.check(r); err != nil {
		return err
	}
	s.mu.Lock()
	s.open++
	full := s.open > s.g.cfg.Window
	s.mu.Unlock()
	if full {
		s.g.violation("connection %d: window of %d exceeded", s.number, s.g.cfg.Window)
		s.answer(sequence, &cmpp.SubmitResp{Result: resultFlow}, None)
		return nil
	}
	sub := Submission{MsgID: s.g.newID(), Mobile: r.DestTerminalIDs[0], Text: textOf(r), Submit: *r, Connected: s.number}
	var v Verdict
	if s.g.cfg.OnSubmit != nil {
		v = s.g.cfg.OnSubmit(sub)
	}
	sub.Result = v.Result
	sub.Accepted = v.Result == 0 && v.Fault != CutBefore
	s.g.mu.Lock()
	s.g.submissions = append(s.g.submissions, sub)
	s.g.mu.Unlock()
	resp := &cmpp.SubmitResp{MsgID: sub.MsgID, Result: v.Result}
	if v.Result != 0 {
		resp.MsgID = 0
	}
	if v.Wait == nil {
		s.answer(sequence, resp, v.Fault)
		return nil
	}
	s.g.done.Go(func() {
		v.Wait()
		s.answer(sequence, resp, v.Fault)
	})
	return nil
}

// answer answers a part, or does what goes wrong. The place in the window is
// free as soon as the client can know of it.
func (s *session) answer(sequence uint32, resp *cmpp.SubmitResp, f Fault) {
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
	switch f {
	case None:
		s.reply(sequence, resp)
	case Lose:
	case Twice:
		s.reply(sequence, resp)
		s.reply(sequence, resp)
	case CutBefore, CutAfter:
		_ = s.conn.Close()
	case CutWithin:
		// Nobody may write in between: three octets of another packet would
		// make this one whole again.
		frame := s.encode(sequence, resp)
		s.writing.Lock()
		defer s.writing.Unlock()
		_, _ = s.conn.Write(frame[:len(frame)-3])
		_ = s.conn.Close()
	}
}

func (s *session) encode(sequence uint32, body cmpp.Body) []byte {
	frame, err := s.g.cfg.Version.Encode(cmpp.Packet{Sequence: sequence, Body: body})
	if err != nil {
		panic(err) // the test asks for the impossible
	}
	return frame
}

// request sends a packet with a sequence of its own and expects an answer.
func (s *session) request(body cmpp.Body) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.sequence++
	s.mu.Lock()
	s.requests[s.sequence] = body
	s.mu.Unlock()
	_, _ = s.conn.Write(s.encode(s.sequence, body))
}

func (s *session) reply(sequence uint32, body cmpp.Body) { s.write(s.encode(sequence, body)) }

// write fails if the client has gone, which is its right.
func (s *session) write(octets []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, _ = s.conn.Write(octets)
}
