package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/workflows"
)

const (
	envRounds     = "DUBAN_TEST_ROUNDS" // of the race on each engine; the promise is checked with 1000
	defaultRounds = 60
	beginRounds   = 10
	clients       = 64
)

// countersign asks two people at once, and can be withdrawn until its end.
const countersign = `
key: countersign
version: 1
title: {zh: 会签测试, en: Countersign}
kinds: [custom]
withdraw: running
form:
  - {name: reason, label: {zh: 理由, en: Reason}, type: text, required: true}
apply:
  title: {zh: 填报, en: Apply}
  who: [owner]
  empty: [manager]
steps:
  - id: confirm
    title: {zh: 确认, en: Confirm}
    who: [manager]
    limit: 2
  - id: check
    title: {zh: 会签, en: Check}
    who: [role:finance, role:office]
    mode: all
    limit: 3
  - id: approve
    title: {zh: 批准, en: Approve}
    who: [role:leader]
    limit: 3
    copies: [role:office]
effects:
  - do: record_report
    with: {reason: reason}
`

// arena is a task, or several, that clients fight for.
type arena struct {
	name     string
	workflow string
	form     workflows.Form
	passes   int // approvals before the fight
}

var arenas = []arena{
	{"one seat", "extension", workflows.Form{"new_date": "2025-12-01", "reason": "供货推迟"}, 0},
	{"the last step", "extension", workflows.Form{"new_date": "2025-12-01", "reason": "供货推迟"}, 2},
	{"two seats", "countersign", workflows.Form{"reason": "会签"}, 1},
}

// move is what a client does. Everybody who makes it is entitled to it.
type move struct {
	kind workflows.ActionKind
	by   func(o *bureau, t workflows.Task) int64
	to   func(o *bureau, t workflows.Task) []int64
	task bool // it is about a task as it was seen, and so only one of them wins
}

var moves = []move{
	{kind: workflows.Approve, by: assignee, task: true},
	{kind: workflows.Approve, by: standIn, task: true},
	{kind: workflows.Reject, by: assignee, task: true},
	{kind: workflows.Reject, by: standIn, task: true},
	{kind: workflows.Transfer, by: assignee, to: successor, task: true},
	{kind: workflows.Transfer, by: theAdmin, to: successor, task: true},
	{kind: workflows.Withdraw, by: theOwner},
	{kind: workflows.Comment, by: theOwner},
	{kind: workflows.Comment, by: theAdmin},
	{kind: workflows.Urge, by: theOwner},
	{kind: workflows.Urge, by: theAdmin},
}

func assignee(_ *bureau, t workflows.Task) int64 { return t.Assignee }
func theOwner(o *bureau, _ workflows.Task) int64 { return o.owner }
func theAdmin(o *bureau, _ workflows.Task) int64 { return o.admin }
func (o *bureau) lentTo(t workflows.Task) bool {
	return t.Assignee == o.manager || t.Assignee == o.leader
}

func standIn(o *bureau, t workflows.Task) int64 {
	if o.lentTo(t) {
		return o.other
	}
	return t.Assignee
}

// successor is somebody who has no part in the step yet, another for each seat.
func successor(o *bureau, t workflows.Task) []int64 {
	if t.Assignee == o.clerk && t.Step == "check" {
		return []int64{o.leader}
	}
	return []int64{o.head}
}

// client is one of those who act at the same moment, and what they heard.
type client struct {
	move
	seat workflows.Task
	a    workflows.Action
	err  error
}

// site is a bureau on a database that several programs can open.
type site struct {
	*bureau
	driver models.Driver
	dsn    string
}

// eachSite runs fn on every engine.
func eachSite(t *testing.T, fn func(t *testing.T, o *site)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) { fn(t, newSite(t, driver)) })
	}
}

func newSite(t testing.TB, driver models.Driver) *site {
	t.Helper()
	o := &site{driver: driver, dsn: modelstest.NewDSN(t, driver)}
	clock := clockwork.NewFakeClockAt(july.At(9, 0))
	s, err := models.Open(t.Context(), models.Options{Driver: driver, DSN: o.dsn, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.bureau = furnish(t, s, clock)
	return o
}

// replica is the engine of another program on the same database.
func (o *site) replica(t testing.TB) *workflows.Engine {
	t.Helper()
	s, err := models.Open(t.Context(), models.Options{Driver: o.driver, DSN: o.dsn, Clock: o.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &workflows.Engine{Store: s, Clock: o.clock, Routing: o.Routing}
}

func TestRaceOneOfManyWins(t *testing.T) {
	eachSite(t, func(t *testing.T, o *site) {
		o.prepareRace()
		replicas := []*workflows.Engine{o.Engine, o.replica(t)}
		outcomes := map[string]int{}
		for n := range rounds(t) {
			o.clock.Advance(time.Minute)
			o.race(t, replicas, arenas[n%len(arenas)], uint64(n), outcomes)
			if t.Failed() {
				t.Fatalf("round %d", n)
			}
		}
		o.soundAll(t)
		t.Log(outcomes)
	})
}

func rounds(t *testing.T) int {
	t.Helper()
	said := os.Getenv(envRounds)
	if said == "" {
		return defaultRounds
	}
	n, err := strconv.Atoi(said)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// prepareRace publishes the workflow of the two seats, and has the manager and
// the leader away, so that each of their tasks has two people who may decide.
func (o *bureau) prepareRace() {
	o.t.Helper()
	def, err := workflows.Parse(countersign)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.Publish(o.t.Context(), "admin", def); err != nil {
		o.t.Fatal(err)
	}
	for _, from := range []int64{o.manager, o.leader} {
		d := models.Delegation{FromID: from, ToID: o.other, FirstDay: july, LastDay: july.AddDays(90), Reason: "出差"}
		if _, err := o.Lend(o.t.Context(), from, d); err != nil {
			o.t.Fatal(err)
		}
	}
}

// race lets the clients act on the open tasks of a new instance at once.
func (o *bureau) race(t *testing.T, replicas []*workflows.Engine, where arena, seed uint64, outcomes map[string]int) {
	t.Helper()
	before := o.reach(where)
	dice := rand.New(rand.NewPCG(seed, clients))
	seats := before.State.OpenTasks()
	// A few kinds of moves in each round: where anybody withdraws, hardly
	// anything else has a chance.
	likely := dice.Perm(len(moves))[:2+dice.IntN(len(moves)-1)]
	all := make([]*client, clients)
	for i := range all {
		all[i] = o.client(before, seats[dice.IntN(len(seats))], moves[likely[dice.IntN(len(likely))]], i)
	}
	together(clients, func(i int) { _, all[i].err = replicas[i%len(replicas)].Act(t.Context(), before.ID, all[i].a) })

	after := o.sound(t, before.ID)
	o.judge(t, before, after, all)
	outcomes[fmt.Sprintf("%s: %s", where.name, after.State.Outcome)]++
}

// reach begins an instance and takes it to the fight.
func (o *bureau) reach(where arena) workflows.Instance {
	o.t.Helper()
	duty := o.addDuty(models.Custom, calendar.MustDate(2025, 9, 30))
	in, err := o.Begin(o.t.Context(), where.workflow, duty.ID, workflows.Action{Kind: workflows.Submit, By: o.owner, Form: where.form})
	if err != nil {
		o.t.Fatal(err)
	}
	for range where.passes {
		in = o.act(in, open(o.t, in).Assignee, workflows.Approve, nil, "")
	}
	return in
}

// client makes a move about a task. The time of each action is its own, so
// that it tells whose it was.
func (o *bureau) client(in workflows.Instance, seat workflows.Task, m move, i int) *client {
	c := &client{move: m, seat: seat, a: workflows.Action{
		Kind: m.kind, By: m.by(o, seat), At: o.clock.Now().Add(time.Duration(i) * time.Millisecond), Comment: "意见",
	}}
	if m.task || m.kind == workflows.Withdraw {
		c.a.Task, c.a.TaskVersion, c.a.FormHash = seat.ID, seat.Version, in.State.FormHash
	}
	if m.to != nil {
		c.a.To = m.to(o, seat)
	}
	return c
}

// together runs fn n times at the same moment, as nearly as can be.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

// judge checks what the clients heard against the history.
func (o *bureau) judge(t *testing.T, before workflows.Instance, after *workflows.View, all []*client) {
	t.Helper()
	successes, tried, wins := 0, map[int]bool{}, map[int]int{}
	for _, c := range all {
		tried[c.seat.ID] = tried[c.seat.ID] || c.task
		if c.err != nil {
			c.lost(t, after)
			continue
		}
		successes++
		if c.task {
			wins[c.seat.ID]++
		}
	}
	if got := len(after.History) - before.State.Sequence; got != successes {
		t.Errorf("%d actions are recorded; %d clients succeeded", got, successes)
	}
	for _, seat := range before.State.OpenTasks() {
		task, _ := after.State.Task(seat.ID)
		// A task that nobody won was closed by the end of the instance.
		if n := wins[seat.ID]; n > 1 || n == 0 && tried[seat.ID] && (task.State != workflows.TaskClosed || after.State.Outcome == "") {
			t.Errorf("task %d has %d winners and is %s", seat.ID, n, task.State)
		}
	}
	for _, c := range all {
		if c.err == nil && (c.kind == workflows.Approve || c.kind == workflows.Reject) {
			if task, _ := after.State.Task(c.seat.ID); task.ActedBy != c.a.By {
				t.Errorf("task %d: decided by %d; %d won", task.ID, task.ActedBy, c.a.By)
			}
		}
	}
}

// lost checks the refusal that a client got.
func (c *client) lost(t *testing.T, after *workflows.View) {
	t.Helper()
	refusal, ok := errors.AsType[*workflows.Error](c.err)
	if !ok {
		t.Errorf("%s by %d: %v", c.kind, c.a.By, c.err)
		return
	}
	switch {
	case refusal.Code == workflows.CodeAlreadyDecided && c.named(refusal, after):
	case c.kind == workflows.Urge && refusal.Code == workflows.CodeTooSoon:
	case (c.kind == workflows.Urge || c.kind == workflows.Comment) && refusal.Code == workflows.CodeWrongState && after.State.Outcome != "":
	default:
		t.Errorf("%s by %d on task %d: %v, by %d at %s", c.kind, c.a.By, c.seat.ID, c.err, refusal.By, refusal.At)
	}
}

// named reports whether a refusal names somebody who did take the decision, at
// that very time: on the client's own task, or for the instance as a whole.
func (c *client) named(refusal *workflows.Error, after *workflows.View) bool {
	return slices.ContainsFunc(after.History, func(h models.WorkflowAction) bool {
		if h.ByID != refusal.By || !h.At.Equal(refusal.At) {
			return false
		}
		switch workflows.ActionKind(h.Kind) {
		case workflows.Withdraw, workflows.Reject:
			return true
		case workflows.Approve, workflows.Transfer:
			return h.Task == c.seat.ID || c.kind == workflows.Withdraw
		default:
			return false
		}
	})
}

func TestRaceOneInstanceBegins(t *testing.T) {
	eachSite(t, func(t *testing.T, o *site) {
		replicas := []*workflows.Engine{o.Engine, o.replica(t)}
		for n := range beginRounds {
			o.beginTogether(t, replicas, o.addDuty(models.Custom, calendar.MustDate(2025, 9, 30)).ID)
			if t.Failed() {
				t.Fatalf("round %d", n)
			}
		}
		o.soundAll(t)
	})
}

// beginTogether has everybody begin the same workflow about the same duty: the
// system asks, and the two people who may apply submit.
func (o *bureau) beginTogether(t *testing.T, replicas []*workflows.Engine, duty int64) {
	t.Helper()
	form := arenas[0].form
	kinds := []workflows.Action{
		{Kind: workflows.Open},
		{Kind: workflows.Submit, By: o.owner, Form: form},
		{Kind: workflows.Submit, By: o.manager, Form: form},
	}
	begun, errs := make([]int64, clients), make([]error, clients)
	together(clients, func(i int) {
		in, err := replicas[i%len(replicas)].Begin(t.Context(), "extension", duty, kinds[i%len(kinds)])
		begun[i], errs[i] = in.ID, err
	})
	stored := rowsOf[models.WorkflowInstance](o, "obligation_id = ?", duty)
	if len(stored) != 1 {
		t.Fatalf("%d instances", len(stored))
	}
	winners := 0
	for i, err := range errs {
		refusal, refused := errors.AsType[*workflows.Error](err)
		switch {
		case err == nil && begun[i] == stored[0].ID:
			winners++
		case refused && refusal.Code == workflows.CodeOpenAlready && refusal.Instance == stored[0].ID:
		default:
			t.Errorf("client %d: instance %d, %v", i, begun[i], err)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
	o.sound(t, stored[0].ID)
}

// TestRaceExtensionsToOneDay approves several extensions of duties of one
// project, all to the same day, where only a number tells them apart.
func TestRaceExtensionsToOneDay(t *testing.T) {
	const n = 4
	eachSite(t, func(t *testing.T, o *site) {
		orders, errs := make([]order, n), make([]error, n)
		for i := range orders {
			duty := o.addDuty(models.Custom, calendar.MustDate(2025, 9, 30))
			orders[i] = o.lastDecision(o.begun("extension", duty.ID, postponed, 2))
		}
		together(n, func(i int) { errs[i] = orders[i].perform(t.Context(), o.Engine) })
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		o.soundAll(t)
	})
}

// rowsOf reads the rows of a table, in the order of their ids.
func rowsOf[T any](o *bureau, where string, args ...any) []T {
	o.t.Helper()
	var rows []T
	if err := o.Store.Read(context.Background()).Where(where, args...).Order("id").Find(&rows).Error; err != nil {
		o.t.Fatal(err)
	}
	return rows
}

// soundAll checks every instance, that nothing is left of none, and the audit
// chain.
func (o *bureau) soundAll(t *testing.T) {
	t.Helper()
	ids := []int64{0}
	for _, in := range rowsOf[models.WorkflowInstance](o, "workflow <> ''") {
		o.sound(t, in.ID)
		ids = append(ids, in.ID)
	}
	for table, n := range map[string]int{
		"workflow_tasks":   len(rowsOf[models.WorkflowTask](o, "instance_id NOT IN ?", ids)),
		"workflow_actions": len(rowsOf[models.WorkflowAction](o, "instance_id NOT IN ?", ids)),
		"workflow_timers":  len(rowsOf[models.WorkflowTimer](o, "instance_id NOT IN ?", ids)),
		"workflow_copies":  len(rowsOf[models.WorkflowCopy](o, "instance_id NOT IN ?", ids)),
		"notifications":    len(rowsOf[models.Notification](o, "instance_id NOT IN ?", ids)),
		"reports":          len(rowsOf[models.Report](o, "instance_id NOT IN ?", ids)),
	} {
		if n > 0 {
			t.Errorf("%s: %d rows of no instance", table, n)
		}
	}
	if _, err := o.Store.VerifyAudit(context.Background()); err != nil {
		t.Error(err)
	}
}

// sound checks what holds of an instance whatever has happened to it: playing
// its history again gives its state, and every row that depends on the state
// is there, once, and as the state says. It returns the instance.
func (o *bureau) sound(t testing.TB, id int64) *workflows.View {
	t.Helper()
	v, err := o.View(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := o.replay(t, v)
	for what, flaw := range map[string]string{
		"state":    differ(p.state, v.State),
		"row":      o.soundRow(v),
		"history":  soundHistory(v),
		"tasks":    differ(taskLines(v), linesOf(rowsOf[models.WorkflowTask](o, "instance_id = ?", id), taskLine)),
		"timers":   differ(p.timerLines(), linesOf(rowsOf[models.WorkflowTimer](o, "instance_id = ?", id), timerLine)),
		"clocks":   soundClocks(v, rowsOf[models.WorkflowTimer](o, "instance_id = ?", id)),
		"messages": differ(slices.Sorted(maps.Keys(p.messages)), linesOf(rowsOf[models.Notification](o, "instance_id = ?", id), dedupKey)),
		"copies":   differ(copyLines(v.State), linesOf(rowsOf[models.WorkflowCopy](o, "instance_id = ?", id), copyLine)),
		"business": differ(p.business, o.businessOf(id)),
		"audit":    differ(p.audit, o.auditOf(id)),
		"stuck":    stuck(v),
	} {
		if flaw != "" {
			t.Errorf("instance %d: %s: %s", id, what, flaw)
		}
	}
	return v
}

// differ says how two things differ, "" if they do not.
func differ(want, got any) string {
	w, err := json.Marshal(want)
	if err != nil {
		return err.Error()
	}
	g, err := json.Marshal(got)
	if err != nil {
		return err.Error()
	}
	if string(w) == string(g) {
		return ""
	}
	return fmt.Sprintf("\n got %s\nwant %s", g, w)
}

// linesOf renders rows in the order of their texts.
func linesOf[T any](rows []T, line func(T) string) []string {
	var lines []string
	for _, r := range rows {
		lines = append(lines, line(r))
	}
	slices.Sort(lines)
	return lines
}

func (o *bureau) soundRow(v *workflows.View) string {
	rows, s := rowsOf[models.WorkflowInstance](o, "id = ?", v.ID), v.State
	if len(rows) != 1 {
		return "missing"
	}
	in := rows[0]
	open := in.OpenFor != nil && *in.OpenFor == in.ObligationID && in.EndedAt == nil
	closed := in.OpenFor == nil && in.EndedAt != nil
	switch {
	case s.Outcome == "" && !open || s.Outcome != "" && !closed:
		return fmt.Sprintf("outcome %q: open for %v, ended at %v", s.Outcome, in.OpenFor, in.EndedAt)
	case in.Sequence != int64(s.Sequence) || in.Step != s.Step || in.Outcome != string(s.Outcome) || in.Suspended != s.Suspended || in.ApplicantID != s.Applicant:
		return fmt.Sprintf("the columns do not say what the state says: %+v", in)
	}
	return ""
}

// soundHistory says whether the actions are numbered without gaps.
func soundHistory(v *workflows.View) string {
	for i, h := range v.History {
		if h.Sequence != int64(i+1) {
			return fmt.Sprintf("line %d has number %d", i+1, h.Sequence)
		}
	}
	if len(v.History) != v.State.Sequence {
		return fmt.Sprintf("%d lines, sequence %d", len(v.History), v.State.Sequence)
	}
	return ""
}

func taskLine(r models.WorkflowTask) string {
	return fmt.Sprintf("%03d v%d %s %s assignee %d lender %d by %d for %d at %s due %s overdue %t",
		r.Task, r.Version, r.Step, r.State, r.AssigneeID, r.LenderID, r.ActedBy, r.ActedFor, r.TouchedAt.UTC().Format(time.RFC3339Nano), r.DueOn, r.Overdue)
}

func taskLines(v *workflows.View) []string {
	return linesOf(v.State.Tasks, func(t workflows.Task) string {
		return taskLine(models.WorkflowTask{
			Task: t.ID, Version: int64(t.Version), Step: t.Step, State: string(t.State), AssigneeID: t.Assignee, LenderID: t.Lender,
			ActedBy: t.ActedBy, ActedFor: t.ActedFor, TouchedAt: t.TouchedAt, DueOn: t.DueOn, Overdue: t.Overdue,
		})
	})
}

func timerLine(r models.WorkflowTimer) string {
	return fmt.Sprintf("%03d rung %d at %s", r.Task, r.Rung, r.FireAt.UTC().Format(time.RFC3339))
}

func dedupKey(n models.Notification) string { return n.DedupKey }

func copyLine(r models.WorkflowCopy) string {
	return fmt.Sprintf("%d read %t", r.UserID, r.ReadAt != nil)
}

func copyLines(s workflows.State) []string {
	return linesOf(s.Copies, func(c workflows.Copy) string { return fmt.Sprintf("%d read %t", c.To, !c.ReadAt.IsZero()) })
}

// soundClocks says whether exactly the open tasks have a timer whose ladder
// has a rung left.
func soundClocks(v *workflows.View, timers []models.WorkflowTimer) string {
	want, got := map[int]int{}, map[int]int{}
	for _, t := range v.State.OpenTasks() {
		if step, _ := v.Definition.Step(t.Step); !v.State.Suspended && !t.DueOn.IsZero() && t.Rung < len(step.Ladder) {
			want[t.ID] = t.Rung
		}
	}
	for _, t := range timers {
		got[t.Task] = t.Rung
	}
	return differ(want, got)
}

// stuck says why nobody can move a running instance on.
func stuck(v *workflows.View) string {
	if v.State.Outcome != "" || v.State.Suspended {
		return ""
	}
	for _, t := range v.State.OpenTasks() {
		if t.Assignee == 0 || slices.ContainsFunc(v.TasksFor(t.Assignee), func(mine workflows.Task) bool { return mine.ID == t.ID }) {
			return "" // an administrator finds somebody for a task without a person
		}
	}
	return "it runs, and nobody can decide"
}

// effectTables are where a business effect leaves its rows.
var effectTables = map[workflows.EffectName]string{
	workflows.MoveDueDate: "due_date_changes", workflows.RecordReport: "reports",
	workflows.ReviseBudget: "budget_revisions", workflows.RefineBudget: "budget_items",
}

// businessOf returns in which tables an instance has left rows.
func (o *bureau) businessOf(id int64) map[string]bool {
	found := map[string]bool{}
	for _, table := range effectTables {
		var n int64
		if err := o.Store.Read(context.Background()).Table(table).Where("instance_id = ?", id).Count(&n).Error; err != nil {
			o.t.Fatal(err)
		}
		if n > 1 && table != "budget_items" {
			o.t.Errorf("instance %d has %d rows in %s", id, n, table)
		}
		if n > 0 {
			found[table] = true
		}
	}
	if found["budget_items"] { // what became projects leaves the placeholder
		delete(found, "budget_revisions")
	}
	return found
}

// auditOf returns what the audit trail says was done to an instance.
func (o *bureau) auditOf(id int64) []string {
	var entries []models.AuditEntry
	err := o.Store.Read(context.Background()).Where("entity = 'workflow_instances' AND entity_id = ? AND action LIKE 'workflow.%'", id).
		Order("seq").Find(&entries).Error
	if err != nil {
		o.t.Fatal(err)
	}
	said := make([]string, len(entries))
	for i, e := range entries {
		var detail struct{ Sequence int }
		if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil {
			o.t.Fatal(err)
		}
		said[i] = fmt.Sprintf("%d %s %s", detail.Sequence, e.Action, e.Actor)
	}
	return said
}

// playback is what an instance should look like from outside.
type playback struct {
	state    workflows.State
	timers   map[int]models.WorkflowTimer
	messages map[string]bool // by their dedup keys
	business map[string]bool
	audit    []string
}

func (p *playback) timerLines() []string {
	return linesOf(slices.Collect(maps.Values(p.timers)), timerLine)
}

// replay takes the actions of an instance's history again, in memory. It needs
// people who have not changed; who answers for the project is who did first.
func (o *bureau) replay(t testing.TB, v *workflows.View) *playback {
	t.Helper()
	p := &playback{timers: map[int]models.WorkflowTimer{}, messages: map[string]bool{}, business: map[string]bool{}}
	people := v.People
	people.Owner, people.Manager = o.owner, o.manager
	for i, h := range v.History {
		var a workflows.Action
		if err := json.Unmarshal([]byte(h.Detail), &a); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			a.Case = v.State.Case
		}
		next, effects, err := workflows.Decide(v.Definition, people, p.state, a)
		if err != nil {
			t.Fatalf("instance %d: the history does not play: %d %s: %v", v.ID, i+1, a.Kind, err)
		}
		p.state = next
		if a.Kind == workflows.Deadline {
			delete(p.timers, a.Task)
		}
		for _, e := range effects {
			p.follow(o, v, e)
		}
		p.audit = append(p.audit, fmt.Sprintf("%d workflow.%s %s", i+1, a.Kind, accountOf(v, a.By)))
	}
	return p
}

func accountOf(v *workflows.View, id int64) string {
	if id == workflows.System {
		return "system"
	}
	return v.Users[id].Account
}

// follow notes what an effect leaves outside the state.
func (p *playback) follow(o *bureau, v *workflows.View, e workflows.Effect) {
	switch e := e.(type) {
	case workflows.TimerSet:
		p.timers[e.Task] = models.WorkflowTimer{Task: e.Task, Rung: e.Rung, FireAt: e.On.At(8, 30)}
	case workflows.TimerCancelled:
		delete(p.timers, e.Task)
	case workflows.Business:
		if table, ok := effectTables[e.Do]; ok {
			p.business[table] = true
		}
	case workflows.Notify:
		to := e.To
		if len(to) == 0 {
			to = []int64{0}
		}
		for _, id := range to {
			p.messages[fmt.Sprintf("workflow|%d|%d|%s|%d|%d|%s", v.ID, p.state.Sequence, e.Template, e.Task, id, o.Routing.First())] = true
		}
	}
}
