package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// The forms were checked when they were handed in, so a value that cannot be
// read here is a fault of the program, and undoes the action.

func dateValue(s string) (calendar.Date, error) {
	d, err := calendar.ParseDate(s)
	if err != nil {
		return d, fmt.Errorf("stored date %q: %w", s, err)
	}
	return d, nil
}

func fenValue(s string) (money.Fen, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stored amount %q: %w", s, err)
	}
	return money.Fen(n), nil
}

// closeDuty records the duty as fulfilled, unless it is no longer required.
func (r *run) closeDuty(on calendar.Date, note string) error {
	if r.matter.Obligation.State == models.StateWaived {
		return nil
	}
	return r.tx.ReportDone(r.matter.Obligation.ID, on, note)
}

// supplier returns the form field that supplies a parameter of an effect, the
// zero field if none does.
func (d Definition) supplier(do EffectName, parameter string) Field {
	for _, e := range d.Effects {
		if f, ok := d.Field(e.With[parameter]); ok && e.Do == do {
			return f
		}
	}
	return Field{}
}

func (r *run) reviseBudget(e Business) error {
	amount, err := fenValue(e.Values["amount"])
	if err != nil {
		return err
	}
	plan, err := r.plan(e)
	if err != nil {
		return err
	}
	return r.tx.ReviseBudget(r.matter.Project.ID, r.row.ID, amount, models.Replan{Shown: r.shown(plan), Plan: plan}, e.Values["reason"])
}

// plan reads the new spending plan of an adjustment: nil if none was stated.
// A checkpoint that is left blank has no target.
func (r *run) plan(e Business) ([]models.Planned, error) {
	field := r.def.supplier(e.Do, "plan")
	labels := map[string]string{}
	for _, c := range r.is.Case.Checkpoints {
		labels[c.Key] = c.Title
	}
	var plan []models.Planned
	for _, row := range field.Rows(e.Values["plan"]) {
		stated := field.Cell(row, "percent")
		if stated == "" {
			continue
		}
		due, err := dateValue(row[0])
		if err != nil {
			return nil, err
		}
		percent, err := money.ParsePercent(stated + "%")
		if err != nil {
			return nil, fmt.Errorf("stored percentage %q: %w", stated, err)
		}
		plan = append(plan, models.Planned{DueOn: due, Label: labels[row[0]], Percent: percent})
	}
	return plan, nil
}

// shown returns the checkpoints that a plan was stated for: those of the form,
// if anything was stated at all.
func (r *run) shown(plan []models.Planned) []calendar.Date {
	if len(plan) == 0 {
		return nil
	}
	var days []calendar.Date
	for _, c := range r.is.Case.Checkpoints {
		if day, err := calendar.ParseDate(c.Key); err == nil {
			days = append(days, day)
		}
	}
	return days
}

// breakdown reads the lines into which a placeholder budget is refined.
func (r *run) breakdown(stored string) (items []models.BudgetItem, goals []string, err error) {
	field := r.def.supplier(RefineBudget, "breakdown")
	for _, row := range field.Rows(stored) {
		amount, err := fenValue(field.Cell(row, "amount"))
		if err != nil {
			return nil, nil, err
		}
		items = append(items, models.BudgetItem{
			Code: strings.TrimSpace(field.Cell(row, "code")), Name: field.Cell(row, "name"), Amount: amount,
		})
		goals = append(goals, field.Cell(row, "goal"))
	}
	return items, goals, nil
}

func (r *run) refineBudget(e Business) error {
	items, goals, err := r.breakdown(e.Values["breakdown"])
	if err != nil || len(items) == 0 {
		return err
	}
	return r.tx.Refine(r.matter.Obligation, r.row.ID, items, goals)
}

// bindFiles gives the files that the actor has put into the form to the
// instance. Somebody else's file cannot be put there.
func (r *run) bindFiles(a Action) error {
	for _, field := range r.def.Form {
		value := r.is.Form[field.Name]
		if field.Type != FieldFile || value == "" || value == r.was.Form[field.Name] {
			continue
		}
		id, err := strconv.ParseInt(value, 10, 64)
		if err == nil {
			err = r.tx.BindAttachment(id, r.row.ID, a.By)
		}
		if err != nil && (id == 0 || errors.Is(err, models.ErrNotFound)) {
			return formInvalid([]FieldProblem{{field.Name, field.Label.Chinese + "：没有这个附件，请重新上传"}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recordReport puts what the form says on record, and the results of the
// single indicators where it has a table of them.
func (r *run) recordReport(e Business) error {
	report := models.Report{
		ObligationID: r.matter.Obligation.ID, InstanceID: r.row.ID, ProjectID: r.matter.Project.ID,
		Workflow: r.def.Key, Answers: e.Values,
	}
	var results []models.IndicatorResult
	for _, field := range r.def.Form {
		if field.Type != FieldTable || field.RowsFrom != RowsIndicators {
			continue
		}
		for _, row := range field.Rows(r.is.Form[field.Name]) {
			sequence, err := strconv.Atoi(row[0])
			if err != nil {
				return fmt.Errorf("stored indicator %q: %w", row[0], err)
			}
			results = append(results, models.IndicatorResult{
				Sequence: sequence, Actual: field.Cell(row, "actual"), Weight: field.Cell(row, "weight"),
				Score: field.Cell(row, "score"), Note: field.Cell(row, "deviation"),
			})
		}
	}
	return r.tx.AddReport(&report, results)
}
