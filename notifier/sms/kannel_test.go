package sms_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"duban/notifier"
	"duban/notifier/sms"
)

func TestThroughKannel(t *testing.T) {
	k := startKannel(t)
	g := k.gateway("s3cret")

	t.Run("a message and its receipt", func(t *testing.T) {
		m := named()
		if _, err := g.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if to, _, text := k.part(); to != mobile || text != m.Text() {
			t.Errorf("the carrier got %q for %s", text, to)
		}
		r := k.until(sms.Delivered)
		if r.Key != m.Key || r.Mobile != mobile || r.ID != "" || r.At.Before(time.Now().Add(-time.Minute)) {
			t.Errorf("receipt %#v", r)
		}
	})

	// Kannel cuts long texts by the rules of the trade, so it can tell whether
	// Count does.
	for _, n := range []int{70, 71, 134, 135} {
		t.Run(fmt.Sprintf("%d characters", n), func(t *testing.T) {
			m := named()
			m.Template.Vars, m.Template.Signature = nil, "督"
			m.Template.Body = strings.Repeat("办", n-len("【督】")/len("督"))
			want := sms.Count(m.Text())
			if want.Chars != n {
				t.Fatalf("the text has %d characters", want.Chars)
			}
			if _, err := g.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			var whole strings.Builder
			for range want.Parts {
				_, header, text := k.part()
				if (header != "") != (want.Parts > 1) {
					t.Errorf("header %q of a text in %d parts", header, want.Parts)
				}
				whole.WriteString(text)
			}
			if whole.String() != m.Text() {
				t.Errorf("%d parts are not the text, but %q", want.Parts, whole.String())
			}
		})
	}
	if len(k.arrivals) > 0 {
		t.Errorf("%d parts more than counted", len(k.arrivals))
	}

	t.Run("a wrong password", func(t *testing.T) {
		_, err := k.gateway("wrong").Send(t.Context(), named())
		if e := sendError(t, err); e.Class != notifier.Down || e.Code != "sms_kannel_refused" {
			t.Errorf("got %v %v", e.Class, e)
		}
	})
}
