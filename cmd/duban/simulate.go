package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/config"
	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/notifier"
	"duban/workflows"
)

func (a *app) simulateCommand() *cobra.Command {
	var from, to, format string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: a.say("预演一段时期：逐日列出会发出的每条提醒和流程消息，不发送", "rehearse a period: list every reminder by day, send nothing"),
		Long: a.say("在数据库的副本上逐日检查，列出会发出的每条提醒。原数据库不变，什么也不发送。假定这段时期没有新的支出，也没有人办理待办；已经检查过的日子不再说一遍。",
			"Sweeps a copy of the database day by day and lists every reminder that would go out. The database stays as it is and nothing is sent. No new payments and no decisions are assumed, and days that have been checked already are not gone over again."),
		Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(cfg *config.Config, s *models.Store) error {
				first, err := parseDate("from", from, s.Today())
				if err != nil {
					return err
				}
				last, err := parseDate("to", to, first.AddDays(30))
				if err != nil {
					return err
				}
				switch {
				case last.Before(first):
					return usagef("--to %s 早于第一天 %s（--from，默认今天）", last, first)
				case first.DaysUntil(last) > maxSimulatedDays:
					return usagef("--from %s --to %s：最多预演 %d 天", first, last, maxSimulatedDays)
				}
				return a.simulate(cmd.Context(), cfg, s, format, first, last)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", a.say("第一天（默认今天）", "first day (default today)"))
	f.StringVar(&to, "to", "", a.say("最后一天（默认 30 天后）", "last day (default 30 days on)"))
	f.StringVar(&format, "format", formatTable, "table, json, csv")
	return cmd
}

// maxSimulatedDays bounds a rehearsal: two years and a spring.
const maxSimulatedDays = 900

// rehearsed is one reminder of a rehearsal as JSON shows it.
type rehearsed struct {
	Day        calendar.Date   `json:"day"`
	To         string          `json:"to"`
	Template   string          `json:"template"`
	Audience   models.Audience `json:"audience,omitempty"` // of a reminder
	Workflow   string          `json:"workflow,omitempty"` // of a workflow's message
	Project    string          `json:"project"`
	Title      string          `json:"title"`
	DueOn      calendar.Date   `json:"due_on"`
	DaysLeft   int             `json:"days_left"`
	Light      models.Light    `json:"light"`
	Duties     int             `json:"duties,omitempty"`     // that a digest or report tells
	Suppressed string          `json:"suppressed,omitempty"` // why it is not sent, or not yet
}

func (a *app) simulate(ctx context.Context, cfg *config.Config, s *models.Store, format string, from, to calendar.Date) error {
	dir, err := os.MkdirTemp("", "duban-simulate-")
	if err != nil {
		return fmt.Errorf("建立副本：%w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	clock := clockwork.NewFakeClockAt(from.At(0, 0))
	scratch, err := models.Open(ctx, models.Options{Driver: models.SQLite, DSN: filepath.Join(dir, "copy.db"), Clock: clock})
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }()
	if err := scratch.Migrate(ctx); err != nil {
		return err
	}
	if err := s.CopyTo(ctx, scratch); err != nil {
		return err
	}
	list, err := a.rehearse(ctx, cfg, scratch, clock, from, to)
	if err != nil {
		return err
	}
	return a.printRehearsal(format, from, to, list)
}

func (a *app) rehearse(ctx context.Context, cfg *config.Config, scratch *models.Store, clock *clockwork.FakeClock, from, to calendar.Date) ([]rehearsed, error) {
	users, err := scratch.Users(ctx)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, u := range users {
		names[u.ID] = u.Name
	}
	bar := a.progress(a.say("预演", "rehearsing"), int64(from.DaysUntil(to)+1))
	defer bar.done()
	list := []rehearsed{}
	err = jobs.Simulate(ctx, scratch, clock, routing(cfg), from, to, func(d jobs.SimulatedDay) error {
		bar.set(int64(from.DaysUntil(d.Day)))
		for _, n := range d.Messages {
			p := n.Payload
			about := p.ProjectName
			if about == "" {
				about = p.UnitName
			}
			r := rehearsed{
				Day: d.Day, To: names[n.RecipientID], Template: n.Template, Audience: p.Audience, Project: about, Title: p.Title,
				DueOn: p.DueOn, DaysLeft: p.DaysLeft, Light: p.Light, Suppressed: n.Reason,
			}
			if n.State == models.NotificationHeld && r.Suppressed == "" {
				r.Suppressed = string(n.State) // until the weekly report
			}
			if p.Digest != nil {
				r.Duties = len(p.Digest.Items)
			}
			if p.Approval != nil {
				r.Workflow = p.Approval.WorkflowTitle
			}
			list = append(list, r)
		}
		return nil
	})
	return list, err
}

// capacity says why a person hears something: whom a rule means, or what a
// workflow wants.
func (a *app) capacity(r rehearsed) string {
	switch {
	case r.Template == notifier.Digest:
		return a.say("汇总", "digest")
	case r.Template == notifier.Report:
		return a.say("周报", "weekly report")
	case r.Workflow == "":
		return string(r.Audience)
	}
	what := map[workflows.Template]string{
		workflows.NotifyTask: a.say("待办", "task"), workflows.NotifyUnassigned: a.say("待指派", "unassigned"),
		workflows.NotifyRemind: a.say("限期提醒", "limit"), workflows.NotifyUrge: a.say("催办", "urged"),
		workflows.NotifyOverdue: a.say("超期抄送", "overdue"), workflows.NotifyCopy: a.say("抄送", "copy"),
		workflows.NotifyWithdrawn: a.say("撤回", "withdrawn"),
	}[workflows.Template(r.Template)]
	return r.Workflow + " " + cmp.Or(what, r.Template)
}

func (a *app) printRehearsal(format string, from, to calendar.Date, list []rehearsed) error {
	if format == formatJSON {
		return writeJSON(a.out, list)
	}
	header := []string{
		a.say("日期", "day"), a.say("收件人", "to"), a.say("身份", "as"), a.say("项目", "project"), a.say("事项", "duty"),
		a.say("到期日", "due"), a.say("剩余天数", "days left"), a.say("灯", "light"), a.say("不发送的原因", "not sent because"),
	}
	rows := make([][]string, len(list))
	days := map[calendar.Date]bool{}
	sent := 0
	for i, r := range list {
		day := r.Day.String()
		if days[r.Day] && format == formatTable {
			day = "" // said once a day
		}
		days[r.Day] = true
		if r.Suppressed == "" {
			sent++
		}
		left, title := strconv.Itoa(r.DaysLeft), r.Title
		if r.DueOn.IsZero() {
			left = ""
		}
		if r.Duties > 0 {
			title = fmt.Sprintf(a.say("%d 项提醒", "%d reminders"), r.Duties)
		}
		rows[i] = []string{day, r.To, a.capacity(r), r.Project, title, r.DueOn.String(), left, a.light(r.Light), r.Suppressed}
	}
	if err := listing(a.out, format, header, rows); err != nil || format == formatCSV {
		return err
	}
	_, err := fmt.Fprintf(a.out, a.say("%s 至 %s：%d 天里有 %d 条提醒，未发送任何消息\n", "%s to %s: on %d days %d reminders; nothing was sent\n"), from, to, len(days), sent)
	return err
}
