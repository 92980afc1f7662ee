package cmpp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// octets reads octets that are written out, field by field.
func octets(t testing.TB, fields ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(fields, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zeros(n int) string { return strings.Repeat("00", n) }

// ascii is for fields that are easier to check as text.
func ascii(s string) string { return hex.EncodeToString([]byte(s)) }

// theSubmit is the message of the SUBMIT packets below.
func theSubmit() *Submit {
	return &Submit{
		PkTotal: 1, PkNumber: 1, RegisteredDelivery: 1, MsgLevel: 1,
		ServiceID: "test", FeeUserType: 2, FeeTerminalID: "13500002696",
		MsgFmt: 8, MsgSrc: "900001", FeeType: "02", FeeCode: "10",
		ValidTime: "151105131555101+", SrcID: "900001",
		DestTerminalIDs: []string{"13500002696"},
		Content:         []byte("\x6d\x4b\x8b\xd5\x00g\x00o\x00c\x00m\x00p\x00p\x00 \x00s\x00u\x00b\x00m\x00i\x00t"),
	}
}

// The packets marked "public" have the values of the packets in the tests of
// github.com/bigwhite/gocmpp, an independent implementation, and so do the
// digests. The others are computed by hand from the standard's tables.
func knownPackets(t testing.TB) []struct {
	name    string
	version Version
	packet  Packet
	want    []byte
} {
	login := NewConnect(0x21, "900001", "888888", time.Date(2015, 10, 21, 8, 5, 10, 0, chinaTime))
	deliver := &Deliver{DestID: "900001", SrcTerminalID: "13412340000", Content: []byte("This is a test MO.")}
	deliver20, deliver30 := *deliver, *deliver
	deliver20.MsgID, deliver30.MsgID = 13052947396898652160, 13025908756704198656
	in20, in30 := ConnectResp{Version: 0x21}, ConnectResp{Version: V30}
	in20.Sign(V20, login, "888888")
	in30.Sign(V30, login, "888888")
	return []struct {
		name    string
		version Version
		packet  Packet
		want    []byte
	}{
		{"public CONNECT", V20, Packet{0x17, login}, octets(
			t, "00000027 00000001 00000017", ascii("900001"), "90d00c1d517abd0b4f65f6bcf8535d16", "21", "3cdc73be",
		)},
		{"public CONNECT_RESP 2.0", V20, Packet{0x17, &in20}, octets(
			t, "0000001e 80000001 00000017", "00", "6c0b846e25bab6daa4ed1c466e0f4bd8", "21",
		)},
		{"public CONNECT_RESP 3.0", V30, Packet{0x17, &in30}, octets(
			t, "00000021 80000001 00000017", "00000000", "7942977274098cf210ab0c16c367bc8d", "30",
		)},
		{"public SUBMIT 2.0", V20, Packet{0x17, theSubmit()}, octets(
			t, "000000bd 00000004 00000017", zeros(8), "01 01 01 01", ascii("test"), zeros(6),
			"02", ascii("13500002696"), zeros(10), "00 00 08", ascii("900001"), ascii("02"), ascii("10"), zeros(4),
			ascii("151105131555101+"), zeros(1), zeros(17), ascii("900001"), zeros(15),
			"01", ascii("13500002696"), zeros(10),
			"1e", "6d4b 8bd5 0067 006f 0063 006d 0070 0070 0020 0073 0075 0062 006d 0069 0074", zeros(8),
		)},
		{"public SUBMIT 3.0", V30, Packet{0x17, theSubmit()}, octets(
			t, "000000e1 00000004 00000017", zeros(8), "01 01 01 01", ascii("test"), zeros(6),
			"02", ascii("13500002696"), zeros(21), "00", "00 00 08", ascii("900001"), ascii("02"), ascii("10"), zeros(4),
			ascii("151105131555101+"), zeros(1), zeros(17), ascii("900001"), zeros(15),
			"01", ascii("13500002696"), zeros(21), "00",
			"1e", "6d4b 8bd5 0067 006f 0063 006d 0070 0070 0020 0073 0075 0062 006d 0069 0074", zeros(20),
		)},
		{"public SUBMIT_RESP 2.0", V20, Packet{0x17, &SubmitResp{MsgID: 12878564852733378560}}, octets(
			t, "00000015 80000004 00000017", "b2b9da8000010000", "00",
		)},
		{"SUBMIT_RESP 2.0 with result", V20, Packet{0x17, &SubmitResp{Result: 13}}, octets(
			t, "00000015 80000004 00000017", zeros(8), "0d",
		)},
		{"public SUBMIT_RESP 3.0", V30, Packet{0x17, &SubmitResp{MsgID: 12878564852733378560}}, octets(
			t, "00000018 80000004 00000017", "b2b9da8000010000", "00000000",
		)},
		{"SUBMIT_RESP 3.0 with result", V30, Packet{0x17, &SubmitResp{Result: 0x0102}}, octets(
			t, "00000018 80000004 00000017", zeros(8), "00000102",
		)},
		{"public DELIVER 2.0", V20, Packet{5, &deliver20}, octets(
			t, "00000067 00000005 00000005", "b525628000010000", ascii("900001"), zeros(15), zeros(10),
			"00 00 00", ascii("13412340000"), zeros(10), "00", "12", ascii("This is a test MO."), zeros(8),
		)},
		{"public DELIVER 3.0", V30, Packet{1, &deliver30}, octets(
			t, "0000007f 00000005 00000001", "b4c5530000010000", ascii("900001"), zeros(15), zeros(10),
			"00 00 00", ascii("13412340000"), zeros(21), "00", "00", "12", ascii("This is a test MO."), zeros(20),
		)},
		{"public DELIVER_RESP 2.0", V20, Packet{5, &DeliverResp{MsgID: 13052947396898652160}}, octets(
			t, "00000015 80000005 00000005", "b525628000010000", "00",
		)},
		{"public DELIVER_RESP 3.0", V30, Packet{1, &DeliverResp{MsgID: 13025908756704198656}}, octets(
			t, "00000018 80000005 00000001", "b4c5530000010000", "00000000",
		)},
		{"ACTIVE_TEST", V20, Packet{0xfffffffe, &ActiveTest{}}, octets(t, "0000000c 00000008 fffffffe")},
		{"ACTIVE_TEST_RESP", V30, Packet{2, &ActiveTestResp{}}, octets(t, "0000000d 80000008 00000002 00")},
		{"TERMINATE", V20, Packet{3, &Terminate{}}, octets(t, "0000000c 00000002 00000003")},
		{"TERMINATE_RESP", V30, Packet{4, &TerminateResp{}}, octets(t, "0000000c 80000002 00000004")},
	}
}

func TestKnownPackets(t *testing.T) {
	for _, k := range knownPackets(t) {
		t.Run(k.name, func(t *testing.T) {
			got, err := k.version.Encode(k.packet)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, k.want) {
				t.Errorf("encoded\n%x\nwant\n%x", got, k.want)
			}
			back, err := k.version.Decode(k.want)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back, k.packet) {
				t.Errorf("decoded %+v, want %+v", back.Body, k.packet.Body)
			}
		})
	}
}

// Every packet, shortened or lengthened by anything, is refused.
func TestLengthsAreStrict(t *testing.T) {
	for _, k := range knownPackets(t) {
		for n := range len(k.want) {
			if _, err := k.version.Decode(k.want[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, %d octets, length not adjusted: %v", k.name, n, err)
			}
			short := bytes.Clone(k.want[:n])
			if n >= headerLen {
				short[2], short[3] = 0, byte(n)
				if _, err := k.version.Decode(short); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s, %d octets: %v", k.name, n, err)
				}
			}
		}
		long := append(bytes.Clone(k.want), 0)
		long[3]++
		if _, err := k.version.Decode(long); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, one octet more: %v", k.name, err)
		}
	}
}

func TestReadFrame(t *testing.T) {
	good := octets(t, "0000000d 80000008 00000002 00")
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"half a header", good[:7], io.ErrUnexpectedEOF},
		{"header alone", good[:12], io.ErrUnexpectedEOF},
		{"shorter than a header", octets(t, "0000000b 80000008 00000002"), ErrMalformed},
		{"longer than any packet", octets(t, "00001001 00000004 00000002"), ErrMalformed},
		{"absurdly long", octets(t, "ffffffff 00000004 00000002"), ErrMalformed},
	} {
		if _, err := ReadFrame(bytes.NewReader(c.in)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	in := bytes.NewReader(append(bytes.Clone(good), good...))
	for range 2 {
		if frame, err := ReadFrame(in); err != nil || !bytes.Equal(frame, good) {
			t.Errorf("%x, %v", frame, err)
		}
	}
}

func TestEncodeRefusesWhatDoesNotFit(t *testing.T) {
	long := func(change func(*Submit)) *Submit {
		s := theSubmit()
		change(s)
		return s
	}
	for name, body := range map[string]Body{
		"Service_Id":       long(func(s *Submit) { s.ServiceID = "12345678901" }),
		"Msg_src":          long(func(s *Submit) { s.MsgSrc = "1234567" }),
		"Dest_terminal_Id": long(func(s *Submit) { s.DestTerminalIDs = []string{strings.Repeat("1", 22)} }),
		"zero inside":      long(func(s *Submit) { s.SrcID = "90\x0001" }),
		"content":          long(func(s *Submit) { s.Content = make([]byte, 256) }),
		"recipients":       long(func(s *Submit) { s.DestTerminalIDs = make([]string, 256) }),
		"packet":           long(func(s *Submit) { s.DestTerminalIDs = make([]string, 250) }),
		"status":           &SubmitResp{Result: 256},
	} {
		_, err := V20.Encode(Packet{1, body})
		if err == nil {
			t.Errorf("%s: encoded", name)
		} else if strings.Contains(err.Error(), "1111") || strings.Contains(err.Error(), "13500002696") {
			t.Errorf("%s: the error tells the number: %v", name, err)
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	if _, err := V20.Decode(octets(t, "0000000c 00000099 00000003")); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// Some gateways leave what they had behind the first zero.
func TestTextEndsAtFirstZero(t *testing.T) {
	d := decoder{rest: []byte("DELI\x00\x00junk")}
	var s string
	if d.text(&s, 10); s != "DELI" || d.end() != nil {
		t.Errorf("%q, %v", s, d.end())
	}
}

func TestStatusReport(t *testing.T) {
	report := StatusReport{
		MsgID: 13025908756704198656, Stat: "DELIVRD", SubmitTime: "1511120955", DoneTime: "1511120957",
		DestTerminalID: "13412340000", SMSCSequence: 0x12345678,
	}
	head := "b4c5530000010000" + ascii("DELIVRD") + ascii("1511120955") + ascii("1511120957") + ascii("13412340000")
	public := octets(t, head, zeros(10), "12345678") // 60 octets
	of30 := octets(t, head, zeros(21), "12345678")   // 71 octets
	for _, c := range []struct {
		version Version
		content []byte
		encodes bool
	}{{V20, public, true}, {V30, of30, true}, {V30, public, false}} {
		got, err := c.version.DecodeReport(c.content)
		if err != nil || got != report {
			t.Errorf("%v: %+v, %v", c.version, got, err)
		}
		if b, err := c.version.EncodeReport(report); err != nil || bytes.Equal(b, c.content) != c.encodes {
			t.Errorf("%v: %x, %v", c.version, b, err)
		}
	}
	if _, err := V20.DecodeReport(of30); !errors.Is(err, ErrMalformed) {
		t.Error("2.0 took a report of 3.0")
	}
	r := newReport(report)
	if want := time.Date(2015, 11, 12, 1, 57, 0, 0, time.UTC); !r.DoneAt.Equal(want) || !r.Delivered || r.MsgID != "13025908756704198656" {
		t.Errorf("%+v", r)
	}
	report.DoneTime, report.Stat = "soon", "MA:0022"
	if r := newReport(report); !r.DoneAt.IsZero() || r.Delivered {
		t.Errorf("%+v", r)
	}
}

func TestAuthentic(t *testing.T) {
	// A time of day in UTC that is another day in China, with a month of one digit.
	r := NewConnect(V30, "900001", "888888", time.Date(2025, 1, 31, 20, 0, 0, 0, time.UTC))
	if r.Timestamp != 201040000 {
		t.Errorf("timestamp %d", r.Timestamp)
	}
	if !r.Authentic("888888") || r.Authentic("888889") {
		t.Error("CONNECT is not authentic with its secret alone")
	}
	var resp ConnectResp
	resp.Sign(V30, r, "888888")
	if !resp.Authentic(V30, r, "888888") || resp.Authentic(V30, r, "x") || resp.Authentic(V20, r, "888888") {
		t.Error("CONNECT_RESP is not authentic with its secret and version alone")
	}
}
