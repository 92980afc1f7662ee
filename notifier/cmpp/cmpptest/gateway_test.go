package cmpptest

import (
	"net"
	"strings"
	"testing"
	"time"

	"duban/notifier/cmpp"
)

var config = Config{
	Version: cmpp.V20, SourceAddr: "900001", Secret: "888888", ServiceID: "duban", SrcID: "1065", Window: 2,
}

// peer is a client that does exactly what a test says.
type peer struct {
	t    *testing.T
	conn net.Conn
}

func dial(t *testing.T, g *Gateway) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t, conn}
}

func (p *peer) write(sequence uint32, body cmpp.Body) {
	p.t.Helper()
	frame, err := cmpp.V20.Encode(cmpp.Packet{Sequence: sequence, Body: body})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.conn.Write(frame); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) read() cmpp.Packet {
	p.t.Helper()
	frame, err := cmpp.ReadFrame(p.conn)
	if err != nil {
		p.t.Fatal(err)
	}
	packet, err := cmpp.V20.Decode(frame)
	if err != nil {
		p.t.Fatal(err)
	}
	return packet
}

func (p *peer) login() {
	p.t.Helper()
	p.write(1, cmpp.NewConnect(cmpp.V20, "900001", "888888", time.Now()))
	if resp, ok := p.read().Body.(*cmpp.ConnectResp); !ok || resp.Status != 0 {
		p.t.Fatalf("not logged in: %+v", resp)
	}
}

// good is a part to which nobody objects.
func good() *cmpp.Submit {
	return &cmpp.Submit{
		PkTotal: 1, PkNumber: 1, ServiceID: "duban", FeeUserType: 2, MsgFmt: 8, MsgSrc: "900001",
		FeeType: "01", FeeCode: "0", SrcID: "1065", DestTerminalIDs: []string{"13500002696"}, Content: []byte("\x00x"),
	}
}

// long is the first part of two.
func long() *cmpp.Submit {
	s := good()
	s.PkTotal, s.TPUdhi, s.Content = 2, 1, []byte("\x05\x00\x03\x2a\x02\x01\x00x")
	return s
}

func with(s *cmpp.Submit, change func(*cmpp.Submit)) *cmpp.Submit {
	change(s)
	return s
}

func TestGatewayTakesWhatIsRight(t *testing.T) {
	p := dial(t, Start(t, config))
	p.login()
	second := with(long(), func(s *cmpp.Submit) { s.PkNumber, s.Content[5] = 2, 2 })
	for i, s := range []*cmpp.Submit{good(), long(), second} {
		p.write(uint32(i+2), s)
		if resp, ok := p.read().Body.(*cmpp.SubmitResp); !ok || resp.Result != 0 || resp.MsgID == 0 {
			t.Errorf("%d: %+v", i, resp)
		}
	}
}

func TestGatewayObjects(t *testing.T) {
	for name, misbehave := range map[string]func(*peer){
		"SUBMIT before CONNECT": func(p *peer) { p.write(1, good()) },
		"second CONNECT": func(p *peer) {
			p.login()
			p.write(2, cmpp.NewConnect(cmpp.V20, "900001", "888888", time.Now()))
		},
		"sequence twice":         func(p *peer) { p.login(); p.write(2, good()); p.write(2, good()) },
		"sequence skipped":       func(p *peer) { p.login(); p.write(3, good()) },
		"answer to nothing":      func(p *peer) { p.login(); p.write(9, &cmpp.DeliverResp{}) },
		"SUBMIT after TERMINATE": func(p *peer) { p.login(); p.write(2, &cmpp.Terminate{}); p.write(3, good()) },
		"not a packet":           func(p *peer) { _, _ = p.conn.Write([]byte("\x00\x00\x00\x0c\x00\x00\x00\x04\x00\x00\x00\x01")) },
		"not filled with zeros": func(p *peer) {
			p.login()
			frame, _ := cmpp.V20.Encode(cmpp.Packet{Sequence: 2, Body: good()})
			frame[len(frame)-1] = 'x' // of the reserved octets
			_, _ = p.conn.Write(frame)
		},
		"window": func(p *peer) { p.login(); p.write(2, good()); p.write(3, good()); p.write(4, good()) },
	} {
		t.Run(name, func(t *testing.T) {
			objects(t, misbehave)
		})
	}
	for name, s := range map[string]*cmpp.Submit{
		"Msg_Id":         with(good(), func(s *cmpp.Submit) { s.MsgID = 1 }),
		"Msg_src":        with(good(), func(s *cmpp.Submit) { s.MsgSrc = "900002" }),
		"Service_Id":     with(good(), func(s *cmpp.Submit) { s.ServiceID = "" }),
		"Src_Id":         with(good(), func(s *cmpp.Submit) { s.SrcID = "" }),
		"recipients":     with(good(), func(s *cmpp.Submit) { s.DestTerminalIDs = nil }),
		"Msg_Fmt":        with(good(), func(s *cmpp.Submit) { s.MsgFmt = 15 }),
		"fee":            with(good(), func(s *cmpp.Submit) { s.FeeType = "" }),
		"empty":          with(good(), func(s *cmpp.Submit) { s.Content = nil }),
		"too long":       with(good(), func(s *cmpp.Submit) { s.Content = []byte(strings.Repeat("\x00x", 71)) }),
		"odd":            with(good(), func(s *cmpp.Submit) { s.Content = []byte("\x00") }),
		"half a pair":    with(good(), func(s *cmpp.Submit) { s.Content = []byte("\x00x\xd8\x3d") }),
		"other half":     with(good(), func(s *cmpp.Submit) { s.Content = []byte("\xde\x00\x00x") }),
		"single TP_udhi": with(good(), func(s *cmpp.Submit) { s.TPUdhi = 1 }),
		"no TP_udhi":     with(long(), func(s *cmpp.Submit) { s.TPUdhi = 0 }),
		"Pk_number":      with(long(), func(s *cmpp.Submit) { s.PkNumber, s.Content[5] = 3, 3 }),
		"header number":  with(long(), func(s *cmpp.Submit) { s.Content[5] = 2 }),
		"header total":   with(long(), func(s *cmpp.Submit) { s.Content[4] = 3 }),
		"header length":  with(long(), func(s *cmpp.Submit) { s.Content[0] = 6 }),
		"header only":    with(long(), func(s *cmpp.Submit) { s.Content = s.Content[:6] }),
	} {
		t.Run(name, func(t *testing.T) {
			objects(t, func(p *peer) { p.login(); p.write(2, s) })
		})
	}
}

// objects checks that the gateway objects to something.
func objects(t *testing.T, misbehave func(*peer)) {
	t.Helper()
	cfg := config
	stuck := make(chan struct{})
	cfg.OnSubmit = func(Submission) Verdict { return Verdict{Wait: func() { <-stuck }} }
	g := Start(t, cfg)
	defer g.Forgive()
	defer close(stuck)
	misbehave(dial(t, g))
	for deadline := time.Now().Add(10 * time.Second); len(g.Violations()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the gateway does not object")
		}
	}
}

func TestOtherTotal(t *testing.T) {
	objects(t, func(p *peer) {
		p.login()
		p.write(2, long())
		p.write(3, with(long(), func(s *cmpp.Submit) { s.PkTotal, s.Content[4] = 3, 3 }))
	})
}
