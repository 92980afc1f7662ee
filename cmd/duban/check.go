package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"duban/config"
	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

func (a *app) checkCommand() *cobra.Command {
	var asOf, format string
	var all bool
	var within int
	cmd := &cobra.Command{
		Use:   "check",
		Short: a.say("检查督办事项，列出发现（不写入数据库）", "check the duties and list the findings (writes nothing)"),
		Args:  a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				day, err := parseDate("as-of", asOf, s.Today())
				if err != nil {
					return err
				}
				var rows []jobs.Row
				err = jobs.Check(cmd.Context(), s, day, func(r jobs.Row) error {
					if all || r.Pressing(day, within) {
						rows = append(rows, r)
					}
					return nil
				})
				if err != nil {
					return err
				}
				jobs.SortRows(rows)
				if err := a.printFindings(format, day, rows); err != nil || format != formatTable {
					return err
				}
				return a.printMissingYear(cmd.Context(), s, day)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&asOf, "as-of", "", a.say("截至哪一天（默认今天），如 2025-06-20", "as of which day (default today), as 2025-06-20"))
	f.StringVar(&format, "format", formatTable, "table, json, csv")
	f.BoolVar(&all, "all", false, a.say("列出全部，而不只是需要关注的", "list all, not only what needs attention"))
	f.IntVar(&within, "within", 30, a.say("多少天内到期算需要关注", "days ahead in which a due date needs attention"))
	return cmd
}

// finding is a row as JSON shows it. Amounts are 元, percentages exact.
type finding struct {
	ID          int64         `json:"id"`
	Kind        models.Kind   `json:"kind"`
	Title       string        `json:"title"`
	Unit        string        `json:"unit"`
	ProjectCode string        `json:"project_code,omitempty"`
	Project     string        `json:"project,omitempty"`
	DueOn       calendar.Date `json:"due_on"`
	DaysLeft    int           `json:"days_left"`
	State       models.State  `json:"state"`
	Light       models.Light  `json:"light"`
	SettledOn   calendar.Date `json:"settled_on"`
	Target      string        `json:"target_percent,omitempty"`
	Plan        string        `json:"plan_percent,omitempty"`
	Actual      string        `json:"actual_percent,omitempty"`
	Budget      string        `json:"budget_yuan,omitempty"`
	Paid        string        `json:"paid_yuan,omitempty"`
}

func newFinding(r jobs.Row, day calendar.Date) finding {
	f := finding{
		ID: r.ID, Kind: r.Kind, Title: r.Title, Unit: r.Unit.Name, ProjectCode: r.Project.Code, Project: r.Project.Name,
		DueOn: r.DueOn, DaysLeft: r.DaysLeft(day), State: r.Finding.State, Light: r.Finding.Light, SettledOn: r.Finding.SettledOn,
	}
	if r.Kind == models.SpendingTarget {
		f.Target, f.Plan, f.Actual = r.Percent.String(), r.Plan.String(), r.Share.Percent().String()
		f.Budget, f.Paid = r.Share.Budget.String(), r.Share.Paid.String()
	}
	return f
}

func (a *app) printFindings(format string, day calendar.Date, rows []jobs.Row) error {
	findings := make([]finding, len(rows))
	for i, r := range rows {
		findings[i] = newFinding(r, day)
	}
	if format == formatJSON {
		return writeJSON(a.out, findings)
	}
	header := []string{
		a.say("编号", "ID"), a.say("灯", "light"), a.say("状态", "state"), a.say("到期日", "due"), a.say("剩余天数", "days left"),
		a.say("项目", "project"), a.say("事项", "duty"), a.say("目标", "target"), a.say("实际", "actual"), a.say("已支付(万元)", "paid (10k CNY)"),
	}
	table := make([][]string, len(rows))
	for i, r := range rows {
		f := findings[i]
		paid := ""
		if f.Target != "" {
			paid = r.Share.Paid.In(money.TenThousand)
		}
		name := f.Project
		if name == "" {
			name = f.Unit
		}
		table[i] = []string{
			strconv.FormatInt(f.ID, 10), a.light(f.Light), a.state(f.State, r.Fulfilled), f.DueOn.String(), strconv.Itoa(f.DaysLeft),
			name, f.Title, f.Target, f.Actual, paid,
		}
	}
	if err := listing(a.out, format, header, table); err != nil || format == formatCSV {
		return err
	}
	_, err := fmt.Fprintf(a.out, a.say("截至 %s：%d 项\n", "as of %s: %d duties\n"), day, len(rows))
	return err
}

// printMissingYear tells that the holidays of a year are not known, on which
// the days of reminders depend.
func (a *app) printMissingYear(ctx context.Context, s *models.Store, day calendar.Date) error {
	cal, err := s.Calendar(ctx)
	if err != nil {
		return err
	}
	if year := cal.MissingYear(day); year != 0 {
		_, err = fmt.Fprintf(a.out, a.say("注意：还没有 %d 年的节假日安排，只把周末算作休息日；请填写 duban template holidays 后导入\n",
			"note: the holidays of %d are not known, so only weekends count as days off; fill in duban template holidays and import it\n"), year)
	}
	return err
}

func (a *app) light(l models.Light) string {
	switch l {
	case models.Red:
		return a.say("红", "red")
	case models.Yellow:
		return a.say("黄", "yellow")
	case models.Blue:
		return a.say("蓝", "blue")
	}
	return a.say("绿", "green")
}

func (a *app) state(s models.State, fulfilled bool) string {
	switch {
	case s == models.StateMet:
		return a.say("按期完成", "met")
	case s == models.StateMissed && fulfilled:
		return a.say("逾期完成", "met late")
	case s == models.StateMissed:
		return a.say("逾期", "overdue")
	case s == models.StateWaived:
		return a.say("不再要求", "waived")
	case fulfilled:
		return a.say("已达标", "on target")
	}
	return a.say("进行中", "open")
}
