package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"duban/config"
	"duban/deploy"
	"duban/importer"
	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

func (a *app) demoCommand() *cobra.Command {
	var asOf, listen, dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: a.say("演示：导入示例、走到 2025-06-20、打开管理台", "demonstration: import the sample, live to 2025-06-20, open the console"),
		Long: a.say(`在一个新的内嵌数据库里，从 2025 年 1 月起逐日经历示例单位的一年：导入绩效目标表与人员，按月导入支出明细，
每天检查并把提醒写成文件，直到指定日期；然后打开管理台。不联网，不发送任何邮件。`,
			`Lives through the sample unit's year in a new embedded database, from January 2025: imports the target tables and people,
imports payments month by month, checks every day and writes the reminders as files, up to the given date; then opens the console.
Needs no network and sends no mail.`),
		Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			day, err := parseDate("as-of", asOf, demoAsOf)
			if err != nil {
				return err
			}
			if day.Before(demoStart) || day.After(demoEnd) {
				return usagef("--as-of %s：应在 %s 与 %s 之间", day, demoStart, demoEnd)
			}
			return a.demo(cmd.Context(), day, listen, dir)
		},
	}
	f := cmd.Flags()
	f.StringVar(&asOf, "as-of", "", a.say("演示停在哪一天（默认 2025-06-20）", "the day on which it stops (default 2025-06-20)"))
	f.StringVar(&listen, "listen", "", a.say("管理台地址（默认 127.0.0.1:8080，被占用时另选端口）", "console address (default 127.0.0.1:8080, or another port if that is taken)"))
	f.StringVar(&dir, "dir", "", a.say("数据放在哪个空目录（默认临时目录，结束时删除）", "an empty directory for the data (default a temporary one, removed at the end)"))
	return cmd
}

// The demonstration's year: the sample's duties begin with its import and end
// with the self-evaluation in the following spring.
var (
	demoStart = calendar.MustDate(2025, 1, 6)
	demoAsOf  = calendar.MustDate(2025, 6, 20)
	demoEnd   = calendar.MustDate(2026, 4, 30)
)

func (a *app) demo(ctx context.Context, asOf calendar.Date, listen, dir string) error {
	cfg := config.Default()
	if listen != "" { // there is no login, for the demonstration neither
		cfg.Server.Listen = listen
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	listener, err := demoListener(ctx, listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	dir, cleanUp, err := demoDir(dir)
	if err != nil {
		return err
	}
	defer cleanUp()

	cfg.Language = string(a.language)
	cfg.Database.DSN = config.Secret(filepath.Join(dir, "duban.db"))
	cfg.Outbox.Dir = filepath.Join(dir, "outbox")
	clock := newShiftedClock(demoStart.At(jobs.SweepHour, jobs.SweepMinute))
	s, err := models.Open(ctx, models.Options{Driver: models.SQLite, DSN: string(cfg.Database.DSN), Clock: clock})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := setUp(ctx, s); err != nil {
		return err
	}
	srv, err := newServer(ctx, cfg, s, clock, slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	bar := a.progress(a.say("演示到 ", "living to ")+asOf.String(), int64(demoStart.DaysUntil(asOf)+1))
	year := demoYear{store: s, clock: clock, srv: srv, asOf: asOf, progress: bar.set, people: &demoPeople{engine: srv.engine, asOf: asOf}}
	err = year.live(ctx)
	bar.done()
	if err != nil {
		srv.delivery.close()
		return unlessEnded(ctx, err)
	}
	srv.demo = true
	srv.notice = fmt.Sprintf(a.say("演示数据：时钟从 %s 8:30 起走", "demonstration data; the clock runs from %s"), asOf)
	_, _ = fmt.Fprintf(a.out, a.say("演示到 %s：发出 %d 条提醒，写在 %s\n管理台 http://%s （Ctrl+C 结束）\n",
		"lived to %s: %d reminders sent, written to %s\nconsole http://%s (Ctrl+C ends)\n"), asOf, year.sent, cfg.Outbox.Dir, listener.Addr())
	return srv.run(ctx, listener)
}

// demoListener takes the usual port, or any other if that is taken and nobody
// asked for it.
func demoListener(ctx context.Context, address string) (net.Listener, error) {
	var tcp net.ListenConfig
	if address != "" {
		l, err := tcp.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, usagef("--listen %s：%w", address, err)
		}
		return l, nil
	}
	l, err := tcp.Listen(ctx, "tcp", "127.0.0.1:8080")
	if err != nil {
		l, err = tcp.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return l, err
}

// demoDir returns an empty directory, and what to do with it at the end. One
// that a person named stays.
func demoDir(dir string) (string, func(), error) {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "duban-demo-")
		return temporary, func() { _ = os.RemoveAll(temporary) }, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", nil, usagef("--dir：%w", err)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = errors.New("目录不是空的")
	}
	if err != nil {
		return "", nil, usagef("--dir %s：%w", dir, err)
	}
	return dir, func() {}, nil
}

// demoYear is the sample unit's year, lived day by day through the same doors
// that the server uses.
type demoYear struct {
	store    *models.Store
	clock    *shiftedClock
	srv      *server
	asOf     calendar.Date
	progress func(int64)

	payments *importer.PaymentSheet
	people   *demoPeople
	sent     int
}

// demoActor is who imports in the demonstration.
const demoActor = "demo"

func (y *demoYear) live(ctx context.Context) error {
	if err := y.begin(ctx); err != nil {
		return err
	}
	cal, err := y.store.Calendar(ctx)
	if err != nil {
		return err
	}
	for day := demoStart; !day.After(y.asOf); day = day.AddDays(1) {
		y.clock.set(day.At(jobs.SweepHour, jobs.SweepMinute))
		// Finance imports the vouchers on the first working day of each week.
		if day == cal.WorkdayOnOrAfter(monday(day)) || day == y.asOf {
			if err := y.importPayments(ctx, day); err != nil {
				return err
			}
		}
		if err := jobs.RunOnce(ctx, y.store, y.clock, models.JobSweep, jobs.SweepJob(y.srv.sweeper, nil)); err != nil {
			return err
		}
		if _, err := y.srv.engine.FireTimers(ctx); err != nil {
			return err
		}
		if day == monday(day) {
			if _, err := y.srv.reporter.Report(ctx, day); err != nil {
				return err
			}
		}
		if err := y.people.act(ctx, day, cal); err != nil {
			return err
		}
		stats, err := y.srv.outbox.Drain(ctx)
		if err != nil {
			return err
		}
		y.sent += stats.Sent
		y.progress(int64(demoStart.DaysUntil(day) + 1))
	}
	return nil
}

// monday returns the first day of the week of a day.
func monday(day calendar.Date) calendar.Date {
	return day.AddDays(-(int(day.Weekday()) + 6) % 7)
}

// begin imports the sample as a new unit would on its first day.
func (y *demoYear) begin(ctx context.Context) error {
	read := func(name string) ([]byte, error) { return deploy.Sample.ReadFile("sample/" + name) }
	data, err := read("targets-2025.txt")
	if err != nil {
		return err
	}
	draft, err := importer.ReadTargets("targets-2025.txt", data, importer.Options{})
	if err != nil {
		return err
	}
	if _, err := importer.Apply(ctx, y.store, demoActor, draft, importer.ApplyOptions{}); err != nil {
		return err
	}
	for _, name := range []string{"people.csv", "assignments-2025.csv"} {
		if data, err = read(name); err != nil {
			return err
		}
		res, err := applyList(ctx, y.store, demoActor, name, models.ImportPeople, data, importer.Options{}, importer.ListOptions{})
		if err != nil {
			return err
		}
		if len(res.Rejected) > 0 {
			return fmt.Errorf("%s: %s", name, res.Rejected[0].Reason)
		}
	}
	if data, err = read("payments-2025.csv"); err != nil {
		return err
	}
	y.payments, err = importer.ReadPayments("payments-2025.csv", data, importer.Options{})
	return err
}

// importPayments imports the vouchers that exist by day.
func (y *demoYear) importPayments(ctx context.Context, day calendar.Date) error {
	known := *y.payments
	known.AsOf, known.Rows = day.AddDays(-1), nil
	for _, row := range y.payments.Rows {
		if row.PaidOn.Before(day) {
			known.Rows = append(known.Rows, row)
		}
	}
	_, err := importer.ApplyPayments(ctx, y.store, demoActor, &known, importer.ListOptions{})
	return err
}
