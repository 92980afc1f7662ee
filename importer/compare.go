package importer

import (
	"fmt"
	"slices"
	"strconv"

	"duban/models"
	"duban/models/money"
)

// Action is what a document does to something that is stored.
type Action string

// The actions. Missing and Kept change nothing: they are remarks.
const (
	ActionChange  Action = "change"
	ActionDrop    Action = "drop"
	ActionMissing Action = "missing"
	ActionKept    Action = "kept" // an approved adjustment stands against the document
)

// Change is one difference between a document and what is stored, in words
// for the person who imports it.
type Change struct {
	Action  Action
	Subject string // the project or unit
	Field   string // the published label
	Was, Is string // "" for what is not there
}

// compare returns the differences between two statements of one project.
// Where in the file something stands is not a difference.
func compare(was, is *models.ProjectRecord) []Change {
	c := differences{subject: projectLabel(is.Project)}
	c.text("项目名称", was.Name, is.Name)
	if was.UnitID != is.UnitID {
		c.add("预算单位", strconv.FormatInt(was.UnitID, 10), strconv.FormatInt(is.UnitID, 10))
	}
	c.amount("预算数", was.Budget, is.Budget)
	c.amount("其中：财政资金", was.Fiscal, is.Fiscal)
	c.amount("其他资金", was.Other, is.Other)
	c.text("资金用途", was.Purpose, is.Purpose)
	c.text("绩效目标", was.Goal, is.Goal)
	if was.Placeholder != is.Placeholder {
		c.add("代编预算", strconv.FormatBool(was.Placeholder), strconv.FormatBool(is.Placeholder))
	}
	if was.State != is.State {
		c.add("状态", string(was.State), string(is.State))
	}
	c.targets(was.Targets, is.Targets)
	c.indicators(was.Indicators, is.Indicators)
	return c.changes
}

func projectLabel(p models.Project) string { return p.Code + " " + p.Name }

type differences struct {
	subject string
	changes []Change
}

func (c *differences) add(field, was, is string) {
	c.changes = append(c.changes, Change{Action: ActionChange, Subject: c.subject, Field: field, Was: was, Is: is})
}

func (c *differences) text(field, was, is string) {
	if was != is {
		c.add(field, was, is)
	}
}

func (c *differences) amount(field string, was, is money.Fen) {
	if was != is {
		c.add(field, was.In(money.TenThousand)+"万元", is.In(money.TenThousand)+"万元")
	}
}

// targets compares the plan checkpoint by checkpoint: both are in the order of
// their dates.
func (c *differences) targets(was, is []models.Target) {
	for len(was) > 0 || len(is) > 0 {
		var order int
		switch {
		case len(was) == 0:
			order = 1
		case len(is) == 0:
			order = -1
		default:
			order = was[0].DueOn.Compare(is[0].DueOn)
		}
		switch {
		case order < 0:
			c.add("资金支出计划 "+was[0].Label, was[0].Percent.String(), "")
			was = was[1:]
		case order > 0:
			c.add("资金支出计划 "+is[0].Label, "", is[0].Percent.String())
			is = is[1:]
		default:
			if was[0].Percent != is[0].Percent || was[0].Label != is[0].Label {
				c.add("资金支出计划 "+is[0].Label, was[0].Percent.String(), is[0].Percent.String())
			}
			was, is = was[1:], is[1:]
		}
	}
}

// indicators compares row by row: the table numbers nothing, so a row that is
// inserted shifts those after it.
func (c *differences) indicators(was, is []models.Indicator) {
	for i := range max(len(was), len(is)) {
		var a, b models.Indicator
		if i < len(was) {
			a = was[i]
		}
		if i < len(is) {
			b = is[i]
		}
		if !sameIndicator(a, b) {
			c.add(fmt.Sprintf("绩效指标第 %d 行", i+1), sentence(a), sentence(b))
		}
	}
}

func sentence(in models.Indicator) string {
	if in.Sequence == 0 {
		return ""
	}
	return in.Level2 + " " + in.Description + " " + in.ValueText
}

// sameIndicator compares everything but the row's identity and its line.
func sameIndicator(a, b models.Indicator) bool {
	for _, in := range []*models.Indicator{&a, &b} {
		in.ID, in.Stamps, in.ProjectID, in.SourceLine = 0, models.Stamps{}, 0, 0
	}
	return a == b
}

func sameGoal(a, b models.Goal) bool {
	return a.Scope == b.Scope && a.Sequence == b.Sequence && a.Title == b.Title && a.Text == b.Text &&
		a.Measure == b.Measure && slices.Equal(a.Figures, b.Figures)
}
