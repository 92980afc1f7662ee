package workflows_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"duban/models/money"
	"duban/workflows"
)

// FuzzDecide lets random people do random things in random workflows, and
// then brings each instance to its end.
func FuzzDecide(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomBytes(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { play(t, data) })
}

func TestRandomActionsOnRandomDefinitionsKeepThePromises(t *testing.T) {
	outcomes := map[workflows.Outcome]int{}
	for seed := range uint64(800) {
		outcomes[play(t, randomBytes(seed))]++
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
	t.Log(outcomes)
	for _, o := range []workflows.Outcome{workflows.Approved, workflows.Rejected, workflows.Withdrawn, workflows.Terminated} {
		if outcomes[o] < 10 {
			t.Errorf("only %d instances were %s: the actions are not random enough", outcomes[o], o)
		}
	}
}

func randomBytes(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	data := make([]byte, 100+r.IntN(900))
	for i := range data {
		data[i] = byte(r.UintN(256))
	}
	return data
}

// game is one instance under test.
type game struct {
	*testing.T
	def    workflows.Definition
	people workflows.Directory
	state  workflows.State
	now    time.Time
}

func play(t *testing.T, data []byte) workflows.Outcome {
	t.Helper()
	d := &dice{data}
	source := d.definition()
	def, err := workflows.Parse(source)
	if err != nil {
		t.Fatalf("the generator wrote an invalid definition: %v\n%s", err, source)
	}
	g := &game{T: t, def: def, people: d.directory(), now: monday()}
	defer func() {
		if t.Failed() {
			t.Logf("%s\n%s", source, g.written())
		}
	}()
	for len(d.data) > 0 && !t.Failed() {
		g.now = g.now.Add(time.Duration(d.roll(60)) * time.Hour)
		if err := g.act(d.action(g.def, g.state, g.people, g.now)); err == nil && g.running() {
			g.checkAWayOn()
		}
	}
	g.finish()
	return g.state.Outcome
}

// written returns the state as JSON.
func (g *game) written() string {
	b, err := json.Marshal(g.state)
	if err != nil {
		g.Fatal(err)
	}
	return string(b)
}

func (g *game) running() bool { return g.state.Began() && g.state.Outcome == "" }

// act takes an action and checks whatever must hold for every one.
func (g *game) act(a workflows.Action) error {
	g.Helper()
	before := g.written()
	next, effects, err := workflows.Decide(g.def, g.people, g.state, a)
	again, sameEffects, sameErr := workflows.Decide(g.def, g.people, g.state, a)
	if !reflect.DeepEqual(next, again) || !reflect.DeepEqual(effects, sameEffects) || (err == nil) != (sameErr == nil) {
		g.Errorf("%s: two runs differ", a.Kind)
	}
	if g.written() != before {
		g.Errorf("%s changed its argument", a.Kind)
	}
	if err != nil {
		var refusal *workflows.Error
		if !errors.As(err, &refusal) || refusal.Message == "" || effects != nil || !reflect.DeepEqual(next, g.state) {
			g.Errorf("%s: a refusal must be typed and change nothing: %v", a.Kind, err)
		}
		return err
	}
	g.checkRoundTrip(next)
	g.checkAction(a, next)
	g.checkTables(next)
	g.state = next
	if next.Outcome == workflows.Approved {
		g.checkApproval()
	}
	return nil
}

func (g *game) checkRoundTrip(s workflows.State) {
	g.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		g.Fatal(err)
	}
	var back workflows.State
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, s) {
		g.Errorf("JSON reads back another state (%v): %s", err, b)
	}
}

func (g *game) checkAction(a workflows.Action, next workflows.State) {
	g.Helper()
	if g.state.Outcome != "" && next.Outcome != g.state.Outcome {
		g.Errorf("%s turned %s into %s", a.Kind, g.state.Outcome, next.Outcome)
	}
	if next.Sequence != g.state.Sequence+1 {
		g.Errorf("%s: sequence %d after %d", a.Kind, next.Sequence, g.state.Sequence)
	}
	if a.Kind == workflows.Deadline && (next.Outcome != "" || len(next.Passed) != len(g.state.Passed)) {
		g.Error("a deadline decided")
	}
	switch a.Kind {
	case workflows.Approve, workflows.Reject:
		g.checkDecision(a, next)
	case workflows.Reschedule:
		g.checkReschedule(a, next)
	}
}

// checkDecision checks who decided, in whose turn, and that a step is not
// passed over the heads of added signers.
func (g *game) checkDecision(a workflows.Action, next workflows.State) {
	g.Helper()
	t, _ := next.Task(a.Task)
	was, _ := g.state.Task(a.Task)
	step, _ := g.def.Step(t.Step)
	if step.Self != workflows.SelfAllow && (slices.Contains(next.Applicants, t.ActedBy) || slices.Contains(next.Applicants, t.ActedFor)) {
		g.Errorf("the applicant decided at %s", step.ID)
	}
	if was.Lender != 0 || was.State != workflows.TaskOpen {
		g.Errorf("a task was decided while it was %s or lent out", was.State)
	}
	for _, other := range g.state.Tasks {
		if other.Round != t.Round || other.ID == t.ID || other.State == workflows.TaskClosed {
			continue
		}
		if other.ActedBy == a.By || a.By != was.Assignee && other.Assignee == a.By {
			g.Errorf("%d spoke twice in a round of %s", a.By, step.ID)
		}
		if other.Parent == t.ID && other.Place == workflows.Before && !other.State.Done() {
			g.Error("a task was decided before the signer added before it")
		}
		root, now := other, next.Tasks[other.ID-1]
		for root.Parent != 0 {
			root = next.Tasks[root.Parent-1]
		}
		// A share can be reached without the seat that the signer belongs to.
		if other.Parent != 0 && step.Mode != workflows.ModeShare && root.State == workflows.TaskApproved &&
			!other.State.Done() && now.State == workflows.TaskClosed && a.Kind == workflows.Approve {
			g.Errorf("step %s was passed without its added signer", step.ID)
		}
	}
}

// checkApproval recounts an approved instance from its tasks.
func (g *game) checkApproval() {
	g.Helper()
	for _, step := range g.def.Steps {
		asks, _, conditional := strings.Cut(step.When.String(), " ")
		if amount, _ := strconv.Atoi(g.state.Form[asks]); conditional && amount < threshold {
			continue
		}
		i := slices.IndexFunc(g.state.Passed, func(p workflows.Pass) bool { return p.Step == step.ID })
		if i < 0 {
			g.Errorf("step %s was not passed", step.ID)
			continue
		}
		if g.state.Passed[i].Round == 0 {
			if step.Empty != workflows.EmptySkip || len(g.holders(step)) > 0 {
				g.Errorf("step %s was skipped", step.ID)
			}
			continue
		}
		g.checkRound(step, i)
	}
}

func (g *game) checkRound(step workflows.Step, pass int) {
	g.Helper()
	round := g.state.Passed[pass].Round
	seats, yes := 0, 0
	asked := map[int64]bool{}
	for _, t := range g.state.Tasks {
		if t.Round != round || t.Parent != 0 {
			continue
		}
		seats++
		first := t.Assignee
		if len(t.Why.Hops) > 0 {
			first = t.Why.Hops[0].From
		}
		asked[first] = true
		if t.State == workflows.TaskApproved || t.State == workflows.TaskMerged {
			yes++
			g.checkSeat(step, t, round)
		}
	}
	need := map[workflows.Mode]int{workflows.ModeAny: 1, workflows.ModeAll: seats, workflows.ModeSequential: seats}[step.Mode]
	if step.Mode == workflows.ModeShare && yes*int(money.Whole) < seats*int(step.Share) || yes < max(1, need) {
		g.Errorf("step %s (%s) passed with %d of %d seats", step.ID, step.Mode, yes, seats)
	}
	for _, id := range g.holders(step) {
		if step.Mode != workflows.ModeAny && !asked[id] && len(step.SeparateFrom) == 0 && !g.separated(step.ID) && !slices.Contains(g.state.Applicants, id) {
			g.Errorf("step %s did not ask %d", step.ID, id)
		}
	}
}

// checkSeat checks one seat that agreed: who, and the signers added to it.
func (g *game) checkSeat(step workflows.Step, t workflows.Task, round int) {
	g.Helper()
	decider := t.ActedBy
	if t.State == workflows.TaskMerged {
		decider = t.Assignee
		agreed := slices.ContainsFunc(g.state.Tasks, func(o workflows.Task) bool {
			return o.Round == round-1 && o.Assignee == t.Assignee && (o.ActedBy == t.Assignee || o.State == workflows.TaskMerged)
		})
		if !agreed {
			g.Errorf("step %s merged a decision that %d never took", step.ID, t.Assignee)
		}
	}
	if step.Self != workflows.SelfAllow && slices.Contains(g.state.Applicants, decider) {
		g.Errorf("the applicant's decision counts at %s", step.ID)
	}
	for _, other := range g.state.Tasks {
		if other.Parent == t.ID && other.State != workflows.TaskApproved && other.State != workflows.TaskClosed {
			g.Errorf("step %s passed before its added signer %d", step.ID, other.Assignee)
		}
		if slices.Contains(step.SeparateFrom, other.Step) && other.ActedBy == decider {
			g.Errorf("%d decided both %s and %s", decider, step.ID, other.Step)
		}
	}
}

// separated reports whether a later step wants other people than this one.
func (g *game) separated(id string) bool {
	return slices.ContainsFunc(g.def.Steps, func(s workflows.Step) bool { return slices.Contains(s.SeparateFrom, id) })
}

// holders returns the active people whom a step names, found independently.
func (g *game) holders(step workflows.Step) []int64 {
	var ids []int64
	for _, p := range step.Who {
		switch p.Kind {
		case workflows.PartyOwner:
			ids = append(ids, g.people.Owner)
		case workflows.PartyManager:
			ids = append(ids, g.people.Manager)
		case workflows.PartyUnitLeader:
			ids = append(ids, g.people.UnitLeader)
		case workflows.PartyRole:
			ids = append(ids, g.people.Roles[p.Role]...)
		case workflows.PartyAccount:
			if p.Account == "旁人" {
				ids = append(ids, outsider)
			}
		}
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return id == 0 || id == gone })
}
