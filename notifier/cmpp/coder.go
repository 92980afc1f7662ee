package cmpp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// coder walks through the fields of a body, to write them or to read them.
// After a field that does not fit it does nothing more.
type coder interface {
	uint8(*uint8)
	uint32(*uint32)
	uint64(*uint64)
	// status is one octet in version 2.0 and four in 3.0.
	status(*uint32, Version)
	// text is an octet string (Octet String), filled up with zeros.
	text(s *string, width int)
	octets([]byte)
	// block is an octet that states a length, and so many octets.
	block(*[]byte)
	// list is an octet that states a number, and so many texts.
	list(s *[]string, width int)
}

// encoder writes fields.
type encoder struct {
	buf []byte
	err error
}

func (e *encoder) uint8(n *uint8)   { e.buf = append(e.buf, *n) }
func (e *encoder) uint32(n *uint32) { e.buf = binary.BigEndian.AppendUint32(e.buf, *n) }
func (e *encoder) uint64(n *uint64) { e.buf = binary.BigEndian.AppendUint64(e.buf, *n) }
func (e *encoder) octets(b []byte)  { e.buf = append(e.buf, b...) }

func (e *encoder) status(n *uint32, v Version) {
	if v == V30 {
		e.uint32(n)
		return
	}
	e.count(int64(*n))
}

// text must not print the value: it may be a telephone number.
func (e *encoder) text(s *string, width int) {
	switch {
	case len(*s) > width:
		e.fail(fmt.Errorf("%d octets do not fit in a field of %d", len(*s), width))
	case strings.IndexByte(*s, 0) >= 0:
		e.fail(fmt.Errorf("zero octet in a field of %d", width))
	default:
		e.buf = append(e.buf, *s...)
		e.buf = append(e.buf, make([]byte, width-len(*s))...)
	}
}

func (e *encoder) block(b *[]byte) {
	e.count(int64(len(*b)))
	e.octets(*b)
}

func (e *encoder) list(s *[]string, width int) {
	e.count(int64(len(*s)))
	for i := range *s {
		e.text(&(*s)[i], width)
	}
}

// count writes a number that must fit in one octet.
func (e *encoder) count(n int64) {
	if n < 0 || n > math.MaxUint8 {
		e.fail(fmt.Errorf("%d does not fit in one octet", n))
		return
	}
	e.buf = append(e.buf, byte(n))
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// decoder reads fields.
type decoder struct {
	rest []byte
	err  error
}

// take returns the next n octets, or nil if there are not so many.
func (d *decoder) take(n int) []byte {
	if d.err != nil || len(d.rest) < n {
		if d.err == nil {
			d.err = fmt.Errorf("%w: it ends early", ErrMalformed)
		}
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uint8(n *uint8) {
	if b := d.take(1); b != nil {
		*n = b[0]
	}
}

func (d *decoder) uint32(n *uint32) {
	if b := d.take(4); b != nil {
		*n = binary.BigEndian.Uint32(b)
	}
}

func (d *decoder) uint64(n *uint64) {
	if b := d.take(8); b != nil {
		*n = binary.BigEndian.Uint64(b)
	}
}

func (d *decoder) octets(b []byte) { copy(b, d.take(len(b))) }

func (d *decoder) status(n *uint32, v Version) {
	if v == V30 {
		d.uint32(n)
		return
	}
	var one uint8
	d.uint8(&one)
	*n = uint32(one)
}

// text ends at the first zero. What a gateway left behind it means nothing.
func (d *decoder) text(s *string, width int) {
	b, _, _ := bytes.Cut(d.take(width), []byte{0})
	*s = string(b)
}

func (d *decoder) block(b *[]byte) {
	var n uint8
	d.uint8(&n)
	*b = bytes.Clone(d.take(int(n)))
}

func (d *decoder) list(s *[]string, width int) {
	var n uint8
	d.uint8(&n)
	for range n {
		var one string
		d.text(&one, width)
		*s = append(*s, one)
	}
}

// end reports whether the fields were exactly what there was.
func (d *decoder) end() error {
	if d.err == nil && len(d.rest) > 0 {
		d.err = fmt.Errorf("%w: %d octets too many", ErrMalformed, len(d.rest))
	}
	return d.err
}
