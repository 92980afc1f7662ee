package workflows_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"duban/models"
	"duban/workflows"
)

const (
	benchRounds = 4   // of each iteration, by the engine and plain in turn
	benchBatch  = 192 // approvals of a round
)

// BenchmarkApprove measures approvals that take an instance from one step to
// the next, by clients that each do one after another, and in turn the same
// number of transactions that consist of the statements that one approval
// needs, in database/sql. The ratio is the engine's rate by the plain one.
func BenchmarkApprove(b *testing.B) {
	for _, driver := range []models.Driver{models.MySQL, models.SQLite} {
		b.Run(string(driver), func(b *testing.B) {
			f := newFloor(b, driver)
			for _, n := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) { f.measure(b, n) })
			}
			if _, err := f.Store.VerifyAudit(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
}

func (f *floor) measure(b *testing.B, clients int) {
	var ours, plain time.Duration
	approvals := 0
	for b.Loop() {
		for range benchRounds {
			first := f.clones(b, benchBatch)
			ours += shared(b, clients, benchBatch, func(i int) error { return f.approve(first + int64(i)) })
			first = f.clones(b, benchBatch)
			plain += shared(b, clients, benchBatch, func(i int) error { return f.approvePlain(first + int64(i)) })
			approvals += benchBatch
		}
	}
	b.ReportMetric(float64(approvals)/ours.Seconds(), "approvals/s")
	b.ReportMetric(float64(approvals)/plain.Seconds(), "plain/s")
	b.ReportMetric(plain.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op") // of an iteration, which says nothing
}

// shared has clients do n things together, and returns how long that took.
func shared(b *testing.B, clients, n int, do func(i int) error) time.Duration {
	b.Helper()
	var next atomic.Int64
	began := time.Now()
	together(clients, func(int) {
		for i := next.Add(1); i <= int64(n); i = next.Add(1) {
			if err := do(int(i - 1)); err != nil {
				b.Error(err)
			}
		}
	})
	return time.Since(began)
}

// floor is a bureau whose database is also used without the engine, and the
// rows that one approval by the engine has left.
type floor struct {
	*site
	db   *sql.DB
	next int64 // the id of the next duty and of the instance about it

	duty     models.Obligation
	instance models.WorkflowInstance // which the clones are of
	tasks    []models.WorkflowTask
	timers   []models.WorkflowTimer
	history  []models.WorkflowAction
	decision workflows.Action

	state     string // after the approval
	statement map[string]*statement
}

// statement is one of the plain ones. SQLite has it prepared, as the engine
// has; a server gets its text with the values in it.
type statement struct {
	text     string
	prepared *sql.Stmt
	columns  []string
	values   []any // of the template
}

func newFloor(b *testing.B, driver models.Driver) *floor {
	b.Helper()
	f := &floor{site: newSite(b, driver), next: 1_000_000, statement: map[string]*statement{}}
	f.db = f.plainPool()
	b.Cleanup(func() { _ = f.db.Close() })

	f.duty = f.site.duty(f.project.ID, models.SpendingTarget)
	in := f.begun("corrective_action", f.duty.ID, measures, 0)
	f.instance = rowsOf[models.WorkflowInstance](f.bureau, "id = ?", in.ID)[0]
	f.tasks = rowsOf[models.WorkflowTask](f.bureau, "instance_id = ?", in.ID)
	f.timers = rowsOf[models.WorkflowTimer](f.bureau, "instance_id = ?", in.ID)
	f.history = rowsOf[models.WorkflowAction](f.bureau, "instance_id = ?", in.ID)
	f.decision = f.lastDecision(in).Action

	// The first approval fills the engine's memory, and is the template.
	f.act(in, f.manager, workflows.Approve, nil, "同意")
	f.prepare(in.ID)
	return f
}

// plainPool opens the database as the store does.
func (f *floor) plainPool() *sql.DB {
	f.t.Helper()
	if f.driver == models.SQLite {
		q := url.Values{"_txlock": {"immediate"}}
		for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"} {
			q.Add("_pragma", pragma)
		}
		db, err := sql.Open("sqlite", "file:"+f.dsn+"?"+q.Encode())
		if err != nil {
			f.t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		return db
	}
	c, err := mysql.ParseDSN(f.dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	c.ParseTime, c.Loc, c.InterpolateParams, c.Collation = true, time.UTC, true, "utf8mb4_bin"
	c.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "'TRADITIONAL'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		f.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	return db
}

// clones stores instances that wait for the manager, each about a duty of its
// own, and returns the id of the first.
func (f *floor) clones(b *testing.B, n int) (first int64) {
	b.Helper()
	first = f.next
	err := f.Store.Tx(b.Context(), "system", func(tx *models.Tx) error {
		f.next = first
		var duties []models.Obligation
		var instances []models.WorkflowInstance
		var tasks []models.WorkflowTask
		var timers []models.WorkflowTimer
		var history []models.WorkflowAction
		for range n {
			id := f.next
			f.next++
			duty, in := f.duty, f.instance
			duty.ID, duty.Sequence = id, int(id)
			in.ID, in.ObligationID, in.OpenFor = id, id, &id
			duties, instances = append(duties, duty), append(instances, in)
			for _, row := range f.tasks {
				row.ID, row.InstanceID = 0, id
				tasks = append(tasks, row)
			}
			for _, row := range f.timers {
				row.ID, row.InstanceID = 0, id
				timers = append(timers, row)
			}
			for _, row := range f.history {
				row.ID, row.InstanceID = 0, id
				history = append(history, row)
			}
		}
		for _, rows := range []any{duties, instances, tasks, timers, history} {
			if err := tx.Create(rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return first
}

func (f *floor) approve(id int64) error {
	in, err := f.Act(context.Background(), id, f.decision)
	if err == nil && in.State.Step != "check" {
		return fmt.Errorf("instance %d is at %s", id, in.State.Step)
	}
	return err
}

// prepare writes the statements of one approval, with the values that the
// engine has stored of the template.
func (f *floor) prepare(template int64) {
	f.t.Helper()
	lock, taken := "", " ON CONFLICT (instance_id, task) DO UPDATE SET "
	assign := func(c string) string { return c + " = excluded." + c }
	if f.driver == models.MySQL {
		lock, taken = " FOR UPDATE", " ON DUPLICATE KEY UPDATE "
		assign = func(c string) string { return c + " = VALUES(" + c + ")" }
	}
	upsert := taken + strings.Join(mapped(assign,
		"updated_at", "version", "state", "assignee_id", "lender_id", "acted_by", "acted_for", "touched_at", "due_on", "overdue"), ", ")

	after := rowsOf[models.WorkflowInstance](f.bureau, "id = ?", template)[0]
	f.state = after.State
	for name, text := range map[string]string{
		"instance":    "SELECT * FROM workflow_instances WHERE id = ?" + lock,
		"duty":        "SELECT * FROM obligations WHERE id = ?",
		"unit":        "SELECT * FROM units WHERE id = ?",
		"project":     "SELECT * FROM projects WHERE id = ?",
		"people":      "SELECT * FROM users WHERE unit_id IN (0, ?) OR id IN (?, ?) ORDER BY id",
		"delegations": "SELECT * FROM delegations WHERE last_day >= ? AND revoked_at IS NULL ORDER BY id",
		"save":        "UPDATE workflow_instances SET updated_at = ?, step = ?, sequence = ?, state = ? WHERE id = ? AND sequence = ?",
		"stop":        "DELETE FROM workflow_timers WHERE instance_id = ? AND task = ?",
		"chain":       "UPDATE audit_heads SET seq = seq + 1 WHERE id = 1",
		"head":        "SELECT seq, hash FROM audit_heads WHERE id = 1",
		"hash":        "UPDATE audit_heads SET hash = ? WHERE id = 1",
	} {
		f.write(name, text)
	}
	sequence := after.Sequence
	f.insertLike("history", "workflow_actions", "", "instance_id = ? AND sequence = ?", template, sequence)
	f.insertLike("tasks", "workflow_tasks", upsert, "instance_id = ? AND task >= 2", template)
	f.insertLike("timer", "workflow_timers", "", "instance_id = ?", template)
	f.insertLike("message", "notifications", "", "instance_id = ? AND dedup_key LIKE ?", template, fmt.Sprintf("workflow|%d|%d|%%", template, sequence))
	f.insertLike("entry", "audit_entries", "", "entity = 'workflow_instances' AND entity_id = ? AND action = 'workflow.approve'", template)
}

func mapped(fn func(string) string, all ...string) []string {
	for i, s := range all {
		all[i] = fn(s)
	}
	return all
}

func (f *floor) write(name, text string) *statement {
	f.t.Helper()
	s := &statement{text: text}
	if f.driver == models.SQLite {
		var err error
		if s.prepared, err = f.db.PrepareContext(f.t.Context(), text); err != nil {
			f.t.Fatalf("%s: %v", text, err)
		}
	}
	f.statement[name] = s
	return s
}

// insertLike writes the statement that inserts the rows that match, again.
func (f *floor) insertLike(name, table, suffix, where string, args ...any) {
	f.t.Helper()
	var rows []map[string]any
	if err := f.Store.Read(context.Background()).Table(table).Where(where, args...).Find(&rows).Error; err != nil || len(rows) == 0 {
		f.t.Fatalf("%s: %d rows, %v", table, len(rows), err)
	}
	delete(rows[0], "id")
	columns := slices.Sorted(maps.Keys(rows[0]))
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	all := strings.TrimSuffix(strings.Repeat(one+",", len(rows)), ",")
	s := f.write(name, "INSERT INTO "+table+" ("+strings.Join(columns, ",")+") VALUES "+all+suffix)
	s.columns = columns
	for _, row := range rows {
		for _, c := range columns {
			s.values = append(s.values, plainValue(c, row[c]))
		}
	}
}

// plainValue is a value of a row as it is written.
func plainValue(column string, v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time:
		if column == "due_on" || column == "day" {
			return v.Format(time.DateOnly)
		}
	}
	return v
}

// with returns the template's values with some columns replaced.
func (s *statement) with(replace map[string]any) []any {
	values := slices.Clone(s.values)
	for i := range values {
		if v, ok := replace[s.columns[i%len(s.columns)]]; ok {
			values[i] = v
		}
	}
	return values
}

// plainTx is a transaction without the engine.
type plainTx struct {
	*floor
	tx  *sql.Tx
	err error
}

func (p *plainTx) exec(name string, args ...any) {
	if p.err != nil {
		return
	}
	s, ctx := p.statement[name], context.Background()
	var res sql.Result
	if s.prepared != nil {
		res, p.err = p.tx.StmtContext(ctx, s.prepared).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	} else {
		res, p.err = p.tx.ExecContext(ctx, s.text, args...)
	}
	if p.err != nil {
		p.err = fmt.Errorf("%s: %w", name, p.err)
		return
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		p.err = fmt.Errorf("%s: %d rows: %w", name, n, cmp.Or(err, sql.ErrNoRows))
	}
}

// query reads every row, and returns the last.
func (p *plainTx) query(name string, args ...any) (row []any) {
	if p.err != nil {
		return nil
	}
	s, ctx := p.statement[name], context.Background()
	var rows *sql.Rows
	if s.prepared != nil {
		rows, p.err = p.tx.StmtContext(ctx, s.prepared).QueryContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	} else {
		rows, p.err = p.tx.QueryContext(ctx, s.text, args...)
	}
	if p.err != nil {
		return nil
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		p.err = err
		return nil
	}
	row = make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range into {
		into[i] = &row[i]
	}
	for rows.Next() && p.err == nil {
		p.err = rows.Scan(into...)
	}
	if p.err == nil {
		p.err = rows.Err()
	}
	return row
}

// approvePlain does what an approval of a clone needs, and nothing else.
func (f *floor) approvePlain(id int64) error {
	options := &sql.TxOptions{}
	if f.driver == models.MySQL {
		options.Isolation = sql.LevelReadCommitted
	}
	tx, err := f.db.BeginTx(context.Background(), options)
	if err != nil {
		return err
	}
	p := &plainTx{floor: f, tx: tx}
	p.all(id)
	if p.err != nil {
		_ = tx.Rollback()
		return fmt.Errorf("instance %d: %w", id, p.err)
	}
	return tx.Commit()
}

func (p *plainTx) all(id int64) {
	now := p.clock.Now().UTC()
	p.query("instance", id)
	p.query("duty", id)
	p.query("unit", p.unit.ID)
	p.query("project", p.project.ID)
	p.query("people", p.unit.ID, p.owner, p.manager)
	p.query("delegations", july.String())
	p.exec("save", now, "check", p.instance.Sequence+1, p.state, id, p.instance.Sequence)
	p.exec("history", p.statement["history"].with(map[string]any{"instance_id": id})...)
	p.exec("tasks", p.statement["tasks"].with(map[string]any{"instance_id": id})...)
	p.exec("stop", id, 2)
	p.exec("timer", p.statement["timer"].with(map[string]any{"instance_id": id})...)
	p.exec("message", p.statement["message"].with(map[string]any{
		"instance_id": id, "obligation_id": id, "dedup_key": fmt.Sprintf("plain|%d", id),
	})...)
	p.exec("chain")
	if head := p.query("head"); p.err == nil {
		p.link(id, head[0].(int64), wordsOf(head[1]))
	}
}

// link appends to the audit chain, whose form must be right: it is verified.
func (p *plainTx) link(id, seq int64, prev string) {
	entry := p.statement["entry"]
	given := map[string]any{"seq": seq, "at": p.clock.Now().UTC(), "entity_id": id, "prev_hash": prev}
	said := func(column string) any { return entry.values[slices.Index(entry.columns, column)] }
	b, err := json.Marshal([]any{
		seq, p.clock.Now().UTC().Format(time.RFC3339Nano), said("actor"), said("action"), said("entity"), id, said("detail"), prev,
	})
	if err != nil {
		p.err = err
		return
	}
	sum := sha256.Sum256(b)
	given["hash"] = hex.EncodeToString(sum[:])
	p.exec("entry", entry.with(given)...)
	p.exec("hash", given["hash"])
}

// wordsOf is a column of words, as either driver returns it.
func wordsOf(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v.(string)
}
