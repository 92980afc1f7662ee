package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// demoPeople decide what the workflows of the demonstration's year ask of
// them, each after some days, as people do; some things they leave lying.
type demoPeople struct {
	engine *workflows.Engine
	asOf   calendar.Date // the day on which the demonstration stops
	seen   map[demoTask]calendar.Date
}

type demoTask struct {
	instance int64
	task     int
}

// demoPatience is for how many days a task waits for its person.
const demoPatience = 1

// demoBacklog is for how many days before the end nobody above the sections
// decides: whoever opens the console then finds something to do.
const demoBacklog = 10

// act lets everybody decide what has waited long enough. Nobody works on days
// off, and one project in five has an owner who never gets round to it, so that
// time limits have something to do.
func (p *demoPeople) act(ctx context.Context, day calendar.Date, cal *calendar.Calendar) error {
	if !cal.IsWorkday(day) {
		return nil
	}
	if day == cal.WorkdayOnOrAfter(p.asOf.AddDays(1-demoBacklog)) {
		if err := p.ask(ctx, day); err != nil {
			return err
		}
	}
	users, err := p.engine.Store.Users(ctx)
	if err != nil {
		return err
	}
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	tasks, err := p.engine.Store.OpenTasksOf(ctx, ids, demoTasks)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		lazy := t.TaskStep == workflows.ApplyStep && t.ProjectID%5 == 3
		left := t.TaskStep == "approve" && day.DaysUntil(p.asOf) < demoBacklog
		if lazy || left || !p.waited(t, day) {
			continue
		}
		if err := p.decide(ctx, t, day); err != nil {
			return err
		}
	}
	return nil
}

// ask has an owner ask for more time for the next duty that is to be completed.
func (p *demoPeople) ask(ctx context.Context, day calendar.Date) error {
	duties, err := p.engine.Store.Duties(ctx, models.DutyFilter{Kind: models.Completion, Unsettled: true, Limit: 1}, day)
	if err != nil || len(duties) == 0 {
		return err
	}
	d := duties[0]
	v, err := p.engine.Prepare(ctx, "extension", d.ID)
	if err != nil {
		return err
	}
	form := demoForm(v, workflows.ApplyStep, day)
	form["new_date"] = calendar.EndOfMonth(d.DueOn.Year(), d.DueOn.Month()).AddDays(20).String()
	_, err = p.engine.Begin(ctx, "extension", d.ID, workflows.Action{Kind: workflows.Submit, By: v.People.Owner, Form: form})
	return err
}

// demoTasks bounds what is decided in a day.
const demoTasks = 500

// waited reports whether a task has lain long enough.
func (p *demoPeople) waited(t models.Entry, day calendar.Date) bool {
	key := demoTask{t.ID, t.Task}
	if p.seen == nil {
		p.seen = map[demoTask]calendar.Date{}
	}
	if _, ok := p.seen[key]; !ok {
		p.seen[key] = day
	}
	return p.seen[key].DaysUntil(day) >= demoPatience
}

// decide submits or approves a task as its assignee.
func (p *demoPeople) decide(ctx context.Context, t models.Entry, day calendar.Date) error {
	v, err := p.engine.View(ctx, t.ID)
	if err != nil {
		return err
	}
	a := workflows.Action{
		Kind: workflows.Approve, By: t.AssigneeID, Task: t.Task, TaskVersion: int(t.TaskVersion), Comment: "同意",
		Form: demoForm(v, t.TaskStep, day),
	}
	if t.TaskStep == workflows.ApplyStep {
		a.Kind, a.Comment = workflows.Submit, ""
	}
	_, err = p.engine.Act(ctx, t.ID, a)
	if errors.Is(err, &workflows.Error{Code: workflows.CodeAlreadyDecided}) {
		return nil // a colleague was quicker today
	}
	if err != nil {
		return fmt.Errorf("%s, %s: %w", t.Title, t.TaskStep, err)
	}
	return nil
}

// demoForm fills in what a step asks for.
func demoForm(v *workflows.View, step string, day calendar.Date) workflows.Form {
	form := workflows.Form{}
	for _, f := range v.Definition.Form {
		if v.Definition.FilledAt(f.Name) == step && !f.Computed() && f.Required {
			form[f.Name] = demoValue(f, v, day)
		}
	}
	return form
}

// demoTexts are what people write, by the name of the field.
var demoTexts = map[string]string{
	"cause":    "合同签订晚于计划，验收材料尚未备齐。",
	"measures": "本月内完成验收并办理支付，每周向科室负责人报告进度。",
	"spending": "预算执行总体平稳，个别项目支付略晚于计划。",
	"goals":    "各项绩效目标按计划推进。",
	"summary":  "年度绩效目标基本完成。",
	"name":     "办公设备更新",
	"reason":   "供应商交货推迟，需要延长验收时间。",
	"actual":   "按计划完成",
}

func demoValue(f workflows.Field, v *workflows.View, day calendar.Date) string {
	switch f.Type {
	case workflows.FieldMoney:
		return strconv.FormatInt(int64(max(v.State.Case.Gap, 1_000_000)), 10)
	case workflows.FieldNumber:
		return "5"
	case workflows.FieldDate:
		return day.AddDays(30).String()
	case workflows.FieldChoice:
		return f.Options[0].Value
	case workflows.FieldTable:
		return demoTable(f, v, day)
	case workflows.FieldText, workflows.FieldFile:
	}
	if text, ok := demoTexts[f.Name]; ok {
		return text
	}
	return "已核对，情况属实。"
}

// demoTable fills in one line of a free table, or every line of a fixed one.
func demoTable(f workflows.Field, v *workflows.View, day calendar.Date) string {
	lines := v.State.Case.Rows(f.RowsFrom)
	if f.RowsFrom == workflows.RowsFree {
		lines = []workflows.CaseRow{{}}
	}
	rows := make([]string, len(lines))
	for i, line := range lines {
		var cells []string
		if line.Key != "" {
			cells = append(cells, fmt.Sprintf("%q", line.Key))
		}
		for _, c := range f.Columns {
			value := ""
			if c.Required {
				value = demoValue(c, v, day)
			}
			cells = append(cells, fmt.Sprintf("%q", value))
		}
		rows[i] = "[" + strings.Join(cells, ",") + "]"
	}
	return "[" + strings.Join(rows, ",") + "]"
}
