package workflows_test

import (
	"testing"

	"duban/models"
	"duban/workflows"
)

func TestCorrectiveActionRunsToItsEnd(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		duty := o.duty(o.project.ID, models.SpendingTarget)
		in, err := o.Begin(t.Context(), "corrective_action", duty.ID, workflows.Action{Kind: workflows.Open})
		if err != nil {
			t.Fatal(err)
		}
		if c := in.State.Case; c.Gap != 500_000 || c.Plan.String() != "50%" || c.Paid != 0 || c.AsOf != july.AddDays(-1) {
			t.Errorf("frozen evidence: %+v", c)
		}
		in = o.act(in, o.owner, workflows.Submit, measures, "")
		in = o.act(in, o.manager, workflows.Approve, nil, "同意")
		in = o.act(in, o.finance, workflows.Approve, workflows.Form{"checked_amount": "500000"}, "")
		in = o.act(in, o.clerk, workflows.Approve, nil, "")
		in = o.act(in, o.leader, workflows.Approve, nil, "抓紧")
		if in.State.Outcome != workflows.Approved {
			t.Fatalf("outcome %q at %s", in.State.Outcome, in.State.Step)
		}
		reports, err := o.Store.Reports(t.Context(), duty.ID)
		if err != nil || len(reports) != 1 || reports[0].Answers["promised_on"] != "2025-07-31" {
			t.Errorf("reports %+v, %v", reports, err)
		}
		if _, err := o.Store.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
		v, err := o.View(t.Context(), in.ID)
		if err != nil || len(v.History) != 6 {
			t.Fatalf("view: %v, %d lines", err, len(v.History))
		}
		started, err := o.Store.StartedBy(t.Context(), o.owner, 0, 10)
		if err != nil || len(started) != 1 || started[0].Outcome != "approved" {
			t.Errorf("started: %+v, %v", started, err)
		}
		decided, err := o.Store.DecidedBy(t.Context(), o.leader, 0, 10)
		if err != nil || len(decided) != 1 {
			t.Errorf("decided: %+v, %v", decided, err)
		}
		copies, err := o.Store.CopiesOf(t.Context(), o.finance, 0, 10)
		if err != nil || len(copies) != 1 {
			t.Errorf("copies: %+v, %v", copies, err)
		}
		messages, err := o.Store.NotificationsAfter(t.Context(), 0)
		if err != nil || len(messages) < 6 {
			t.Errorf("%d messages, %v", len(messages), err)
		}
		for _, m := range messages {
			t.Log(m.Template, m.RecipientID, m.State, m.Payload.Approval.Step, m.Payload.Approval.DueOn)
		}
	})
}
