package workflows_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// envKill makes the test binary be a program that takes one action and kills
// itself meanwhile. It holds an order.
const envKill = "DUBAN_TEST_KILL"

func TestMain(m *testing.M) {
	if said := os.Getenv(envKill); said != "" {
		os.Exit(obey(said))
	}
	os.Exit(m.Run())
}

// order is what the program is to do.
type order struct {
	Driver models.Driver
	DSN    string
	Now    time.Time
	After  int  // kill -9 after so many statements
	Writes bool // count only those that write

	Do       string // begin, act, fire or hand_over
	Workflow string
	ID       int64 // of the duty to begin about, or of the instance
	Action   workflows.Action
}

// perform takes the action of the order.
func (k order) perform(ctx context.Context, e *workflows.Engine) (err error) {
	a := k.Action
	switch k.Do {
	case "begin":
		_, err = e.Begin(ctx, k.Workflow, k.ID, a)
	case "act":
		_, err = e.Act(ctx, k.ID, a)
	case "fire":
		_, err = e.FireTimers(ctx)
	case "hand_over":
		_, err = e.HandOver(ctx, a.By, a.From, a.To[0], a.Comment)
	default:
		err = fmt.Errorf("unknown order %q", k.Do)
	}
	return err
}

// obey is the program: it dies in the middle of the order, or returns how it
// exits.
func obey(said string) int {
	var k order
	if err := json.Unmarshal([]byte(said), &k); err != nil {
		return complain(err)
	}
	left := k.After
	ctx, clock := context.Background(), clockwork.NewFakeClockAt(k.Now)
	s, err := models.Open(ctx, models.Options{Driver: k.Driver, DSN: k.DSN, Clock: clock, Trace: func(sql string) {
		if k.Writes && strings.HasPrefix(sql, "SELECT") {
			return
		}
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // not one statement more
		}
	}})
	if err != nil {
		return complain(err)
	}
	if err := k.perform(ctx, &workflows.Engine{Store: s, Clock: clock, Routing: models.Only(models.ChannelFile)}); err != nil {
		return complain(err)
	}
	return 0
}

// underRace reports whether the race detector slows every start of the program
// down. A kill after a reading statement leaves what one before it leaves, so
// those are only done without.
func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// ordeal is an action that is killed after every one of its statements.
type ordeal struct {
	name string
	now  time.Time
	// prepare brings the database to the moment before, and says what to do.
	prepare func(o *bureau) order
	// parts says that the action is several transactions, of which each leaves
	// one instance, or the records, as before or as after.
	parts bool
}

// The ordeals build on one another, in one database.
var ordeals = []ordeal{
	{name: "open", now: july.At(9, 0), prepare: func(o *bureau) order {
		return order{Do: "begin", Workflow: "corrective_action", ID: o.duty(o.project.ID, models.SpendingTarget).ID, Action: workflows.Action{Kind: workflows.Open}}
	}},
	{name: "submit", now: july.At(9, 5), prepare: func(o *bureau) order {
		return o.decision(o.running("corrective_action"), o.owner, workflows.Submit, measures)
	}},
	{name: "approve", now: july.At(9, 10), prepare: func(o *bureau) order {
		return o.decision(o.running("corrective_action"), o.manager, workflows.Approve, nil)
	}},
	{name: "reject", now: july.At(9, 15), prepare: func(o *bureau) order {
		in := o.begun("extension", o.addDuty(models.Custom, calendar.MustDate(2025, 8, 1)).ID, postponed, 2)
		k := o.decision(in, o.leader, workflows.Reject, nil)
		k.Action.Comment = "理由不充分"
		return k
	}},
	{name: "move the due date", now: july.At(9, 20), prepare: func(o *bureau) order {
		return o.lastDecision(o.begun("extension", o.duty(o.project.ID, models.Completion).ID, postponed, 2))
	}},
	{name: "revise the budget", now: july.At(9, 25), prepare: func(o *bureau) order {
		plan := written([][]string{{"2025-12-31", "95"}})
		form := workflows.Form{"new_budget": "1200000", "reason": "会议增加", "plan": plan}
		return o.lastDecision(o.begun("adjustment", o.duty(o.project.ID, models.Procurement).ID, form, 3))
	}},
	{name: "refine the budget", now: july.At(9, 30), prepare: func(o *bureau) order {
		lines := written([][]string{{"R001", "培训费", "600000", "培训4次"}, {"", "差旅费", "400000", ""}})
		duty := rowsOf[models.Obligation](o, "kind = ?", models.Refinement)[0]
		return o.lastDecision(o.begun("refinement", duty.ID, workflows.Form{"breakdown": lines}, 2))
	}},
	{name: "time limit", now: july.AddDays(1).At(9, 0), prepare: func(*bureau) order {
		return order{Do: "fire"}
	}},
	{name: "hand over", now: july.AddDays(1).At(9, 5), parts: true, prepare: func(o *bureau) order {
		o.begun("extension", o.addDuty(models.Custom, calendar.MustDate(2025, 8, 2)).ID, postponed, 0) // beside the corrective action
		return order{Do: "hand_over", Action: workflows.Action{By: o.admin, From: o.owner, To: []int64{o.other}, Comment: "离职"}}
	}},
}

var postponed = workflows.Form{"new_date": "2025-12-20", "reason": "供货推迟"}

// TestKilledBetweenAnyTwoStatementsAnInstanceIsAsBeforeOrAsAfter runs every
// ordeal on two databases that were made alike: on one without a kill, which
// tells what before and after are, and on the other with a kill after the
// first statement, after the second, and so on, until the action gets through.
func TestKilledBetweenAnyTwoStatementsAnInstanceIsAsBeforeOrAsAfter(t *testing.T) {
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) {
			t.Parallel()
			calm, victim := newVictim(t, driver), newVictim(t, driver)
			kills := 0
			for _, x := range ordeals {
				before, after := calm.endure(x)
				n := victim.suffer(t, x, before, after)
				t.Logf("%s: %d kills", x.name, n)
				if kills += n; t.Failed() {
					t.FailNow()
				}
			}
			victim.visit(ordeals[len(ordeals)-1].now, func() { victim.soundAll(t) })
			t.Logf("%d kills", kills)
		})
	}
}

// victim is a database whose programs are killed. Nobody has it open then.
type victim struct{ *site }

// The ids that the ordeals give out begin here, so that they are seen wherever
// they are mentioned. A killed insert leaves a gap in them.
const (
	firstInstance = 700_000_000_000
	firstProject  = 800_000_000_000
	firstDuty     = 900_000_000_000
)

func newVictim(t *testing.T, driver models.Driver) *victim {
	t.Helper()
	v := &victim{newSite(t, driver)}
	v.addDuty(models.Procurement, calendar.MustDate(2025, 10, 31))
	v.placeholderOf("P900", 1_000_000)
	err := v.Store.Tx(t.Context(), "system", func(tx *models.Tx) error {
		for _, row := range []any{
			&models.WorkflowInstance{ID: firstInstance, State: "{}"},
			&models.Project{ID: firstProject, Code: "-", State: models.ProjectDropped},
			&models.Obligation{ID: firstDuty, Subject: "-", State: models.StateWaived, DueOn: july},
		} {
			if err := tx.Create(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = v.Store.Close()
	return v
}

// visit opens the database, as the next program would, and closes it.
func (v *victim) visit(now time.Time, fn func()) {
	v.t.Helper()
	clock := clockwork.NewFakeClockAt(now)
	s, err := models.Open(context.Background(), models.Options{Driver: v.driver, DSN: v.dsn, Clock: clock})
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	v.clock, v.Engine = clock, &workflows.Engine{Store: s, Clock: clock, Routing: models.Only(models.ChannelFile)}
	fn()
}

// endure takes the action without a kill.
func (v *victim) endure(x ordeal) (before, after dump) {
	v.t.Helper()
	v.visit(x.now, func() {
		k := x.prepare(v.bureau)
		before = v.dump()
		if err := k.perform(context.Background(), v.Engine); err != nil {
			v.t.Fatalf("%s: %v", x.name, err)
		}
		after = v.dump()
	})
	if before.whole() == after.whole() {
		v.t.Fatalf("%s changes nothing", x.name)
	}
	return before, after
}

// suffer kills the program after each of its statements, starts it again, and
// returns how often.
func (v *victim) suffer(t *testing.T, x ordeal, before, after dump) (kills int) {
	t.Helper()
	var k order
	var last dump
	v.visit(x.now, func() {
		k = x.prepare(v.bureau)
		last = v.dump()
	})
	if flaw := last.unlike(before); flaw != "" {
		t.Fatalf("%s: the databases differ before: %s", x.name, flaw)
	}
	k.Driver, k.DSN, k.Now, k.Writes = v.driver, v.dsn, x.now, underRace()
	for k.After = 1; ; k.After++ {
		alive := k.run(t)
		now := v.examine(t, x, k.After)
		if flaw := now.between(before, after, x.parts); flaw != "" {
			t.Fatalf("%s, killed after statement %d: neither as before nor as after: %s", x.name, k.After, flaw)
		}
		if alive {
			if flaw := now.unlike(after); flaw != "" {
				t.Fatalf("%s, tried again: %s", x.name, flaw)
			}
			return kills
		}
		kills++
		if now.whole() != last.whole() { // a part is done: kill the rest at each of its statements
			last, k.After = now, 0
		}
	}
}

// run is the program with the order. It reports whether it got through.
func (k order) run(t *testing.T) (alive bool) {
	t.Helper()
	said, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envKill+"="+string(said))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err != nil && (!ok || status.Signal() != syscall.SIGKILL) {
		t.Fatalf("%s, statement %d: %v\n%s", k.Do, k.After, err, out.String())
	}
	return err == nil
}

// examine looks at what a kill has left. Leases last two minutes, by the
// clock of the server where there is one, so they are ended here.
func (v *victim) examine(t *testing.T, x ordeal, n int) (d dump) {
	t.Helper()
	v.visit(x.now, func() {
		if _, err := v.Store.VerifyAudit(context.Background()); err != nil {
			t.Fatalf("%s, killed after statement %d: %v", x.name, n, err)
		}
		d = v.dump()
		v.endLeases()
	})
	return d
}

// endLeases makes the timers free whose holder has died.
func (o *bureau) endLeases() {
	o.t.Helper()
	err := o.Store.Read(context.Background()).Exec("UPDATE workflow_timers SET lease_until = '2000-01-01 00:00:00' WHERE lease_until IS NOT NULL").Error
	if err != nil {
		o.t.Fatal(err)
	}
}

// running returns the one running instance of a workflow.
func (o *bureau) running(workflow string) workflows.Instance {
	o.t.Helper()
	rows := rowsOf[models.WorkflowInstance](o, "workflow = ? AND outcome = ''", workflow)
	if len(rows) != 1 {
		o.t.Fatalf("%d running instances of %s", len(rows), workflow)
	}
	v, err := o.View(context.Background(), rows[0].ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return workflows.Instance{ID: v.ID, State: v.State}
}

// begun submits a form and takes the instance through some approvals.
func (o *bureau) begun(workflow string, duty int64, form workflows.Form, passes int) workflows.Instance {
	o.t.Helper()
	in, err := o.Begin(context.Background(), workflow, duty, workflows.Action{Kind: workflows.Submit, By: o.owner, Form: form})
	if err != nil {
		o.t.Fatal(err)
	}
	for range passes {
		var fills workflows.Form
		if t := open(o.t, in); workflow == "adjustment" && t.Step == "check" {
			fills = workflows.Form{"finance_opinion": "属实"}
		}
		in = o.act(in, open(o.t, in).Assignee, workflows.Approve, fills, "")
	}
	return in
}

// decision is the order to decide the open task of an instance.
func (o *bureau) decision(in workflows.Instance, by int64, kind workflows.ActionKind, form workflows.Form) order {
	o.t.Helper()
	t := open(o.t, in)
	return order{Do: "act", ID: in.ID, Action: workflows.Action{
		Kind: kind, By: by, Task: t.ID, TaskVersion: t.Version, FormHash: in.State.FormHash, Form: form,
	}}
}

// lastDecision is the order to approve, after which the business effect comes.
func (o *bureau) lastDecision(in workflows.Instance) order {
	o.t.Helper()
	return o.decision(in, open(o.t, in).Assignee, workflows.Approve, nil)
}

// dump is what the tables hold, apart from what may differ between two runs:
// by the instance that the rows belong to, and the records.
type dump map[string]string

// dumped are the tables that an action can change, by the column that orders
// them and the one that tells whose a row is.
var dumped = []struct{ table, order, of string }{
	{"workflow_instances", "id", "id"},
	{"workflow_tasks", "id", "instance_id"},
	{"workflow_actions", "id", "instance_id"},
	{"workflow_timers", "instance_id, task", "instance_id"},
	{"workflow_copies", "id", "instance_id"},
	{"notifications", "id", "instance_id"},
	{"reports", "id", "instance_id"},
	{"indicator_results", "id", "instance_id"},
	{"due_date_changes", "id", "instance_id"},
	{"budget_revisions", "id", "instance_id"},
	{"budget_items", "id", "instance_id"},
	{"attachments", "id", "instance_id"},
	{"obligations", "id", ""},
	{"projects", "id", ""},
	{"targets", "id", ""},
	{"indicators", "id", ""},
	{"data_problems", "id", ""},
	{"users", "id", ""},
	{"delegations", "id", ""},
	{"audit_entries", "seq", "entity_id"},
}

// incidental are the columns that say nothing about the outcome: ids that
// nothing refers to, leases, and hashes over ids.
var incidental = map[string][]string{
	"workflow_timers": {"id", "created_at", "updated_at", "attempts", "lease_token", "lease_until"},
	"audit_entries":   {"seq", "hash", "prev_hash"},
}

func (o *bureau) dump() dump {
	o.t.Helper()
	lines := map[string][]string{}
	for _, d := range dumped {
		var rows []map[string]any
		if err := o.Store.Read(context.Background()).Table(d.table).Order(d.order).Find(&rows).Error; err != nil {
			o.t.Fatal(err)
		}
		for _, row := range rows {
			whose := "records"
			if d.of != "" && (d.table != "audit_entries" || row["entity"] == "workflow_instances") {
				whose = fmt.Sprint(row[d.of])
			}
			lines[whose] = append(lines[whose], d.table+" "+rowText(d.table, row))
		}
	}
	whole := dump{}
	for whose, rows := range lines {
		slices.Sort(rows) // the duties of a project are reconciled in any order
		whole[whose] = strings.Join(rows, "\n")
	}
	return whole.numbered()
}

func rowText(table string, row map[string]any) string {
	omit, ok := incidental[table]
	if !ok && !slices.Contains([]string{"workflow_instances", "projects", "obligations", "users"}, table) {
		omit = []string{"id"}
	}
	var cells []string
	for _, column := range slices.Sorted(maps.Keys(row)) {
		if slices.Contains(omit, column) {
			continue
		}
		text := fmt.Sprint(row[column])
		switch value := row[column].(type) {
		case []byte:
			text = string(value)
		case time.Time:
			text = value.UTC().Format(time.RFC3339Nano)
		}
		cells = append(cells, column+"="+text)
	}
	return nonce.ReplaceAllString(strings.Join(cells, " "), "")
}

var (
	nonce = regexp.MustCompile(`,"nonce":"[^"]*"`)
	newID = regexp.MustCompile(`[789]0{5}\d{6}`)
)

// numbered counts the new ids instead of naming them.
func (d dump) numbered() dump {
	seen := map[string]string{}
	for _, id := range newID.FindAllString(d.whole(), -1) {
		seen[id] = ""
	}
	for i, id := range slices.Sorted(maps.Keys(seen)) {
		seen[id] = fmt.Sprintf("#%d", i)
	}
	renamed := dump{}
	name := func(id string) string { return seen[id] }
	for whose, rows := range d {
		renamed[newID.ReplaceAllStringFunc(whose, name)] = newID.ReplaceAllStringFunc(rows, name)
	}
	return renamed
}

func (d dump) whole() string {
	var b strings.Builder
	for _, whose := range slices.Sorted(maps.Keys(d)) {
		fmt.Fprintf(&b, "%s:\n%s\n", whose, d[whose])
	}
	return b.String()
}

// unlike shows the first line that differs, "" if none does.
func (d dump) unlike(want dump) string {
	got, other := strings.Split(d.whole(), "\n"), strings.Split(want.whole(), "\n")
	for i := range max(len(got), len(other)) {
		var a, b string
		if i < len(got) {
			a = got[i]
		}
		if i < len(other) {
			b = other[i]
		}
		if a != b {
			return fmt.Sprintf("\n got %s\nwant %s", cmp.Or(a, "nothing"), cmp.Or(b, "nothing"))
		}
	}
	return ""
}

// between says what is neither as before nor as after. The whole is the one or
// the other, or, where an action has several parts, each part.
func (d dump) between(before, after dump, parts bool) string {
	if !parts {
		if d.whole() == before.whole() {
			return ""
		}
		return d.unlike(after)
	}
	for _, whose := range slices.Sorted(maps.Keys(d)) {
		if d[whose] != before[whose] && d[whose] != after[whose] {
			return dump{whose: d[whose]}.unlike(dump{whose: after[whose]})
		}
	}
	return ""
}
