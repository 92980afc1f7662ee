package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
)

// Engine runs workflows on a database. One action is one transaction: the
// instance's new state, its history, tasks, timers, business effects, outbox
// rows and audit entry are committed together or not at all. It is safe for
// concurrent use, by any number of replicas.
type Engine struct {
	Store   *models.Store
	Clock   clockwork.Clock
	Routing models.Routing // by which messages go out

	// definitions are those that were read, which never change once published.
	definitions sync.Map // definitionKey → Definition
	calendar    sync.Map // the stamp of the calendar → *calendar.Calendar
}

// systemActor is who acts in the audit trail until a person is known.
const systemActor = "system"

type definitionKey struct {
	workflow string
	number   int
}

// CodeOpenAlready refuses a second running instance of a workflow about one
// duty. Error.Instance is the one that runs.
const CodeOpenAlready Code = "open_already"

// Instance is a run of a workflow as an action left it.
type Instance struct {
	ID    int64
	State State
}

// Begin starts an instance of a workflow about a duty: with Submit by a person
// who has filled the form in, or with Open by the system, which asks somebody
// to. It returns an [*Error] if that is refused.
func (e *Engine) Begin(ctx context.Context, workflow string, obligationID int64, a Action) (in Instance, err error) {
	err = e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error {
		in, err = e.BeginIn(tx, workflow, obligationID, a)
		return err
	})
	return in, err
}

// BeginIn is Begin inside a transaction.
func (e *Engine) BeginIn(tx *models.Tx, workflow string, obligationID int64, a Action) (Instance, error) {
	def, err := e.newest(tx, workflow)
	if err != nil {
		return Instance{}, err
	}
	m, err := tx.Matter(obligationID)
	if err != nil {
		return Instance{}, err
	}
	running, err := tx.OpenInstances([]int64{obligationID})
	if err != nil {
		return Instance{}, err
	}
	for _, other := range running {
		if other.Workflow == workflow {
			return Instance{}, openAlready(def, other.ID)
		}
	}
	if err := e.oneRevision(tx, def, m.Project); err != nil {
		return Instance{}, err
	}
	if m.Obligation.State == models.StateWaived {
		return Instance{}, refuse(CodeNotAllowed, "督办事项“%s”已不再要求", m.Obligation.Title)
	}
	r := &run{engine: e, tx: tx, def: def, matter: m, row: models.WorkflowInstance{
		Workflow: def.Key, Number: def.Version, ObligationID: obligationID, UnitID: m.Unit.ID, ProjectID: m.Project.ID,
		FiscalYear: m.Obligation.FiscalYear, Title: m.Obligation.Title,
	}}
	if a.Case, err = r.freeze(); err != nil {
		return Instance{}, err
	}
	return r.take(a)
}

// oneRevision refuses to begin a workflow that changes a project's budget while
// another one that does so runs: each would decide about the amount that the
// other replaces, and two halves would pass where the whole would not.
func (e *Engine) oneRevision(tx *models.Tx, def Definition, p models.Project) error {
	if p.ID == 0 || !def.revises() {
		return nil
	}
	running, err := tx.RunningAbout(p.ID)
	if err != nil {
		return err
	}
	for _, other := range running {
		if d, err := e.version(tx, other.Workflow, other.Number); err != nil || d.revises() {
			return openAlready(d, other.ID)
		}
	}
	return nil
}

// does reports whether an approval has the given business effect.
func (d Definition) does(effect EffectName) bool {
	return slices.ContainsFunc(d.Effects, func(c Completion) bool { return c.Do == effect })
}

// revises reports whether an approval changes a project's budget.
func (d Definition) revises() bool { return d.does(ReviseBudget) || d.does(RefineBudget) }

func openAlready(def Definition, instance int64) error {
	e := refuse(CodeOpenAlready, "该事项或项目的“%s”正在办理（流程 %d）", def.Title.Chinese, instance)
	e.Instance = instance
	return e
}

// Act takes an action on a running instance. It returns an [*Error] if the
// action is refused, and one that matches models.ErrNotFound if there is no
// such instance. A zero time of the action is now.
func (e *Engine) Act(ctx context.Context, instanceID int64, a Action) (in Instance, err error) {
	err = e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error {
		in, err = e.ActIn(tx, instanceID, a)
		return err
	})
	return in, err
}

// ActIn is Act inside a transaction.
func (e *Engine) ActIn(tx *models.Tx, instanceID int64, a Action) (Instance, error) {
	r, err := e.load(tx, instanceID)
	if err != nil {
		return Instance{}, err
	}
	return r.take(a)
}

// run is one action on one instance in one transaction.
type run struct {
	engine *Engine
	tx     *models.Tx
	def    Definition
	matter models.Matter
	row    models.WorkflowInstance
	was    State // zero for a new instance
	is     State // once the action is decided

	at     time.Time
	people Directory
	users  map[int64]models.User
	facts  models.Reminder
}

// load reads an instance, which others cannot change until the transaction ends.
func (e *Engine) load(tx *models.Tx, instanceID int64) (*run, error) {
	row, err := tx.Instance(instanceID)
	if err != nil {
		return nil, err
	}
	return e.read(tx, row)
}

// read reads what an instance's row refers to.
func (e *Engine) read(tx *models.Tx, row models.WorkflowInstance) (*run, error) {
	r := &run{engine: e, tx: tx, row: row, at: e.Clock.Now()}
	err := json.Unmarshal([]byte(row.State), &r.was)
	if err != nil {
		return nil, fmt.Errorf("instance %d: read its state: %w", row.ID, err)
	}
	if r.def, err = e.version(tx, row.Workflow, row.Number); err != nil {
		return nil, err
	}
	r.matter, err = tx.Matter(row.ObligationID)
	return r, err
}

// take decides the action and stores what follows from it.
func (r *run) take(a Action) (Instance, error) {
	if a.At.IsZero() {
		a.At = r.engine.Clock.Now()
	}
	r.at = a.At
	if err := r.meet(r.was, a); err != nil {
		return Instance{}, err
	}
	is, effects, err := Decide(r.def, r.people, r.was, a)
	if err != nil {
		return Instance{}, err
	}
	r.is = is
	for _, store := range []func() error{
		r.admissible,
		func() error { return r.save(a.By) },
		func() error { return r.bindFiles(a) },
		func() error { return r.remember(a) },
		func() error { return r.apply(a, effects) },
	} {
		if err := store(); err != nil {
			return Instance{}, err
		}
	}
	return Instance{r.row.ID, is}, nil
}

// save stores the instance with its new state.
func (r *run) save(by int64) error {
	is := r.is
	state, err := json.Marshal(is)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	r.row.State, r.row.Sequence, r.row.ApplicantID = string(state), int64(is.Sequence), is.Applicant
	r.row.Step, r.row.Outcome, r.row.Suspended = is.Step, string(is.Outcome), is.Suspended
	r.row.OpenFor = &r.row.ObligationID
	if is.Outcome != "" {
		r.row.OpenFor = nil
		if r.was.Outcome == "" {
			now := r.tx.Now()
			r.row.EndedAt, r.row.EndedBy = &now, by
		}
	}
	if r.row.ID != 0 {
		return r.tx.SaveInstance(&r.row)
	}
	return r.tx.AddInstance(&r.row)
}

// remember adds the action to the history and to the audit trail. The trail
// names what was done; what was written in the form stays with the instance.
func (r *run) remember(a Action) error {
	is := r.is
	a.Case = Case{} // the state has it
	detail, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write the action: %w", err)
	}
	line := models.WorkflowAction{
		InstanceID: r.row.ID, Sequence: int64(is.Sequence), Kind: string(a.Kind), ByID: a.By, At: a.At.UTC(),
		Task: a.Task, Step: r.was.Step, Comment: a.Comment, Detail: string(detail),
	}
	if t, ok := is.Task(a.Task); ok {
		line.Step = t.Step
		if before, _ := r.was.Task(a.Task); t.ActedBy == a.By && before.ActedBy != a.By {
			line.ForID = t.ActedFor
		}
	}
	if err := r.tx.AddAction(&line); err != nil {
		return err
	}
	return r.tx.Audit("workflow."+string(a.Kind), "workflow_instances", r.row.ID, map[string]any{
		"sequence": is.Sequence, "task": a.Task, "step": is.Step, "outcome": is.Outcome,
	})
}

// today is the civil date of the action.
func (r *run) today() calendar.Date { return calendar.DateOf(r.at) }
