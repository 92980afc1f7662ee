package workflows_test

import (
	"context"
	"errors"
	"testing"

	"duban/models"
	"duban/workflows"
)

// code returns the code of a refusal, "" for none.
func code(t testing.TB, err error) workflows.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	refusal, ok := errors.AsType[*workflows.Error](err)
	if !ok {
		t.Fatalf("not a refusal: %v", err)
	}
	return refusal.Code
}

// absence is a delegation over the days around july.
func absence(from, to int64, keys ...string) models.Delegation {
	return models.Delegation{FromID: from, ToID: to, FirstDay: july, LastDay: july.AddDays(7), Workflows: keys, Reason: "出差"}
}

func TestAStoredDelegationLetsItsReceiverDecide(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		if _, err := o.Lend(t.Context(), o.manager, absence(o.manager, o.other)); err != nil {
			t.Fatal(err)
		}
		in := o.apply("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, measures)
		items, err := o.Inbox(t.Context(), o.other, 10)
		if err != nil || len(items) != 1 || items[0].For != o.manager || items[0].ID != in.ID {
			t.Fatalf("inbox of the stand-in: %+v, %v", items, err)
		}
		in = o.act(in, o.other, workflows.Approve, nil, "代为同意")
		v, err := o.View(t.Context(), in.ID)
		if err != nil {
			t.Fatal(err)
		}
		if last := v.History[len(v.History)-1]; last.ByID != o.other || last.ForID != o.manager {
			t.Errorf("history: by %d for %d", last.ByID, last.ForID)
		}
		decided, err := o.Store.DecidedBy(t.Context(), o.manager, 0, 10)
		if err != nil || len(decided) != 1 {
			t.Errorf("the principal sees %d decisions, %v", len(decided), err)
		}
	})
}

func TestADelegationStaysInItsScopeAndKeepsDutiesSeparate(t *testing.T) {
	o := newBureau(t, models.SQLite)
	for _, d := range []models.Delegation{
		absence(o.manager, o.other, "extension"), // another workflow
		absence(o.manager, o.owner),              // the applicant
	} {
		if _, err := o.Lend(t.Context(), o.manager, d); err != nil {
			t.Fatal(err)
		}
	}
	in := o.apply("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, measures)
	task := open(t, in)
	for by, want := range map[int64]workflows.Code{o.other: workflows.CodeNotYourTask, o.owner: workflows.CodeSelfApproval} {
		items, err := o.Inbox(t.Context(), by, 10)
		if err != nil || len(items) != 0 {
			t.Errorf("%d sees %d tasks, %v", by, len(items), err)
		}
		_, err = o.Act(t.Context(), in.ID, workflows.Action{Kind: workflows.Approve, By: by, Task: task.ID, TaskVersion: task.Version})
		if got := code(t, err); got != want {
			t.Errorf("%d: %s, want %s", by, got, want)
		}
	}
}

func TestDelegationsThatAreRefused(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		first, err := o.Lend(t.Context(), o.manager, absence(o.manager, o.leader))
		if err != nil {
			t.Fatal(err)
		}
		long := absence(o.manager, o.clerk)
		long.LastDay = july.AddDays(400)
		past := absence(o.manager, o.clerk)
		past.FirstDay, past.LastDay = july.AddDays(-3), july.AddDays(-1)
		for name, c := range map[string]struct {
			by   int64
			d    models.Delegation
			want workflows.Code
		}{
			"cycle":            {o.leader, absence(o.leader, o.manager), workflows.CodeCycle},
			"oneself":          {o.leader, absence(o.leader, o.leader), workflows.CodeCycle},
			"another's":        {o.owner, absence(o.leader, o.owner), workflows.CodeNotAllowed},
			"nobody":           {o.leader, absence(o.leader, 999), workflows.CodeUnknownPerson},
			"too long":         {o.manager, long, workflows.CodeFormInvalid},
			"over":             {o.manager, past, workflows.CodeFormInvalid},
			"unknown workflow": {o.manager, absence(o.manager, o.clerk, "none"), workflows.CodeWrongDefinition},
		} {
			if _, err := o.Lend(t.Context(), c.by, c.d); code(t, err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := code(t, o.Revoke(t.Context(), o.owner, first.ID)); got != workflows.CodeNotAllowed {
			t.Errorf("revoked by a stranger: %s", got)
		}
		if err := o.Revoke(t.Context(), o.manager, first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Lend(t.Context(), o.leader, absence(o.leader, o.manager)); err != nil {
			t.Errorf("after the other was revoked: %v", err)
		}
	})
}

func TestTwoDelegationsAtOnceFormNoCycle(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		for range 10 {
			errs := make(chan error, 2)
			for _, d := range []models.Delegation{absence(o.manager, o.leader), absence(o.leader, o.manager)} {
				go func() {
					_, err := o.Lend(context.Background(), d.FromID, d)
					errs <- err
				}()
			}
			refused := 0
			for range 2 {
				if code(t, <-errs) == workflows.CodeCycle {
					refused++
				}
			}
			if refused != 1 {
				t.Fatalf("%d refused", refused)
			}
			all, err := o.Store.DelegationsOf(t.Context(), 0, july)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				if err := o.Revoke(t.Context(), d.FromID, d.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestALeaverIsHandedOver(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		second := o.addProject("P002", "培训费", 2_000_000)
		first := o.apply("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, measures)
		waiting, err := o.Begin(t.Context(), "corrective_action", o.duty(second.ID, models.SpendingTarget).ID, workflows.Action{Kind: workflows.Open})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			by, to int64
			reason string
			want   workflows.Code
		}{
			"no administrator": {o.clerk, o.other, "离职", workflows.CodeNotAllowed},
			"no reason":        {o.admin, o.other, " ", workflows.CodeReasonRequired},
			"to oneself":       {o.admin, o.owner, "离职", workflows.CodeUnknownPerson},
		} {
			if _, err := o.HandOver(t.Context(), c.by, o.owner, c.to, c.reason); code(t, err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		done, err := o.HandOver(t.Context(), o.admin, o.owner, o.other, "离职")
		if err != nil || len(done) != 2 || done[0].Refused != nil || done[1].Refused != nil {
			t.Fatalf("%+v, %v", done, err)
		}
		v, err := o.View(t.Context(), first.ID)
		if err != nil || v.State.Applicant != o.other {
			t.Errorf("applicant %d, %v", v.State.Applicant, err)
		}
		if v, err = o.View(t.Context(), waiting.ID); err != nil || v.State.OpenTasks()[0].Assignee != o.other {
			t.Errorf("task of %d, %v", v.State.OpenTasks()[0].Assignee, err)
		}
		if p := o.stored(second.ID); p.OwnerID != o.other {
			t.Errorf("the project is still %d's", p.OwnerID)
		}
		// The manager takes part in the approval, so cannot become the applicant.
		done, err = o.HandOver(t.Context(), o.admin, o.other, o.manager, "调岗")
		if err != nil || len(done) != 2 || done[0].Refused == nil && done[1].Refused == nil {
			t.Errorf("%+v, %v", done, err)
		}
	})
}

func TestManyTasksAreApprovedAtOnceEachByItself(t *testing.T) {
	o := newBureau(t, models.SQLite)
	second := o.addProject("P002", "培训费", 2_000_000)
	var refs []workflows.TaskRef
	for _, p := range []int64{o.project.ID, second.ID} {
		in := o.apply("corrective_action", o.duty(p, models.SpendingTarget).ID, o.owner, measures)
		task := open(t, in)
		refs = append(refs, workflows.TaskRef{InstanceID: in.ID, Task: task.ID, Version: task.Version})
	}
	stale := refs[0]
	stale.Version++
	refs = append(refs, stale, workflows.TaskRef{InstanceID: 99, Task: 1, Version: 1})
	results, err := o.ApproveAll(t.Context(), o.manager, refs, "同意")
	if err != nil || len(results) != 4 {
		t.Fatalf("%v, %v", results, err)
	}
	for i, want := range []workflows.Code{"", "", workflows.CodeAlreadyDecided, workflows.CodeUnknownTask} {
		if r := results[i].Refused; (r == nil) != (want == "") || r != nil && r.Code != want {
			t.Errorf("%d: %v, want %s", i, r, want)
		}
	}
}

func TestAPublishedVersionIsNeverChanged(t *testing.T) {
	eachBureau(t, func(t *testing.T, o *bureau) {
		running := o.apply("extension", o.duty(o.project.ID, models.Completion).ID, o.owner, workflows.Form{"new_date": "2025-12-15", "reason": "延期"})
		old, err := o.Definition(t.Context(), "extension", 0)
		if err != nil {
			t.Fatal(err)
		}
		change := func(from, to string) workflows.Definition {
			return mustParse(t, replaceOnce(t, old.Source(), from, to))
		}
		if got := code(t, o.Publish(t.Context(), "admin", change("max: 1000", "max: 900"))); got != workflows.CodeVersionTaken {
			t.Errorf("another text of version 1: %q", got)
		}
		if err := o.Publish(t.Context(), "admin", old); err != nil {
			t.Errorf("the same text: %v", err)
		}
		second := mustParse(t, replaceOnce(t, replaceOnce(t, old.Source(), "version: 1", "version: 2"), "max: 1000", "max: 3"))
		if err := o.Publish(t.Context(), "admin", second); err != nil {
			t.Fatal(err)
		}
		if err := o.PublishBuiltin(t.Context()); err != nil { // the next start of the program
			t.Fatal(err)
		}
		if now, err := o.Definition(t.Context(), "extension", 0); err != nil || now.Version != 2 {
			t.Errorf("version %d, %v", now.Version, err)
		}
		if in := o.approveAll(running, nil); in.State.Version != 1 || in.State.Outcome != workflows.Approved {
			t.Errorf("the running one: version %d, %s", in.State.Version, in.State.Outcome)
		}
		_, err = o.Begin(t.Context(), "extension", o.duty(o.project.ID, models.Completion).ID, workflows.Action{
			Kind: workflows.Submit, By: o.owner, Form: workflows.Form{"new_date": "2025-12-20", "reason": "四个字的"},
		})
		if code(t, err) != workflows.CodeFormInvalid {
			t.Errorf("a new one follows version 2: %v", err)
		}
		if _, err := o.Begin(t.Context(), "none", o.duty(o.project.ID, models.Completion).ID, workflows.Action{Kind: workflows.Open}); code(t, err) != workflows.CodeWrongDefinition {
			t.Errorf("%v", err)
		}
	})
}

func TestWhoMaySeeAnInstanceAndDoWhat(t *testing.T) {
	o := newBureau(t, models.SQLite)
	in := o.apply("corrective_action", o.duty(o.project.ID, models.SpendingTarget).ID, o.owner, measures)
	v, err := o.View(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	for who, want := range map[int64]bool{o.owner: true, o.manager: true, o.finance: true, o.clerk: true, o.leader: true, o.head: true, o.admin: true, o.other: false, 999: false, workflows.System: false} {
		if v.MaySee(who) != want {
			t.Errorf("%d may see it: %v", who, !want)
		}
	}
	has := func(offers []workflows.ActionKind, kind workflows.ActionKind) bool {
		for _, k := range offers {
			if k == kind {
				return true
			}
		}
		return false
	}
	task := open(t, in)
	for _, c := range []struct {
		who  int64
		kind workflows.ActionKind
		want bool
	}{
		{o.manager, workflows.Approve, true},
		{o.owner, workflows.Approve, false},
		{o.admin, workflows.Approve, false},
		{o.admin, workflows.Transfer, true},
		{o.admin, workflows.Reschedule, true},
		{o.manager, workflows.SendBack, true},
	} {
		if has(v.Offers(c.who, task), c.kind) != c.want {
			t.Errorf("%d %s: offered %v", c.who, c.kind, !c.want)
		}
	}
	for _, c := range []struct {
		who  int64
		kind workflows.ActionKind
		want bool
	}{
		{o.owner, workflows.Withdraw, true},
		{o.manager, workflows.Withdraw, false},
		{o.owner, workflows.Urge, true},
		{o.admin, workflows.Terminate, true},
		{o.clerk, workflows.Terminate, false},
		{o.other, workflows.Comment, false},
	} {
		if has(v.InstanceOffers(c.who), c.kind) != c.want {
			t.Errorf("%d %s: offered %v", c.who, c.kind, !c.want)
		}
	}
	fresh, err := o.Prepare(t.Context(), "extension", o.duty(o.project.ID, models.Completion).ID)
	if err != nil || !fresh.MayBegin(o.owner) || fresh.MayBegin(o.other) || fresh.MayBegin(o.finance) {
		t.Errorf("who may begin: %v", err)
	}
}
