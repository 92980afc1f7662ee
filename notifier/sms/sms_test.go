package sms_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"duban/notifier/sms"
)

func TestNumbersStayOutOfLogs(t *testing.T) {
	m := named()
	m.Mobile = mobile
	sent := sms.Sent{ID: "1", Key: key, Mobile: mobile}
	receipt := sms.Receipt{Key: key, Mobile: mobile, State: sms.Failed}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "m", m, "s", sent, "r", receipt)
	fmt.Fprintf(&b, "%v %+v %s %v %v", m, m, m, sent, []sms.Receipt{receipt})
	if got := b.String(); strings.Contains(got, mobile) || strings.Contains(got, "道路") || !strings.Contains(got, "138****8000") {
		t.Error(got)
	}
}
