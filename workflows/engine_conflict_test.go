package workflows_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
	"duban/workflows"
)

// opinion is what finance writes about an adjustment.
var opinion = map[string]workflows.Form{"check": {"finance_opinion": "无误"}}

// later returns the project's other duty with a spending target.
func (o *bureau) later(project int64) models.Obligation {
	o.t.Helper()
	var d models.Obligation
	err := o.Store.Read(o.t.Context()).Where("project_id = ? AND kind = ?", project, models.SpendingTarget).Order("due_on DESC").First(&d).Error
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

func TestAProjectsBudgetIsDecidedAboutOnceAtATime(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		first, second := o.duty(o.project.ID, models.SpendingTarget), o.later(o.project.ID)
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, c := range []struct {
			duty   int64
			amount string
		}{{first.ID, "510000"}, {second.ID, "1490000"}} {
			wg.Go(func() {
				_, errs[i] = o.Begin(context.Background(), "adjustment", c.duty, workflows.Action{
					Kind: workflows.Submit, By: o.owner, Form: workflows.Form{"new_budget": c.amount, "reason": "调剂"},
				})
			})
		}
		wg.Wait()
		refused := 0
		for _, err := range errs {
			if code(t, err) == workflows.CodeOpenAlready {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%v", errs)
		}
	})
}

func TestAnApprovalOnAnOutdatedBudgetIsRefusedAndCanBeRejected(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.apply("adjustment", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, workflows.Form{"new_budget": "900000", "reason": "调剂"})
		err := o.Store.Tx(t.Context(), "import", func(tx *models.Tx) error {
			return tx.ReviseBudget(o.project.ID, 99, 700_000, models.Replan{}, "另一文件")
		})
		if err != nil {
			t.Fatal(err)
		}
		for in.State.Step != "approve" {
			step := open(t, in)
			in = o.act(in, step.Assignee, workflows.Approve, opinion[step.Step], "")
		}
		task := open(t, in)
		_, err = o.Act(t.Context(), in.ID, workflows.Action{Kind: workflows.Approve, By: o.leader, Task: task.ID, TaskVersion: task.Version})
		if code(t, err) != workflows.CodeOutdated || o.stored(o.project.ID).Budget != 700_000 {
			t.Fatalf("%v, budget %d", err, o.stored(o.project.ID).Budget)
		}
		if in = o.act(in, o.leader, workflows.Reject, nil, "预算已变"); in.State.Outcome != workflows.Rejected {
			t.Errorf("outcome %q", in.State.Outcome)
		}
	})
}

func TestNoMoneyVanishesWhenTwoRefinementsNameOneProject(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		var last []workflows.Instance
		var parents []int64
		for _, code := range []string{"P910", "P920"} {
			p, duty := o.placeholderOf(code, 100_000)
			parents = append(parents, p.ID)
			in := o.apply("refinement", duty.ID, o.owner, workflows.Form{"breakdown": "X1\t设备\t1,000.00"})
			for in.State.Step != "close" {
				in = o.act(in, open(t, in).Assignee, workflows.Approve, nil, "")
			}
			last = append(last, in)
		}
		if in := o.act(last[0], o.clerk, workflows.Approve, nil, ""); in.State.Outcome != workflows.Approved {
			t.Fatal(in.State.Outcome)
		}
		task := open(t, last[1])
		_, err := o.Act(t.Context(), last[1].ID, workflows.Action{Kind: workflows.Approve, By: o.clerk, Task: task.ID, TaskVersion: task.Version})
		if code(t, err) != workflows.CodeFormInvalid || o.stored(parents[1]).Budget != 100_000 {
			t.Errorf("%v, the second placeholder holds %d", err, o.stored(parents[1]).Budget)
		}
	})
}

func TestAnAdjustmentKeepsWhatItWasNotAskedAbout(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		in := o.apply("adjustment", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, workflows.Form{
			"new_budget": "900000", "reason": "调剂", "plan": `[["2025-12-31","90"]]`,
		})
		september := models.Target{ProjectID: o.project.ID, DueOn: calendar.MustDate(2025, 9, 30), Label: "9月底", Percent: money.PercentOf(70)}
		if err := o.Store.Tx(t.Context(), "import", func(tx *models.Tx) error { return tx.Create(&september) }); err != nil {
			t.Fatal(err)
		}
		o.approveAll(in, opinion)
		revisions, err := o.Store.BudgetRevisions(t.Context(), o.project.ID)
		if err != nil || len(revisions) != 1 || len(revisions[0].Revised.Plan) != 3 || revisions[0].Revised.Plan[1].Label != "9月底" {
			t.Errorf("%+v, %v", revisions, err)
		}
	})
}

func TestOtherFundsNeverTurnNegative(t *testing.T) {
	o := newBureau(t, models.SQLite)
	err := o.Store.Tx(t.Context(), "import", func(tx *models.Tx) error {
		p := o.stored(o.project.ID)
		p.Fiscal, p.Other = 300_000, 0 // the table's parts do not add up, which is flagged
		if err := tx.SaveProject(&p); err != nil {
			return err
		}
		return tx.ReviseBudget(p.ID, 99, 600_000, models.Replan{}, "压减")
	})
	if p := o.stored(o.project.ID); err != nil || p.Budget != 600_000 || p.Fiscal != 0 || p.Other != 0 {
		t.Errorf("%d = %d + %d, %v", p.Budget, p.Fiscal, p.Other, err)
	}
}

func TestFormsThatCannotTakeEffectAreRefused(t *testing.T) {
	o := newBureau(t, models.SQLite)
	october := models.Target{ProjectID: o.project.ID, DueOn: calendar.MustDate(2025, 10, 31), Label: "10月底", Percent: money.PercentOf(75)}
	pay := models.Payment{ProjectID: o.project.ID, PaidOn: july, Amount: 90_000, VoucherNo: "1", AsOf: july}
	err := o.Store.Tx(t.Context(), "import", func(tx *models.Tx) error {
		return errors.Join(tx.Create(&october), tx.AddPayments([]models.Payment{pay}, july))
	})
	if err != nil {
		t.Fatal(err)
	}
	spending, completion := o.duty(o.project.ID, models.SpendingTarget).ID, o.duty(o.project.ID, models.Completion).ID
	for name, c := range map[string]struct {
		workflow string
		duty     int64
		form     workflows.Form
		says     string
	}{
		"less than is paid":  {"adjustment", spending, workflows.Form{"new_budget": "80000", "reason": "压减"}, "已支付的 900.00 元"},
		"a plan that falls":  {"adjustment", spending, workflows.Form{"new_budget": "900000", "reason": "压减", "plan": `[["2025-10-31","90"],["2025-12-31","20"]]`}, "逐个时点不降"},
		"too many decimals":  {"adjustment", spending, workflows.Form{"new_budget": "900000", "reason": "压减", "plan": `[["2025-10-31","9.00001"],["2025-12-31","100"]]`}, "4 位小数"},
		"no later than now":  {"extension", completion, workflows.Form{"new_date": "2025-11-30", "reason": "延期"}, "应晚于现在的到期日"},
		"a date that passed": {"extension", completion, workflows.Form{"new_date": "2025-06-30", "reason": "延期"}, "不得早于"},
	} {
		_, err := o.Begin(t.Context(), c.workflow, c.duty, workflows.Action{Kind: workflows.Submit, By: o.owner, Form: c.form})
		refusal, ok := errors.AsType[*workflows.Error](err)
		if !ok || refusal.Code != workflows.CodeFormInvalid || len(refusal.Fields) != 1 || !strings.Contains(refusal.Fields[0].Message, c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stranger adds somebody to another unit.
func (o *bureau) stranger(account string, roles ...models.Role) int64 {
	o.t.Helper()
	var id int64
	err := o.Store.Tx(context.Background(), "system", func(tx *models.Tx) error {
		unit, ok, err := tx.UnitByCode("999")
		if err != nil {
			return err
		}
		if !ok {
			unit = models.Unit{Code: "999", Name: "另一单位"}
			if err := tx.SaveUnit(&unit); err != nil {
				return err
			}
		}
		u := models.User{Account: account, Name: account, UnitID: unit.ID, Roles: roles, Language: models.Chinese, Active: true}
		_, _, err = tx.SaveUser(&u)
		id = u.ID
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return id
}

func TestAUnitsAdministratorHasNoPowerOverAnother(t *testing.T) {
	o := newBureau(t, models.SQLite)
	admin, friend := o.stranger("admin2", models.RoleAdmin), o.stranger("friend", models.RoleOwner)
	if _, err := o.Lend(t.Context(), admin, absence(o.leader, admin)); code(t, err) != workflows.CodeNotAllowed {
		t.Errorf("lends another unit's tasks: %v", err)
	}
	if _, err := o.Lend(t.Context(), o.leader, absence(o.leader, admin)); code(t, err) != workflows.CodeUnknownPerson {
		t.Errorf("lends to another unit: %v", err)
	}
	mine, err := o.Lend(t.Context(), o.leader, absence(o.leader, o.head))
	if err != nil {
		t.Fatal(err)
	}
	if got := code(t, o.Revoke(t.Context(), admin, mine.ID)); got != workflows.CodeNotAllowed {
		t.Errorf("revokes another unit's delegation: %q", got)
	}
	if _, err := o.HandOver(t.Context(), admin, o.owner, friend, "离职"); code(t, err) != workflows.CodeNotAllowed {
		t.Errorf("hands over another unit's people: %v", err)
	}
	if _, err := o.HandOver(t.Context(), o.admin, o.owner, friend, "离职"); code(t, err) != workflows.CodeNotAllowed {
		t.Errorf("hands over to another unit: %v", err)
	}
	if o.stored(o.project.ID).OwnerID != o.owner {
		t.Error("the project has another owner")
	}
}

func TestNothingIsHandedToAnotherUnit(t *testing.T) {
	o := newBureau(t, models.SQLite)
	outsider := o.stranger("outsider", models.RoleManager)
	in := o.apply("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, measures)
	task := open(t, in)
	for _, a := range []workflows.Action{
		{Kind: workflows.Transfer}, {Kind: workflows.Delegate}, {Kind: workflows.AddSigner, Place: workflows.Before}, {Kind: workflows.CopyTo},
	} {
		a.By, a.Task, a.TaskVersion, a.To = o.manager, task.ID, task.Version, []int64{outsider}
		if _, err := o.Act(t.Context(), in.ID, a); code(t, err) != workflows.CodeUnknownPerson {
			t.Errorf("%s: %v", a.Kind, err)
		}
	}
}

func TestReasonsOfDelegationsAreBounded(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		for _, reason := range []string{strings.Repeat("长", 201), "\xff"} {
			d := absence(o.leader, o.head)
			d.Reason = reason
			if _, err := o.Lend(t.Context(), o.leader, d); code(t, err) != workflows.CodeFormInvalid {
				t.Errorf("%.10q: %v", reason, err)
			}
		}
	})
}

func TestReplicasMayPublishTheBuiltInWorkflowsAtOnce(t *testing.T) {
	modelstest.Each(t, clockwork.NewFakeClockAt(july.At(9, 0)), func(t *testing.T, s *models.Store) {
		errs := make(chan error, 8)
		for range 8 {
			go func() { errs <- (&workflows.Engine{Store: s}).PublishBuiltin(context.Background()) }()
		}
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if all, err := s.Definitions(t.Context()); err != nil || len(all) != 7 {
			t.Errorf("%d definitions, %v", len(all), err)
		}
	})
}

func TestAFileOfAnyBytesIsKept(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		a := models.Attachment{Name: "零.bin", UploadedBy: o.owner, Content: make([]byte, models.MaxAttachment)}
		if err := o.Store.Tx(t.Context(), "owner", func(tx *models.Tx) error { return tx.AddAttachment(&a) }); err != nil {
			t.Fatal(err)
		}
		kept, err := o.Store.Attachment(t.Context(), a.ID)
		if err != nil || len(kept.Content) != models.MaxAttachment || kept.SHA256 != a.SHA256 {
			t.Errorf("%d bytes, %v", len(kept.Content), err)
		}
	})
}

func TestUnusedFilesAreBoundedAndForgotten(t *testing.T) {
	o := newBureau(t, models.SQLite)
	add := func(by int64) error {
		a := models.Attachment{Name: "a.bin", UploadedBy: by, Content: make([]byte, models.MaxAttachment)}
		return o.Store.Tx(t.Context(), "owner", func(tx *models.Tx) error { return tx.AddAttachment(&a) })
	}
	var err error
	for n := 0; err == nil && n < 10; n++ {
		err = add(o.owner)
	}
	if !errors.Is(err, models.ErrTooManyFiles) {
		t.Errorf("%v", err)
	}
	if err := add(o.manager); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	o.clock.Advance(25 * 3600e9)
	if err := o.Store.DropUnboundAttachments(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := add(o.owner); err != nil {
		t.Errorf("a day later: %v", err)
	}
}
