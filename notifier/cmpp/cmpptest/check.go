package cmpptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"duban/notifier/cmpp"
)

// headerLen is the length of the header (UDH) of a part of a long message.
const headerLen = 6

// check reports which rule a SUBMIT breaks.
func (g *Gateway) check(r *cmpp.Submit) error {
	switch {
	case r.MsgID != 0:
		return errors.New("SUBMIT has a Msg_Id")
	case r.MsgSrc != g.cfg.SourceAddr:
		return errors.New("SUBMIT has another Msg_src than CONNECT")
	case r.ServiceID != g.cfg.ServiceID:
		return errors.New("SUBMIT has a wrong Service_Id")
	case r.SrcID != g.cfg.SrcID:
		return errors.New("SUBMIT has a wrong Src_Id")
	case len(r.DestTerminalIDs) != 1 || r.DestTerminalIDs[0] == "":
		return errors.New("SUBMIT is not to one recipient")
	case r.MsgFmt != 8:
		return fmt.Errorf("SUBMIT has Msg_Fmt %d", r.MsgFmt)
	case len(r.Content) == 0 || len(r.Content) > 140 || len(r.Content)%2 != 0:
		return fmt.Errorf("SUBMIT has %d octets of UCS-2", len(r.Content))
	case r.FeeUserType > 3 || r.FeeType == "" || r.FeeCode == "":
		return errors.New("SUBMIT does not say who pays")
	}
	if err := g.checkParts(r); err != nil {
		return err
	}
	return checkPairs(units(r))
}

// checkParts compares what the fields, the header of the content and the other
// parts say about the parts of a message.
func (g *Gateway) checkParts(r *cmpp.Submit) error {
	if r.PkTotal == 1 {
		if r.PkNumber != 1 || r.TPUdhi != 0 {
			return fmt.Errorf("single part has Pk_number %d, TP_udhi %d", r.PkNumber, r.TPUdhi)
		}
		return nil
	}
	if r.PkNumber < 1 || r.PkNumber > r.PkTotal || r.TPUdhi != 1 {
		return fmt.Errorf("part %d/%d has TP_udhi %d", r.PkNumber, r.PkTotal, r.TPUdhi)
	}
	if len(r.Content) <= headerLen {
		return errors.New("part has no text")
	}
	reference := r.Content[3]
	if want := [headerLen]byte{5, 0, 3, reference, r.PkTotal, r.PkNumber}; [headerLen]byte(r.Content) != want {
		return fmt.Errorf("part %d/%d has header % x", r.PkNumber, r.PkTotal, r.Content[:headerLen])
	}
	key := fmt.Sprintf("%s/%d", r.DestTerminalIDs[0], reference)
	g.mu.Lock()
	defer g.mu.Unlock()
	if total, ok := g.totals[key]; ok && total != r.PkTotal {
		return fmt.Errorf("parts of one message have Pk_total %d and %d", total, r.PkTotal)
	}
	g.totals[key] = r.PkTotal
	return nil
}

// checkPairs reports a surrogate pair that is not whole.
func checkPairs(units []uint16) error {
	for i := 0; i < len(units); i++ {
		switch {
		case !utf16.IsSurrogate(rune(units[i])):
		case i+1 < len(units) && utf16.DecodeRune(rune(units[i]), rune(units[i+1])) != '\uFFFD':
			i++
		default:
			return errors.New("half a surrogate pair")
		}
	}
	return nil
}

// units returns the text of a part as UTF-16.
func units(r *cmpp.Submit) []uint16 {
	content := r.Content
	if r.TPUdhi == 1 {
		content = content[headerLen:]
	}
	units := make([]uint16, 0, len(content)/2)
	for ; len(content) > 1; content = content[2:] {
		units = append(units, binary.BigEndian.Uint16(content))
	}
	return units
}

func textOf(r *cmpp.Submit) string { return string(utf16.Decode(units(r))) }
