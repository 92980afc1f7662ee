package cmpp

import (
	"errors"
	"reflect"
	"testing"
)

// What can be read can be written, and is then read as the same.
func FuzzDecode(f *testing.F) {
	for _, k := range knownPackets(f) {
		f.Add(uint8(k.version), k.want)
	}
	f.Fuzz(func(t *testing.T, version uint8, frame []byte) {
		v := V20
		if version&0x10 != 0 {
			v = V30
		}
		p, err := v.Decode(frame)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		again, err := v.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) != len(frame) {
			t.Fatalf("%d octets became %d", len(frame), len(again))
		}
		back, err := v.Decode(again)
		if err != nil || !reflect.DeepEqual(back, p) {
			t.Fatalf("%+v became %+v, %v", p.Body, back.Body, err)
		}
		if d, ok := p.Body.(*Deliver); ok {
			_, _ = v.DecodeReport(d.Content) // does not panic
		}
	})
}

// What can be written is read as it was.
func FuzzSubmit(f *testing.F) {
	f.Add("test", "13500002696", "900001", []byte("\x6d\x4b"), uint8(1), true)
	f.Fuzz(func(t *testing.T, service, mobile, source string, content []byte, total uint8, three bool) {
		v := V20
		if three {
			v = V30
		}
		want := Packet{7, &Submit{
			ServiceID: service, DestTerminalIDs: []string{mobile, source}, MsgSrc: source, SrcID: mobile,
			Content: content, PkTotal: total,
		}}
		frame, err := v.Encode(want)
		if err != nil {
			return
		}
		if len(content) == 0 {
			want.Body.(*Submit).Content = []byte{}
		}
		got, err := v.Decode(frame)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v became %+v, %v", want.Body, got.Body, err)
		}
	})
}
