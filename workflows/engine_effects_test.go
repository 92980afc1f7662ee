package workflows_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
	"duban/workflows"
)

// apply begins a workflow about a duty by submitting its form.
func (o *bureau) apply(workflow string, duty int64, by int64, form workflows.Form) workflows.Instance {
	o.t.Helper()
	in, err := o.Begin(o.t.Context(), workflow, duty, workflows.Action{Kind: workflows.Submit, By: by, Form: form})
	if err != nil {
		o.t.Fatalf("%s: %v", workflow, err)
	}
	return in
}

// approveAll approves what is left of an instance, each step by its person,
// with what the steps fill in.
func (o *bureau) approveAll(in workflows.Instance, fills map[string]workflows.Form) workflows.Instance {
	o.t.Helper()
	for range 10 {
		if in.State.Outcome != "" {
			return in
		}
		t := open(o.t, in)
		in = o.act(in, t.Assignee, workflows.Approve, fills[t.Step], "同意")
	}
	o.t.Fatal("does not end")
	return in
}

func (o *bureau) obligation(id int64) models.Obligation {
	o.t.Helper()
	var d models.Obligation
	if err := o.Store.Read(o.t.Context()).Take(&d, id).Error; err != nil {
		o.t.Fatal(err)
	}
	return d
}

func (o *bureau) stored(id int64) models.Project {
	o.t.Helper()
	var p models.Project
	if err := o.Store.Read(o.t.Context()).Take(&p, id).Error; err != nil {
		o.t.Fatal(err)
	}
	return p
}

func TestAnExtensionMovesTheDueDateAndKeepsTheOld(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		duty := o.duty(o.project.ID, models.Completion)
		for _, to := range []string{"2025-12-15", "2025-12-31"} {
			in := o.approveAll(o.apply("extension", duty.ID, o.owner, workflows.Form{"new_date": to, "reason": "供应商延期"}), nil)
			if in.State.Outcome != workflows.Approved {
				t.Fatalf("outcome %q", in.State.Outcome)
			}
			is := o.obligation(duty.ID)
			if is.DueOn.String() != to || is.FirstDueOn != duty.DueOn || is.NextCheckOn != july {
				t.Errorf("due %s, first %s, next check %s", is.DueOn, is.FirstDueOn, is.NextCheckOn)
			}
		}
		changes, err := o.Store.DueDateChanges(t.Context(), duty.ID)
		if err != nil || len(changes) != 2 || changes[0].Was != duty.DueOn || changes[1].Was != changes[0].DueOn {
			t.Errorf("history %+v, %v", changes, err)
		}
	})
}

func TestAnAdjustmentRevisesTheBudgetAndItsTargets(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		duty := o.duty(o.project.ID, models.SpendingTarget)
		in := o.apply("adjustment", duty.ID, o.owner, workflows.Form{
			"new_budget": "800000", "reason": "压减", "plan": `[["2025-12-31","80"]]`,
		})
		in = o.approveAll(in, map[string]workflows.Form{"check": {"finance_opinion": "金额无误"}})
		if in.State.Outcome != workflows.Approved {
			t.Fatalf("outcome %q at %s", in.State.Outcome, in.State.Step)
		}
		p := o.stored(o.project.ID)
		if p.Budget != 800_000 || p.Fiscal != 800_000 {
			t.Errorf("budget %d, fiscal %d", p.Budget, p.Fiscal)
		}
		if is := o.obligation(duty.ID); is.Percent != money.PercentOf(50) || is.Amount != 400_000 { // June has passed
			t.Errorf("the target of June is %s = %d", is.Percent, is.Amount)
		}
		revisions, err := o.Store.BudgetRevisions(t.Context(), p.ID)
		if err != nil || len(revisions) != 1 {
			t.Fatalf("%d revisions, %v", len(revisions), err)
		}
		r := revisions[0]
		if r.Was.Budget != 1_000_000 || len(r.Was.Plan) != 2 || r.Revised.Budget != 800_000 || len(r.Revised.Plan) != 2 || r.Revised.Plan[1].Percent != money.PercentOf(80) || r.Reason != "压减" {
			t.Errorf("revision %+v", r)
		}
		var year models.Obligation
		o.t.Helper()
		if err := o.Store.Read(t.Context()).Where("project_id = ? AND kind = ? AND due_on = ?", p.ID, models.SpendingTarget, calendar.MustDate(2025, 12, 31)).Take(&year).Error; err != nil {
			t.Fatal(err)
		}
		if year.Percent != money.PercentOf(80) || year.Amount != 640_000 || year.State != models.StateOpen {
			t.Errorf("the target of December: %s = %d, %s", year.Percent, year.Amount, year.State)
		}
	})
}

func TestALargeAdjustmentGoesToTheHead(t *testing.T) {
	o := newBureau(t, models.SQLite)
	in := o.apply("adjustment", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, workflows.Form{"new_budget": "60000000", "reason": "增加"})
	in = o.approveAll(in, map[string]workflows.Form{"check": {"finance_opinion": "无误"}})
	last := in.State.Tasks[len(in.State.Tasks)-1]
	if last.Step != "director" || last.ActedBy != o.head {
		t.Errorf("decided last at %s by %d", last.Step, last.ActedBy)
	}
}

// placeholderOf adds a placeholder budget, and returns it with its duty.
func (o *bureau) placeholderOf(code string, budget money.Fen) (models.Project, models.Obligation) {
	o.t.Helper()
	r := &models.ProjectRecord{Project: models.Project{
		FiscalYear: 2025, Code: code, Name: "代编预算", UnitID: o.unit.ID, Budget: budget, Fiscal: budget,
		OwnerID: o.owner, ManagerID: o.manager, Placeholder: true, State: models.ProjectActive,
	}}
	err := o.Store.Tx(o.t.Context(), "system", func(tx *models.Tx) error {
		if err := tx.AddProjects([]*models.ProjectRecord{r}); err != nil {
			return err
		}
		_, err := tx.ReconcileDuties([]string{r.Subject()}, r.Duties(), "", o.Store.Today())
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return r.Project, o.duty(r.ID, models.Refinement)
}

func TestARefinementTurnsAPlaceholderIntoProjects(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		p, duty := o.placeholderOf("P900", 1_000_000)
		in := o.apply("refinement", duty.ID, o.owner, workflows.Form{
			"breakdown": "P901\t设备更新\t6,000.00\t更新 10 台\n\t培训\t4,000.00",
		})
		if in.State.Form["total"] != "1000000" {
			t.Fatalf("total %s", in.State.Form["total"])
		}
		in = o.approveAll(in, nil)
		if in.State.Outcome != workflows.Approved {
			t.Fatalf("outcome %q", in.State.Outcome)
		}
		items, err := o.Store.BudgetItems(t.Context(), duty.ID)
		if err != nil || len(items) != 2 || items[0].RefinedID == 0 || items[1].RefinedID != 0 || items[1].Amount != 400_000 {
			t.Fatalf("items %+v, %v", items, err)
		}
		child := o.stored(items[0].RefinedID)
		if child.Code != "P901" || child.Budget != 600_000 || child.Goal != "更新 10 台" || child.OwnerID != o.owner || o.stored(p.ID).Budget != 400_000 {
			t.Errorf("%+v; the placeholder keeps %d", child, o.stored(p.ID).Budget)
		}
		if o.duty(child.ID, models.Monitoring).ID == 0 {
			t.Error("the new project is not supervised")
		}
		if done := o.obligation(duty.ID); done.DoneOn != july || done.State == models.StateWaived {
			t.Errorf("the duty: done on %s, %s", done.DoneOn, done.State)
		}
	})
}

func TestARefinementThatCannotTakeEffectIsRefusedAtOnce(t *testing.T) {
	o := newBureau(t, models.SQLite)
	_, duty := o.placeholderOf("P900", 1_000_000)
	for name, breakdown := range map[string]string{
		"重复":   "P901\t甲\t1\nP901\t乙\t2",
		"已有项目": "P001\t甲\t1",
	} {
		_, err := o.Begin(t.Context(), "refinement", duty.ID, workflows.Action{
			Kind: workflows.Submit, By: o.owner, Form: workflows.Form{"breakdown": breakdown},
		})
		refusal, ok := errors.AsType[*workflows.Error](err)
		if !ok || refusal.Code != workflows.CodeFormInvalid || !strings.Contains(refusal.Fields[0].Message, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if open, err := o.Store.Instances(t.Context(), models.InstanceFilter{Limit: 9}); err != nil || len(open) != 0 {
		t.Errorf("%d instances, %v", len(open), err)
	}
}

func TestMonitoringAndSelfEvaluationRecordEveryIndicator(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		for kind, c := range map[models.Kind]struct {
			workflow string
			form     workflows.Form
			score    string
		}{
			models.Monitoring: {"monitoring", workflows.Form{
				"spending": "正常", "goals": "正常", "deviation": "none", "actuals": `[["1","3次",""],["2","未到期","尚在执行"]]`,
			}, ""},
			models.SelfEvaluation: {"self_evaluation", workflows.Form{
				"summary": "良好", "scores": `[["1","5次","50","50"],["2","按时","50","45.5"]]`,
			}, "45.5"},
		} {
			duty := o.duty(o.project.ID, kind)
			in := o.apply(c.workflow, duty.ID, o.owner, c.form)
			in = o.approveAll(in, map[string]workflows.Form{"check": {"paid": "500000"}})
			results, err := o.Store.IndicatorResults(t.Context(), o.project.ID)
			if err != nil {
				t.Fatal(err)
			}
			last := results[len(results)-1]
			if last.InstanceID != in.ID || last.Sequence != 2 || last.Score != c.score {
				t.Errorf("%s: %+v", kind, last)
			}
			if done := o.obligation(duty.ID); done.DoneOn != july {
				t.Errorf("%s: not closed", kind)
			}
			if kind == models.SelfEvaluation && in.State.Form["score"] != "95.5" {
				t.Errorf("total score %s", in.State.Form["score"])
			}
		}
	})
}

func TestARectificationIsClosedOnlyAfterAnothersReinspection(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		duty := o.addDuty(models.Rectification, calendar.MustDate(2025, 8, 1))
		proof := models.Attachment{Name: "佐证.pdf", MediaType: "application/pdf", Content: []byte("%PDF"), UploadedBy: o.owner}
		if err := o.Store.Tx(t.Context(), "owner", func(tx *models.Tx) error { return tx.AddAttachment(&proof) }); err != nil {
			t.Fatal(err)
		}
		form := workflows.Form{"measures": "已退回", "evidence": strconv.FormatInt(proof.ID, 10)}
		in := o.apply("rectification", duty.ID, o.owner, form)
		in = o.act(in, o.manager, workflows.Approve, nil, "")
		in = o.act(in, o.clerk, workflows.Approve, workflows.Form{"verified_on": "2025-07-01", "finding": "属实"}, "")
		if done := o.obligation(duty.ID); !done.DoneOn.IsZero() {
			t.Error("closed before the leader did")
		}
		in = o.act(in, o.leader, workflows.Approve, nil, "")
		done := o.obligation(duty.ID)
		if in.State.Outcome != workflows.Approved || done.DoneOn != july || !strings.Contains(done.DoneNote, "回查：属实") || done.DoneBy != "leader" {
			t.Errorf("%s: done on %s by %s: %s", in.State.Outcome, done.DoneOn, done.DoneBy, done.DoneNote)
		}
		kept, err := o.Store.Attachment(t.Context(), proof.ID)
		if err != nil || kept.InstanceID != in.ID {
			t.Errorf("the file belongs to %d, %v", kept.InstanceID, err)
		}
	})
}

func TestSomebodyElsesFileCannotBePutIntoAForm(t *testing.T) {
	o := newBureau(t, models.SQLite)
	duty := o.addDuty(models.Rectification, calendar.MustDate(2025, 8, 1))
	file := models.Attachment{Name: "a.pdf", UploadedBy: o.other, Content: []byte("x")}
	if err := o.Store.Tx(t.Context(), "other", func(tx *models.Tx) error { return tx.AddAttachment(&file) }); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{strconv.FormatInt(file.ID, 10), "999", "no number"} {
		_, err := o.Begin(t.Context(), "rectification", duty.ID, workflows.Action{
			Kind: workflows.Submit, By: o.owner, Form: workflows.Form{"measures": "已退回", "evidence": ref},
		})
		if !errors.Is(err, &workflows.Error{Code: workflows.CodeFormInvalid}) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if n, err := o.Store.Instances(t.Context(), models.InstanceFilter{Limit: 9}); err != nil || len(n) != 0 {
		t.Errorf("%d instances are left, %v", len(n), err)
	}
}

func TestADutyHasOneOpenInstanceOfAWorkflow(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		duty := o.duty(o.project.ID, models.SpendingTarget)
		first, err := o.Begin(t.Context(), "corrective_action", duty.ID, workflows.Action{Kind: workflows.Open})
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.Begin(t.Context(), "corrective_action", duty.ID, workflows.Action{Kind: workflows.Submit, By: o.owner, Form: measures})
		refusal, ok := errors.AsType[*workflows.Error](err)
		if !ok || refusal.Code != workflows.CodeOpenAlready || refusal.Instance != first.ID {
			t.Errorf("%v", err)
		}
		// An adjustment beside it is another matter.
		o.apply("adjustment", duty.ID, o.owner, workflows.Form{"new_budget": "900000", "reason": "压减"})
	})
}
