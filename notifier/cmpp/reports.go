package cmpp

import (
	"context"
	"strconv"
	"time"
)

// Report tells what became of a message, or of one part of a long one
// (状态报告).
type Report struct {
	MsgID     string // as returned by Send
	Stat      string // DELIVRD, EXPIRED, UNDELIV, REJECTD, or a code of the network's
	Delivered bool   // it is on the telephone
	Mobile    string
	DoneAt    time.Time // to the minute; zero if the gateway did not say
}

// statDelivered is the Stat of a message that arrived.
const statDelivered = "DELIVRD"

func newReport(r StatusReport) Report {
	done, err := time.ParseInLocation("0601021504", r.DoneTime, chinaTime)
	if err != nil {
		done = time.Time{}
	}
	return Report{
		MsgID:     formatID(r.MsgID),
		Stat:      r.Stat,
		Delivered: r.Stat == statDelivered,
		Mobile:    r.DestTerminalID,
		DoneAt:    done,
	}
}

func formatID(id uint64) string { return strconv.FormatUint(id, 10) }

// deliverAll deals with what the gateway delivered, one after the other, apart
// from the answers to what we sent: a slow OnReport delays only other reports.
func (l *link) deliverAll(ctx context.Context) {
	for {
		select {
		case in := <-l.inbox:
			if err := l.take(ctx, in); err != nil {
				l.fail(err)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// resultMalformed is the result of a Deliver whose report we cannot read.
const resultMalformed = 1

// take deals with one Deliver. What a person wrote back (上行短信) is
// acknowledged and goes no further.
func (l *link) take(ctx context.Context, in inbound) error {
	resp := &DeliverResp{MsgID: in.deliver.MsgID}
	if in.deliver.RegisteredDelivery == 1 {
		report, err := l.cfg.Version.DecodeReport(in.deliver.Content)
		if err != nil {
			l.cfg.Logger.Error("report of the SMS gateway not understood", "octets", len(in.deliver.Content))
			resp.Result = resultMalformed
		} else if !l.report(ctx, newReport(report)) {
			return nil // not acknowledged, so it comes again
		}
	}
	return l.reply(in.sequence, resp)
}

// report hands a report on, and tells whether it may be acknowledged.
func (l *link) report(ctx context.Context, r Report) bool {
	if l.cfg.OnReport == nil {
		return true
	}
	if err := l.cfg.OnReport(ctx, r); err != nil {
		l.cfg.Logger.Warn("report of the SMS gateway not recorded", "message", r.MsgID, "stat", r.Stat, "error", err)
		return false
	}
	return true
}
