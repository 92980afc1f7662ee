package importer_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jonboulle/clockwork"
	"github.com/xuri/excelize/v2"

	"duban/importer"
	"duban/models"
	"duban/models/modelstest"
)

// workbook generates the workbook of a whole province, one block of rows a
// project.
func workbook(b *testing.B, projects int) []byte {
	b.Helper()
	book := excelize.NewFile()
	defer book.Close()
	sheet, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	percent, err := book.NewStyle(&excelize.Style{NumFmt: 9})
	if err != nil {
		b.Fatal(err)
	}
	line := 0
	put := func(cells ...any) {
		line++
		if err := sheet.SetRow(fmt.Sprintf("A%d", line), cells); err != nil {
			b.Fatal(err)
		}
	}
	share := func(v float64) excelize.Cell { return excelize.Cell{StyleID: percent, Value: v} }
	put("2025年度预算项目绩效目标")
	for i := range projects {
		put("603001某某市住房公积金管理中心本级", nil, nil, nil, nil, "单位：万元")
		put("项目编码", fmt.Sprintf("13020025P%012d", i), "项目名称", fmt.Sprintf("项目%d", i))
		put("预算规模及资金用途", "预算数", 58.5, "其中：财政资金", 58.5, "其他资金")
		put(nil, "日常运转支出")
		put("资金支出计划（%）", "3月底", "6月底", "10月底", "12月底")
		put(nil, nil, share(0.5), share(0.75), share(1))
		put("绩效目标", "保障运转")
		put("一级指标", "二级指标", "三级指标", "绩效指标描述", "指标值", "指标值确定依据")
		put("产出指标", "数量指标", "服务次数", "服务次数", "≥4次", "工作计划")
		put(nil, "质量指标", "合格率", "合格率", share(1), "工作计划")
		put(nil, "时效指标", "完成时限", "完成时限", "2025年12月15日", "工作计划")
		put(nil, "成本指标", "单价", "单价", "尽量降低成本", "工作计划")
		put("效益指标", "社会效益指标", "服务单位数量", "服务单位数量", "≥4个", "工作计划")
		put("满意度指标", "服务对象满意度指标", "满意度", "满意度", "≥95%", "工作计划")
	}
	if err := sheet.Flush(); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	if err := book.Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkReadWorkbook(b *testing.B) {
	const projects = 20_000
	data := workbook(b, projects)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		draft := read(b, "province.xlsx", data)
		if got := len(draft.Units[0].Projects); got != projects {
			b.Fatalf("%d projects; want %d", got, projects)
		}
	}
}

// BenchmarkImportWorkbook reads the workbook of 20,000 projects and applies it
// to a new database, and then does the least that could be called the same: it
// reads the workbook with bare excelize and inserts the very rows that the
// import left with plain database/sql, 500 a statement in one transaction.
func BenchmarkImportWorkbook(b *testing.B) {
	const projects = 20_000
	data := workbook(b, projects)
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		b.Run(string(driver), func(b *testing.B) {
			var ours, plain, reading, scanning time.Duration
			var heap uint64
			for b.Loop() {
				store := open(b, driver, modelstest.NewDSN(b, driver))
				runtime.GC()
				peak := watchHeap()
				began := time.Now()
				draft := read(b, "province.xlsx", data)
				reading += time.Since(began)
				res, err := importer.Apply(b.Context(), store, "bench", draft, importer.ApplyOptions{})
				if err != nil || res.Added != projects {
					b.Fatal(res, err)
				}
				ours += time.Since(began)
				heap = max(heap, peak())

				tables := contentsOf(b, store)
				dsn := modelstest.NewDSN(b, driver)
				_ = open(b, driver, dsn) // for its schema
				db := openPlain(b, driver, dsn)
				runtime.GC()
				began = time.Now()
				scan(b, data)
				scanning += time.Since(began)
				for _, t := range insertAll(b, db, tables) {
					b.Log(t)
				}
				plain += time.Since(began)
			}
			ms := func(d time.Duration) float64 { return float64(d.Milliseconds()) / float64(b.N) }
			b.ReportMetric(ms(ours), "import-ms")
			b.ReportMetric(ms(reading), "import-read-ms")
			b.ReportMetric(ms(plain), "plain-ms")
			b.ReportMetric(ms(scanning), "plain-read-ms")
			b.ReportMetric(float64(ours)/float64(plain), "ratio")
			b.ReportMetric(float64(ours-reading)/float64(plain-scanning), "write-ratio")
			b.ReportMetric(float64(heap>>20), "peak-MiB")
		})
	}
}

func open(b *testing.B, driver models.Driver, dsn string) *models.Store {
	b.Helper()
	clock := clockwork.NewFakeClockAt(time.Date(2025, 1, 6, 1, 0, 0, 0, time.UTC))
	s, err := models.Open(b.Context(), models.Options{Driver: driver, DSN: dsn, Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// openPlain connects as the store does, with the same promises to the disk.
func openPlain(b *testing.B, driver models.Driver, dsn string) *sql.DB {
	b.Helper()
	name := "sqlite"
	if driver == models.MySQL {
		name = "mysql"
		cfg, err := mysql.ParseDSN(dsn)
		if err != nil {
			b.Fatal(err)
		}
		cfg.ParseTime, cfg.InterpolateParams = true, true
		dsn = cfg.FormatDSN()
	} else {
		q := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}, "_txlock": {"immediate"}}
		dsn = "file:" + dsn + "?" + q.Encode()
	}
	db, err := sql.Open(name, dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// rowsOf are the rows of one table.
type rowsOf struct {
	table   string
	columns []string
	rows    [][]any
}

// contentsOf reads what an import wrote.
func contentsOf(b *testing.B, s *models.Store) []rowsOf {
	b.Helper()
	var all []rowsOf
	for _, table := range []string{"projects", "targets", "indicators", "obligations", "audit_entries"} {
		all = append(all, contents(b, s, table))
	}
	return all
}

func contents(b *testing.B, s *models.Store, table string) rowsOf {
	b.Helper()
	rows, err := s.Read(b.Context()).Table(table).Rows()
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	t := rowsOf{table: table}
	if t.columns, err = rows.Columns(); err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(t.columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			b.Fatal(err)
		}
		t.rows = append(t.rows, values)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return t
}

func insertAll(b *testing.B, db *sql.DB, tables []rowsOf) (took []string) {
	b.Helper()
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	const chunk = 500
	for _, t := range tables {
		began := time.Now()
		row := "(?" + strings.Repeat(",?", len(t.columns)-1) + ")"
		for from := 0; from < len(t.rows); from += chunk {
			batch := t.rows[from:min(len(t.rows), from+chunk)]
			args := make([]any, 0, len(batch)*len(t.columns))
			for _, r := range batch {
				args = append(args, r...)
			}
			statement := "INSERT INTO " + t.table + " (" + strings.Join(t.columns, ",") + ") VALUES " + row + strings.Repeat(","+row, len(batch)-1)
			if _, err := tx.ExecContext(b.Context(), statement, args...); err != nil {
				b.Fatal(err)
			}
		}
		took = append(took, fmt.Sprintf("plain: %d rows of %s in %s", len(t.rows), t.table, time.Since(began).Round(time.Millisecond)))
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return took
}

// scan reads every cell as text.
func scan(b *testing.B, data []byte) {
	b.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	defer book.Close()
	rows, err := book.Rows(book.GetSheetName(0))
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Columns(); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Error(); err != nil {
		b.Fatal(err)
	}
}

// watchHeap samples the heap until the returned function is called, which
// returns the most that was in use.
func watchHeap() (peak func() uint64) {
	ctx, stop := context.WithCancel(context.Background())
	result := make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var most uint64
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-ctx.Done():
				result <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		stop()
		return <-result
	}
}
