package workflows_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// dice turns the bytes of a fuzzer into choices. When they are used up it
// always throws the lowest.
type dice struct{ data []byte }

func (d *dice) roll(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

func (d *dice) chance(percent int) bool { return d.roll(100) >= 100-percent }

func pick[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

// threshold is the amount in 分 from which generated conditions hold.
const threshold = 1000

// definition writes a random valid definition.
func (d *dice) definition() string {
	var b strings.Builder
	fmt.Fprintf(&b, `
key: random
version: 1
title: {zh: 随机, en: Random}
kinds: [custom]
withdraw: %s
urge_hours: 1
upwards: [manager, "role:leader", unit_leader]
form:
  - {name: amount, label: {zh: 金额, en: Amount}, type: money, required: true}
  - {name: note, label: {zh: 说明, en: Note}, type: text}
  - {name: checked, label: {zh: 核对, en: Checked}, type: money, required: true}
%sapply: {title: {zh: 填报, en: Apply}, who: [%s], empty: [manager, "role:admin"], limit: %d}
steps:
`, pick(d, "undecided", "running", "never"), d.tables(), d.party(), 1+d.roll(3))
	n := 1 + d.roll(5)
	certain, filler := d.roll(n), d.roll(n+1)
	for i := range n {
		fills := ""
		if i == filler {
			fills = d.fills(b.String())
		}
		d.step(&b, i, i == certain, fills, d.amount(b.String()))
	}
	b.WriteString("effects:\n  - {do: record_report, with: {amount: amount}}\n")
	source := b.String()
	if filler == n {
		source = strings.Replace(source, "  - {name: checked, label: {zh: 核对, en: Checked}, type: money, required: true}\n", "", 1)
	}
	return source
}

func (d *dice) party() string {
	return pick(d, "owner", "manager", `"role:finance"`, `"role:leader"`, "unit_leader", `"role:office"`, `"account:旁人"`, `"account:离职人"`)
}

// step writes the i-th step. It fills in the fields of the given list, and its
// condition asks for the given amount.
func (d *dice) step(b *strings.Builder, i int, certain bool, fills, amount string) {
	mode := pick(d, "any", "all", "sequential", "share")
	if fills != "" {
		mode = "any"
	}
	fmt.Fprintf(b, "  - id: s%d\n    title: {zh: 步骤%d, en: Step %d}\n    who: [%s, %s]\n    mode: %s\n", i, i, i, d.party(), d.party(), mode)
	if mode == "share" {
		fmt.Fprintf(b, "    share: %s\n", pick(d, "50%", "66.6667%", "100%", "0.0001%"))
	}
	if !certain && d.chance(50) {
		fmt.Fprintf(b, "    when: %s >= 10 * yuan\n", amount)
	}
	switch d.roll(3) {
	case 1:
		fmt.Fprintf(b, "    empty: [%s]\n", d.party())
	case 2:
		if !certain && fills == "" {
			b.WriteString("    empty: skip\n")
		}
	}
	if fills == "" && d.chance(40) {
		b.WriteString("    duplicate: merge\n")
	}
	if d.chance(15) {
		b.WriteString("    self: allow\n")
	}
	if i > 0 && d.chance(30) {
		fmt.Fprintf(b, "    separate_from: [s%d]\n", d.roll(i))
	}
	if d.chance(70) {
		fmt.Fprintf(b, "    limit: %d\n", 1+d.roll(5))
	}
	if fills != "" {
		fmt.Fprintf(b, "    fills: [%s]\n", fills)
	}
}

// directory is the usual office with random delegations and vacancies.
func (d *dice) directory() workflows.Directory {
	p := people()
	if d.chance(30) {
		p.UnitLeader = 0
	}
	if d.chance(20) {
		p.Manager = pick(d, 0, owner, finance)
	}
	if d.chance(20) {
		p.Roles[models.RoleLeader] = []int64{manager, leader, owner}
	}
	for range d.roll(9) {
		from := calendar.DateOf(monday()).AddDays(d.roll(5))
		next := workflows.Delegation{From: d.person(), To: d.person(), First: from, Last: from.AddDays(d.roll(30))}
		if workflows.CheckDelegation(p.Delegations, next) == nil {
			p.Delegations = append(p.Delegations, next)
		}
	}
	return p
}

func (d *dice) person() int64 { return int64(1 + d.roll(int(gone))) }

// form fills in the fields of a step, more or less well.
func (d *dice) form(def workflows.Definition, step string, about workflows.Case) workflows.Form {
	form := workflows.Form{}
	for _, f := range fillable(def, step) {
		switch {
		case f.Name == "amount":
			form[f.Name] = strconv.Itoa(pick(d, threshold-1, threshold, 1, 5_000_000))
		case f.Name == "checked":
			form[f.Name] = strconv.Itoa(d.roll(3))
		case f.Type == workflows.FieldTable:
			form[f.Name] = d.table(f, about)
		case d.chance(30):
			form[f.Name] = pick(d, "说明", "", " 另一说明 ", "\xff", strings.Repeat("长", 2001))
		}
	}
	return form
}

// action is a random action: mostly one that its state admits.
func (d *dice) action(def workflows.Definition, s workflows.State, p workflows.Directory, at time.Time) workflows.Action {
	a := workflows.Action{At: at, Comment: pick(d, "意见", "意见", "意见", ""), By: d.person()}
	open := s.OpenTasks()
	if len(open) == 0 || d.chance(15) {
		a.Kind = pick(d, workflows.Open, workflows.Submit, workflows.Withdraw, workflows.Comment, workflows.CopyTo,
			workflows.MarkRead, workflows.Suspend, workflows.Resume, workflows.Terminate, workflows.HandOver, workflows.Urge, "nonsense")
		a.Case = workflows.Case{Kind: models.Custom, Budget: 100, Indicators: d.caseRows(), Checkpoints: d.caseRows()}
		a.Form, a.To, a.From = d.form(def, workflows.ApplyStep, a.Case), []int64{d.person()}, d.person()
		d.privilege(&a, s.Applicant)
		return a
	}
	t := open[d.roll(len(open))]
	if d.chance(10) {
		t = s.Tasks[d.roll(len(s.Tasks))]
	}
	a.Task, a.TaskVersion, a.Rung = t.ID, t.Version, t.Rung
	a.Kind = pick(d, workflows.Approve, workflows.Approve, workflows.Approve, workflows.Submit, workflows.Reject, workflows.SendBack,
		workflows.Transfer, workflows.Delegate, workflows.GiveBack, workflows.AddSigner, workflows.RemoveSigner, workflows.Deadline, workflows.Reschedule)
	if t.Step == workflows.ApplyStep && d.chance(80) {
		a.Kind = workflows.Submit
	}
	if d.chance(75) {
		a.By = t.Assignee
	}
	for _, leave := range p.Delegations {
		if leave.From == t.Assignee && d.chance(40) {
			a.By = leave.To
		}
	}
	if a.Kind == workflows.RemoveSigner {
		a.By = t.AddedBy
	}
	a.To, a.Place = []int64{d.person()}, pick(d, workflows.Before, workflows.After)
	if d.chance(20) {
		a.To = append(a.To, d.person())
	}
	a.Step = pick(d, workflows.ApplyStep, "s0", "s1", "s2", "s9")
	a.Straight = d.chance(50)
	a.DueOn = calendar.DateOf(at).AddDays(d.roll(20) - 1)
	if t.Step == workflows.ApplyStep || d.chance(50) {
		a.Form = d.form(def, t.Step, s.Case)
	}
	d.privilege(&a, s.Applicant)
	if d.chance(5) {
		a.TaskVersion--
	}
	return a
}

// privilege gives an action to the one who alone may do it, usually.
func (d *dice) privilege(a *workflows.Action, applicant int64) {
	if d.chance(20) {
		return
	}
	switch a.Kind {
	case workflows.Open, workflows.Deadline:
		a.By = workflows.System
	case workflows.Suspend, workflows.Resume, workflows.Terminate, workflows.HandOver, workflows.Reschedule:
		a.By = admin
	case workflows.Withdraw, workflows.Urge:
		a.By = applicant // 0 before the first submission: the system
	}
}
