package jobs_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jonboulle/clockwork"

	"duban/jobs"
	"duban/models"
	"duban/models/modelstest"
	"duban/workflows"
)

// BenchmarkSweep sweeps 1,000 due obligations of 10,000 and of 100,000
// projects (40,000 and 400,000 obligations) on MariaDB, and each time does the
// same reads and writes in plain database/sql. It reports both times, their
// ratio, and at the end how the sweep's cost grew with what is stored.
func BenchmarkSweep(b *testing.B) {
	var medians []time.Duration
	for _, projects := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("projects=%d", projects), func(b *testing.B) {
			s := newScale(b, projects, 1_000)
			var ours, floor []time.Duration
			for b.Loop() {
				ours = append(ours, s.timed(s.sweep))
				floor = append(floor, s.timed(s.plain))
			}
			median := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
			b.ReportMetric(float64(median(ours).Microseconds())/1000, "sweep-ms")
			b.ReportMetric(float64(median(floor).Microseconds())/1000, "plain-ms")
			b.ReportMetric(float64(median(ours))/float64(median(floor)), "ratio")
			medians = append(medians, median(ours))
			if len(medians) > 1 {
				b.ReportMetric(float64(medians[len(medians)-1])/float64(medians[0]), "growth")
			}
		})
	}
}

// scale is a large database of which a little is due.
type scale struct {
	b     *testing.B
	store *models.Store
	db    *sql.DB
	clock *clockwork.FakeClock
	due   int
}

func newScale(b *testing.B, projects, due int) *scale {
	b.Helper()
	dsn := modelstest.NewDSN(b, models.MySQL)
	clock := clockwork.NewFakeClockAt(day(6, 23).At(8, 30))
	store, err := models.Open(b.Context(), models.Options{Driver: models.MySQL, DSN: dsn, Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		b.Fatal(err)
	}
	cfg.ParseTime, cfg.InterpolateParams = true, true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		b.Fatal(err)
	}
	s := &scale{b: b, store: store, db: sql.OpenDB(connector), clock: clock, due: due}
	b.Cleanup(func() { _ = s.db.Close() })
	s.fill(projects)
	return s
}

func (s *scale) exec(query string, args ...any) {
	s.b.Helper()
	if _, err := s.db.ExecContext(s.b.Context(), query, args...); err != nil {
		s.b.Fatalf("%.120s: %v", query, err)
	}
}

// rows inserts n rows whose values are written by value.
func (s *scale) rows(into string, n int, value func(i int) string) {
	s.b.Helper()
	for from := 0; from < n; from += 2000 {
		values := make([]string, 0, 2000)
		for i := from; i < min(n, from+2000); i++ {
			values = append(values, "("+value(i)+")")
		}
		s.exec("INSERT INTO " + into + " VALUES " + strings.Join(values, ","))
	}
}

func (s *scale) fill(projects int) {
	s.b.Helper()
	const stamp = "'2025-01-01','2025-01-01'"
	s.rows("units (created_at,updated_at,code,name)", 1, func(int) string { return stamp + ",'1','单位'" })
	s.rows("users (created_at,updated_at,account,name,email,language,unit_id,roles,active)", 50, func(i int) string {
		return fmt.Sprintf(`%s,'u%d','人员%d','u%d@example.com','zh-CN',0,'["owner"]',1`, stamp, i, i, i)
	})
	s.rows("projects (id,created_at,updated_at,fiscal_year,code,name,unit_id,budget,fiscal,other,purpose,goal,placeholder,owner_id,manager_id,state)", projects, func(i int) string {
		return fmt.Sprintf("%d,%s,2025,'c%d','项目%d',1,100000,100000,0,'','',0,%d,%d,'active'", i+1, stamp, i, i, i%50+1, (i+1)%50+1)
	})
	checkpoints := []struct {
		day     string
		percent int
	}{{"2025-03-31", 250_000}, {"2025-06-30", 500_000}, {"2025-10-31", 750_000}, {"2025-12-31", 1_000_000}}
	s.rows("targets (created_at,updated_at,project_id,due_on,label,percent)", projects*4, func(i int) string {
		c := checkpoints[i%4]
		return fmt.Sprintf("%s,%d,'%s','节点',%d", stamp, i/4+1, c.day, c.percent)
	})
	s.rows("payments (created_at,updated_at,project_id,paid_on,amount,voucher_no,payee,summary,batch_id,as_of)", projects*3, func(i int) string {
		return fmt.Sprintf("%s,%d,'2025-%02d-15',10000,'v%d','','',1,'2025-06-20'", stamp, i/3+1, i%3+1, i)
	})
	s.rows("obligations (created_at,updated_at,subject,unit_id,project_id,fiscal_year,kind,title,due_on,percent,amount,state,light,done_note,checked_on,next_check_on,source)", projects*4, func(i int) string {
		c := checkpoints[i%4]
		return fmt.Sprintf("%s,'p%d',1,%d,2025,'spending_target','支出进度','%s',%d,%d,'open','green','','2025-06-20','2025-12-01',''",
			stamp, i/4+1, i/4+1, c.day, c.percent, c.percent/10)
	})
	s.exec("ANALYZE TABLE projects, targets, payments, obligations")
}

// reset makes the same obligations due again, as they were.
func (s *scale) reset() {
	s.b.Helper()
	s.exec("UPDATE obligations SET next_check_on='2025-06-23', checked_on='2025-06-20', state='open', light='green' WHERE due_on='2025-06-30' AND project_id <= ?", s.due)
	s.exec("DELETE FROM notifications")
}

func (s *scale) timed(fn func()) time.Duration {
	s.reset()
	began := time.Now()
	fn()
	took := time.Since(began)
	var messages int
	if err := s.db.QueryRowContext(s.b.Context(), "SELECT COUNT(*) FROM notifications WHERE obligation_id <> 0 AND digest_id <> 0").Scan(&messages); err != nil || messages != s.due {
		s.b.Fatalf("%d reminders are told in digests, %v; want %d", messages, err, s.due)
	}
	return took
}

func (s *scale) sweep() {
	engine := &workflows.Engine{Store: s.store, Clock: s.clock, Routing: models.Only(models.ChannelFile)}
	sw := &jobs.Sweeper{Store: s.store, Clock: s.clock, Routing: models.Only(models.ChannelFile), Log: slog.New(slog.DiscardHandler), Engine: engine}
	if stats, err := sw.Sweep(s.b.Context(), day(6, 23)); err != nil || stats.Checked != s.due {
		s.b.Fatalf("%+v, %v", stats, err)
	}
}

// plain is the floor: the statements of a sweep, with rows read into plain
// variables and nothing decided. The bytes it writes are those that a sweep
// writes.
func (s *scale) plain() {
	for s.plainBatch(s.b.Context()) {
	}
	for first := 1; first <= people; first += 20 {
		s.plainDigests(s.b.Context(), first, first+19)
	}
}

// people is how many owners there are.
const people = 50

// plainDigests makes digests for the people from one to another.
func (s *scale) plainDigests(ctx context.Context, first, last int) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		s.b.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	held := s.read(tx, fmt.Sprintf("SELECT recipient_id, obligation_id, n.* FROM notifications n WHERE state = 'held' AND recipient_id BETWEEN %d AND %d ORDER BY id FOR UPDATE", first, last))
	var ids []string
	count := map[string]int{}
	for _, n := range held {
		ids = append(ids, fmt.Sprint(n[1]))
		count[fmt.Sprint(n[0])]++
	}
	duties := s.read(tx, "SELECT project_id, o.* FROM obligations o WHERE id IN ("+strings.Join(ids, ",")+")")
	s.evidence(tx, duties, 0)
	s.read(tx, "SELECT * FROM users")
	for recipient, items := range count {
		now := time.Now().UTC()
		res, err := tx.ExecContext(ctx, "INSERT INTO notifications (created_at,updated_at,dedup_key,obligation_id,recipient_id,channel,day,template,language,payload,"+
			"state,next_attempt_at,last_error) VALUES (?,?,?,0,?,'file','2025-06-23','digest','zh-CN',?,'pending',?,'')",
			now, now, "digest|2025-06-23|"+recipient, recipient, strings.Repeat("x", 280*items), now)
		if err != nil {
			s.b.Fatal(err)
		}
		id, _ := res.LastInsertId()
		s.execTx(tx, "UPDATE notifications SET state='suppressed', reason='digest', digest_id=?, updated_at=? WHERE recipient_id=? AND state='held'", id, now, recipient)
	}
	if err := tx.Commit(); err != nil {
		s.b.Fatal(err)
	}
}

// evidence reads what a check looks at, of duties that have their project in a
// column.
func (s *scale) evidence(tx *sql.Tx, duties [][]any, column int) {
	ids := make([]string, len(duties))
	for i, o := range duties {
		ids[i] = fmt.Sprint(o[column])
	}
	in := strings.Join(ids, ",")
	s.read(tx, "SELECT * FROM projects WHERE id IN ("+in+")")
	s.read(tx, "SELECT * FROM targets WHERE project_id IN ("+in+") ORDER BY project_id, due_on")
	s.read(tx, "SELECT project_id, paid_on, SUM(amount) FROM payments WHERE project_id IN ("+in+") GROUP BY project_id, paid_on ORDER BY project_id, paid_on")
	s.read(tx, "SELECT * FROM units WHERE id IN (1)")
}

func (s *scale) plainBatch(ctx context.Context) bool {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		s.b.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	due := s.read(tx, "SELECT * FROM obligations WHERE next_check_on <= '2025-06-23' ORDER BY next_check_on, id LIMIT 500 FOR UPDATE")
	if len(due) == 0 {
		return false
	}
	s.evidence(tx, due, 5)

	var update, insert []string
	var updateArgs, insertArgs []any
	payload := strings.Repeat("x", 600)
	for i, o := range due {
		update = append(update, "("+strings.TrimSuffix(strings.Repeat("?,", len(o)), ",")+")")
		o[20] = "2025-06-23" // checked_on
		o[21] = "2025-06-27" // next_check_on
		updateArgs = append(updateArgs, o...)
		insert = append(insert, "("+strings.TrimSuffix(strings.Repeat("?,", 20), ",")+")")
		now := time.Now().UTC()
		insertArgs = append(insertArgs, now, now, fmt.Sprintf("%s|1|2025-06-30|-7d|0|%s|file", o[0], o[5]), o[0], i%people+1, "file", "2025-06-23",
			"reminder_before", "zh-CN", payload, "held", "", 0, now, "", nil, 0, "", nil, "")
	}
	s.execTx(tx, "INSERT INTO obligations VALUES "+strings.Join(update, ",")+
		" ON DUPLICATE KEY UPDATE updated_at=VALUES(updated_at), state=VALUES(state), light=VALUES(light), settled_on=VALUES(settled_on),"+
		" checked_on=VALUES(checked_on), next_check_on=VALUES(next_check_on), version=VALUES(version)", updateArgs...)
	s.execTx(tx, "INSERT INTO notifications (created_at,updated_at,dedup_key,obligation_id,recipient_id,channel,day,template,language,payload,"+
		"state,reason,attempts,next_attempt_at,lease_token,lease_until,uncertain,provider_id,sent_at,last_error) VALUES "+strings.Join(insert, ","), insertArgs...)
	if err := tx.Commit(); err != nil {
		s.b.Fatal(err)
	}
	return true
}

func (s *scale) execTx(tx *sql.Tx, query string, args ...any) {
	if _, err := tx.ExecContext(s.b.Context(), query, args...); err != nil {
		s.b.Fatalf("%.80s: %v", query, err)
	}
}

// read scans every column of every row, as bytes.
func (s *scale) read(tx *sql.Tx, query string) [][]any {
	rows, err := tx.QueryContext(s.b.Context(), query)
	if err != nil {
		s.b.Fatalf("%.80s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		s.b.Fatal(err)
	}
	var all [][]any
	for rows.Next() {
		values := make([]any, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			s.b.Fatal(err)
		}
		all = append(all, values)
	}
	if err := rows.Err(); err != nil {
		s.b.Fatal(err)
	}
	return all
}
