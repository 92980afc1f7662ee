package cmpp

import (
	"encoding/binary"
	"hash/fnv"
	"unicode/utf16"
	"unicode/utf8"

	"duban/notifier"
)

// The size of a message in UCS-2: 140 octets, of which the header (UDH) takes
// six if the message is one part of a longer one.
const (
	singleUnits = 70
	partUnits   = 67
)

// part is what goes into one SUBMIT.
type part struct {
	total, number uint8
	content       []byte
}

// split cuts a text into parts. Each part of a long one begins with a header
// by which the telephone puts them together again: they have the same
// reference.
func split(text string, reference uint8, most int) ([]part, *notifier.SendError) {
	if text == "" {
		return nil, refused("cmpp_no_text")
	}
	if !utf8.ValidString(text) {
		return nil, refused("cmpp_bad_text")
	}
	units := utf16.Encode([]rune(text))
	if len(units) <= singleUnits {
		return []part{{total: 1, number: 1, content: ucs2(nil, units)}}, nil
	}
	pieces := cut(units)
	if len(pieces) > most {
		return nil, refused("cmpp_too_long")
	}
	parts := make([]part, len(pieces))
	for i, piece := range pieces {
		total, number := uint8(len(pieces)), uint8(i+1) //nolint:gosec // most is at most 255
		header := []byte{5, 0, 3, reference, total, number}
		parts[i] = part{total: total, number: number, content: ucs2(header, piece)}
	}
	return parts, nil
}

// cut returns pieces of at most partUnits. It leaves surrogate pairs whole.
func cut(units []uint16) (pieces [][]uint16) {
	for len(units) > partUnits {
		n := partUnits
		if units[n-1]&0xfc00 == 0xd800 { // the first half of a pair
			n--
		}
		pieces = append(pieces, units[:n])
		units = units[n:]
	}
	return append(pieces, units)
}

func ucs2(header []byte, units []uint16) []byte {
	for _, u := range units {
		header = binary.BigEndian.AppendUint16(header, u)
	}
	return header
}

// reference derives the reference of a long message from its key. So when it
// is sent again, after an attempt of which only some parts arrived, the new
// parts complete it.
func reference(key string) uint8 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // cannot fail
	sum := h.Sum32()
	return uint8(sum ^ sum>>8 ^ sum>>16 ^ sum>>24) //nolint:gosec // the low octet is wanted
}
