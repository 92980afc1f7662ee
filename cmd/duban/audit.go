package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/config"
	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

// auditDays is how many days are audited unless the command says.
const auditDays = 7

func (a *app) auditRemindersCommand() *cobra.Command {
	var from, to, format string
	cmd := &cobra.Command{
		Use:   "reminders",
		Short: a.say("核对应提醒的是否都已提醒，有缺口时返回 1", "prove that what was due to be said was said; exits 1 if it was not"),
		Args:  a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(cfg *config.Config, s *models.Store) error {
				last, err := parseDate("to", to, s.Today())
				if err != nil {
					return err
				}
				first, err := parseDate("from", from, last.AddDays(1-auditDays))
				if err != nil {
					return err
				}
				if first.After(last) {
					return usagef("--from %s：应不晚于 --to %s", first, last)
				}
				return a.auditReminders(cmd, s, routing(cfg), first, last, format)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", a.say("从哪一天（默认 7 天），如 2025-06-23", "first day (default: a week), as 2025-06-23"))
	f.StringVar(&to, "to", "", a.say("到哪一天（默认今天）", "last day (default today)"))
	f.StringVar(&format, "format", formatTable, "table, json, csv")
	return cmd
}

// difference is a line of an audit as JSON shows it.
type difference struct {
	Day        calendar.Date  `json:"day"`
	Verdict    models.Verdict `json:"verdict"`
	Obligation int64          `json:"obligation"`
	Title      string         `json:"title"`
	Recipient  int64          `json:"recipient"`
	Name       string         `json:"name,omitempty"`
	Instance   int64          `json:"instance,omitempty"`
	Task       int            `json:"task,omitempty"`
	Message    int64          `json:"message,omitempty"`
	Reason     string         `json:"reason,omitempty"`
}

func (a *app) auditReminders(cmd *cobra.Command, s *models.Store, by models.Routing, from, to calendar.Date, format string) error {
	var found []jobs.Difference
	auditor := &jobs.Auditor{Store: s, Clock: clockwork.NewRealClock(), Routing: by, Found: func(d jobs.Difference) error {
		found = append(found, d)
		return nil
	}}
	c, err := auditor.Audit(cmd.Context(), from, to)
	if err != nil {
		return err
	}
	slices.SortFunc(found, jobs.Difference.Compare)
	if err := a.printAudit(format, c, found); err != nil {
		return err
	}
	if gaps := c.Gaps(); gaps > 0 {
		return fmt.Errorf(a.say("有 %d 项没有提醒到", "%d were not said"), gaps)
	}
	if c.Sweeps == 0 {
		return errors.New(a.say("这段时间没有完成过检查，无从核对", "no sweep was done in this period, so there is nothing to prove"))
	}
	return nil
}

func (a *app) printAudit(format string, c jobs.Completeness, found []jobs.Difference) error {
	list := make([]difference, len(found))
	rows := make([][]string, len(found))
	for i, d := range found {
		list[i] = difference{d.Day, d.Problem, d.ObligationID, d.Title, d.RecipientID, d.Recipient, d.InstanceID, d.Task, d.NotificationID, d.Reason}
		rows[i] = []string{
			d.Day.String(), a.verdict(d.Problem), strconv.FormatInt(d.ObligationID, 10), d.Title, d.Recipient,
			blankZero(d.InstanceID), blankZero(int64(d.Task)), blankZero(d.NotificationID), d.Reason,
		}
	}
	if format == formatJSON {
		return writeJSON(a.out, struct {
			jobs.Completeness
			Expected    int          `json:"expected"`
			Differences []difference `json:"differences"`
		}{c, c.Expected(), list})
	}
	header := []string{
		a.say("提醒日", "day"), a.say("结论", "verdict"), a.say("事项编号", "duty"), a.say("事项", "title"), a.say("应提醒", "to be told"),
		a.say("流程", "instance"), a.say("待办", "task"), a.say("消息", "message"), a.say("原因", "reason"),
	}
	if len(rows) > 0 || format == formatCSV {
		if err := listing(a.out, format, header, rows); err != nil || format == formatCSV {
			return err
		}
	}
	_, err := fmt.Fprintf(a.out, a.say("%s 至 %s：检查 %d 次，核对事项 %d 项、待办 %d 件，应提醒 %d 条\n",
		"%s to %s: %d sweeps, %d duties, %d tasks, %d things to be said\n"), c.From, c.To, c.Sweeps, c.Duties, c.Tasks, c.Expected())
	for _, v := range models.Verdicts {
		if n := c.Counts[v]; n > 0 && err == nil {
			_, err = fmt.Fprintf(a.out, "  %s %d\n", a.verdict(v), n)
		}
	}
	return err
}

func blankZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// verdict words what an audit found.
func (a *app) verdict(v models.Verdict) string {
	switch v {
	case models.SaidSent:
		return a.say("已发送", "sent")
	case models.SaidDelivered:
		return a.say("已送达", "delivered")
	case models.SaidSuppressed:
		return a.say("有原因未发", "not sent, with a reason")
	case models.SaidPending:
		return a.say("等待中", "waiting")
	case models.ChangedSince:
		return a.say("依据有变，无法证明", "cannot be proven")
	case models.GapMissing:
		return a.say("没有消息", "no message")
	case models.GapUnrecorded:
		return a.say("没有留下记录", "not recorded")
	case models.GapDead:
		return a.say("已放弃，无接替", "given up")
	case models.GapUnknown:
		return a.say("结果不明", "outcome unknown")
	case models.GapLate:
		return a.say("无故等待超过一天", "waits for over a day")
	case models.GapUnexplained:
		return a.say("未发且原因不成立", "not sent, for no good reason")
	}
	return string(v)
}
