// Package cmpp sends short messages through a gateway of China Mobile (中国移动
// 互联网短信网关), in versions 2.0 and 3.0 of its protocol CMPP.
//
// A [Client] keeps its connections up on its own: it logs in, answers and
// sends link tests, and connects anew when one is lost, because the gateway
// delivers its reports whenever it likes. [Client.Send] hands one text over,
// in as many parts as it needs.
//
// The protocol has no key by which a gateway could know a repeat. So the
// client never submits a part again unless the gateway has said that it did
// not take it: whatever was written and not answered is [notifier.Unknown],
// and others decide what to do about it.
//
// The packets are described once, in the fields method of each body, for both
// directions. [Version.Encode] and [Version.Decode] are all there is to them.
package cmpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Version is a version of the protocol, as it is written in CONNECT.
type Version uint8

// The versions that are spoken.
const (
	V20 Version = 0x20
	V30 Version = 0x30
)

// String returns the version as people write it.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v>>4, v&0x0f) }

// terminalWidth is the width of a telephone number.
func (v Version) terminalWidth() int {
	if v == V30 {
		return 32
	}
	return 21
}

// tailWidth is the width of the last field of SUBMIT and DELIVER.
func (v Version) tailWidth() int {
	if v == V30 {
		return 20
	}
	return 8
}

// Packet is one message (消息) of the protocol.
type Packet struct {
	Sequence uint32 // 消息流水号; an answer has that of its request
	Body     Body
}

// Body is what follows the header of a packet.
type Body interface {
	command() uint32
	fields(c coder, v Version)
}

// The commands (命令), which name the type of the body. An answer has the
// command of its request with the highest bit set.
const (
	cmdConnect    = 0x00000001
	cmdTerminate  = 0x00000002
	cmdSubmit     = 0x00000004
	cmdDeliver    = 0x00000005
	cmdActiveTest = 0x00000008
	answer        = 0x80000000
)

// The bounds of a packet. The largest that the standard allows is a SUBMIT to
// 100 recipients, 3 491 octets.
const (
	headerLen = 12
	maxPacket = 4096
)

// ErrMalformed means that the other side does not keep to the protocol.
var ErrMalformed = errors.New("malformed CMPP packet")

// newBody returns an empty body for a command.
func newBody(command uint32) (Body, error) {
	switch command {
	case cmdConnect:
		return &Connect{}, nil
	case cmdConnect | answer:
		return &ConnectResp{}, nil
	case cmdTerminate:
		return &Terminate{}, nil
	case cmdTerminate | answer:
		return &TerminateResp{}, nil
	case cmdSubmit:
		return &Submit{}, nil
	case cmdSubmit | answer:
		return &SubmitResp{}, nil
	case cmdDeliver:
		return &Deliver{}, nil
	case cmdDeliver | answer:
		return &DeliverResp{}, nil
	case cmdActiveTest:
		return &ActiveTest{}, nil
	case cmdActiveTest | answer:
		return &ActiveTestResp{}, nil
	}
	return nil, fmt.Errorf("%w: command %#08x", ErrMalformed, command)
}

// Encode returns the packet as it goes over the wire. A value that does not
// fit its field is an error: a telephone number that is cut is another one.
func (v Version) Encode(p Packet) ([]byte, error) {
	e := &encoder{buf: make([]byte, headerLen, 256)}
	p.Body.fields(e, v)
	switch {
	case e.err != nil:
		return nil, fmt.Errorf("CMPP command %#08x: %w", p.Body.command(), e.err)
	case len(e.buf) > maxPacket:
		return nil, fmt.Errorf("CMPP command %#08x: %d octets are too many", p.Body.command(), len(e.buf))
	}
	binary.BigEndian.PutUint32(e.buf, uint32(len(e.buf))) //nolint:gosec // at most maxPacket
	binary.BigEndian.PutUint32(e.buf[4:], p.Body.command())
	binary.BigEndian.PutUint32(e.buf[8:], p.Sequence)
	return e.buf, nil
}

// Decode reads a packet, header and all. It must be of the stated length, and
// its body must have exactly the fields of its command.
func (v Version) Decode(frame []byte) (Packet, error) {
	if len(frame) < headerLen || len(frame) > maxPacket || int64(binary.BigEndian.Uint32(frame)) != int64(len(frame)) {
		return Packet{}, fmt.Errorf("%w: wrong length", ErrMalformed)
	}
	body, err := newBody(binary.BigEndian.Uint32(frame[4:]))
	if err != nil {
		return Packet{}, err
	}
	d := &decoder{rest: frame[headerLen:]}
	body.fields(d, v)
	if err := d.end(); err != nil {
		return Packet{}, fmt.Errorf("command %#08x: %w", body.command(), err)
	}
	return Packet{Sequence: binary.BigEndian.Uint32(frame[8:]), Body: body}, nil
}

// ReadFrame reads the octets of the next packet. It is io.EOF if the stream
// ends before the packet begins.
func ReadFrame(r io.Reader) ([]byte, error) {
	var header [headerLen]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n < headerLen || n > maxPacket {
		return nil, fmt.Errorf("%w: wrong length", ErrMalformed)
	}
	frame := make([]byte, n)
	copy(frame, header[:])
	if _, err := io.ReadFull(r, frame[headerLen:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return frame, nil
}
