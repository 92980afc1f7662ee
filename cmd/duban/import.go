package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"duban/config"
	"duban/importer"
	"duban/models"
	"duban/models/calendar"
	"duban/models/money"
)

// importFlags are how a person wants files to be imported.
type importFlags struct {
	dryRun      bool
	year        int
	unit        string
	dropMissing bool
	partial     bool
	rejected    string
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: a.say("导入绩效目标表、支出明细、人员或项目分工", "import target tables, payments, people or assignments"),
		Long: a.say(`按内容辨认每个文件是什么，再逐个导入，先后自行安排；一个文件要么全部导入，要么不动。
绩效目标表：.txt .html .docx .xlsx；支出明细、人员、项目分工：.xlsx .csv（模板见 duban template）。
重复导入同一文件不会改变什么；导入更正后的文件会列出差异。`,
			`Finds out what each file is and imports one after the other, in the order in which they need each other; of a file everything is imported or nothing.
Target tables: .txt .html .docx .xlsx; payments, people, assignments: .xlsx .csv (see duban template).
Importing a file again changes nothing; importing a corrected one lists the differences.`),
		Args: a.some,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.rejected != "" && len(args) > 1 {
				return usagef("--rejected %s：%s", f.rejected, a.say("只能与一个文件同用", "goes with one file only"))
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				return a.importFiles(cmd.Context(), s, args, f)
			})
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.dryRun, "dry-run", false, a.say("只列出会发生什么，不写入", "report what would happen, write nothing"))
	fl.IntVar(&f.year, "year", 0, a.say("预算年度（默认从文件中读出）", "fiscal year (default: as the file says)"))
	fl.StringVar(&f.unit, "unit", "", a.say("表中没有写明时的金额单位：元 或 万元", "unit of amounts where the table states none: 元 or 万元"))
	fl.BoolVar(&f.dropMissing, "drop-missing", false, a.say("文件不再列出的项目停止督办", "stop supervising projects that the file no longer lists"))
	fl.BoolVar(&f.partial, "accept-partial", false, a.say("有行被退回时仍导入其余各行", "import the other rows when some are rejected"))
	fl.StringVar(&f.rejected, "rejected", "", a.say("退回的行写到哪个文件（默认 原文件名.rejected.csv）", "where rejected rows go (default FILE.rejected.csv)"))
	return cmd
}

// importFiles imports each file, in the order in which they build on each other,
// whatever order a shell gave them; those of one kind stay as they are, because a
// correction comes after what it corrects. One that fails does not keep the next
// from being tried, but the command fails.
func (a *app) importFiles(ctx context.Context, s *models.Store, paths []string, f importFlags) error {
	type file struct {
		path string
		data []byte
		rank int
	}
	var files []file
	var errs []error
	for _, path := range paths {
		data, err := os.ReadFile(path) //nolint:gosec // the person names the file
		if err != nil {
			errs = append(errs, usagef("读取文件：%w", err))
			continue
		}
		files = append(files, file{path, data, importer.Rank(filepath.Base(path), data)})
	}
	slices.SortStableFunc(files, func(a, b file) int { return a.rank - b.rank })
	for _, in := range files {
		if err := a.importFile(ctx, s, in.path, in.data, f); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (a *app) importFile(ctx context.Context, s *models.Store, path string, data []byte, f importFlags) error {
	name := filepath.Base(path)
	opt, err := f.options()
	if err != nil {
		return err
	}
	kind, err := importer.Kind(name, data)
	if err != nil {
		return err
	}
	if kind != models.ImportTargets {
		return a.importList(ctx, s, path, kind, data, opt, f)
	}
	bar := a.progress(a.say("读取 ", "reading ")+name, 0)
	draft, err := importer.ReadTargets(name, data, opt)
	bar.done()
	if err != nil {
		return err
	}
	bar = a.progress(a.say("导入 ", "importing ")+name, 0)
	res, err := importer.Apply(ctx, s, actor(), draft, importer.ApplyOptions{DryRun: f.dryRun, DropMissing: f.dropMissing})
	bar.done()
	if err != nil {
		return err
	}
	a.printDraft(draft)
	a.printChanges(res, f.dryRun)
	return nil
}

func (f importFlags) options() (importer.Options, error) {
	opt := importer.Options{FiscalYear: f.year}
	switch f.unit {
	case "":
	case money.Yuan.String():
		opt.AmountUnit = money.Yuan
	case money.TenThousand.String():
		opt.AmountUnit = money.TenThousand
	default:
		return opt, usagef("--unit %q：应为 元 或 万元", f.unit)
	}
	return opt, nil
}

// printDraft sums up what a document says, so that a person can compare it
// with the total on paper.
func (a *app) printDraft(d *importer.Draft) {
	var projects, indicators, goals int
	var budget money.Fen
	for _, u := range d.Units {
		goals += len(u.Goals)
		projects += len(u.Projects)
		for _, p := range u.Projects {
			indicators += len(p.Indicators)
			budget += p.Budget
		}
	}
	_, _ = fmt.Fprintf(a.out, a.say("%s：%d 年，%d 个单位，%d 条目标，%d 个项目，%d 项指标，预算 %s 万元\n",
		"%s: fiscal year %d, %d units, %d goals, %d projects, %d indicators, budget %s (10k CNY)\n"),
		d.FileName, d.FiscalYear, len(d.Units), goals, projects, indicators, budget.In(money.TenThousand))
	for _, c := range checkpoints(d) {
		_, _ = fmt.Fprintf(a.out, a.say("  %s 累计目标 %s 万元", "  %s cumulative target %s (10k CNY)"), c.label, c.sum.In(money.TenThousand))
		if c.blank > 0 {
			_, _ = fmt.Fprintf(a.out, a.say("（%d 格空白，无目标）", " (%d blank cells: no target)"), c.blank)
		}
		_, _ = fmt.Fprintln(a.out)
	}
	for _, p := range d.Problems {
		_, _ = fmt.Fprintf(a.out, a.say("  待核查 第 %d 行 %s：%s\n", "  to be checked, line %d %s: %s\n"), p.Line, p.ProjectCode, p.Message)
	}
}

// checkpoint is one column of the spending plans, over all projects.
type checkpoint struct {
	dueOn calendar.Date
	label string
	sum   money.Fen // of the targets that are stated
	blank int
}

// checkpoints adds the plans up, in the order of their dates.
func checkpoints(d *importer.Draft) []*checkpoint {
	byDay := map[calendar.Date]*checkpoint{}
	at := func(day calendar.Date, label string) *checkpoint {
		if byDay[day] == nil {
			byDay[day] = &checkpoint{dueOn: day, label: label}
		}
		return byDay[day]
	}
	for _, u := range d.Units {
		for _, p := range u.Projects {
			for _, t := range p.Targets {
				at(t.DueOn, t.Label).sum += t.Percent.Of(p.Budget)
			}
			for _, b := range p.Blank {
				at(b.DueOn, b.Label).blank++
			}
		}
	}
	return slices.SortedFunc(maps.Values(byDay), func(a, b *checkpoint) int { return a.dueOn.Compare(b.dueOn) })
}

func (a *app) printChanges(res *importer.Result, dryRun bool) {
	for _, c := range res.Changes {
		_, _ = fmt.Fprintf(a.out, "  %s %s：%s → %s\n", c.Subject, c.Field, orDash(c.Was), orDash(c.Is))
	}
	verb := a.say("已导入", "imported")
	switch {
	case res.Empty():
		verb = a.say("没有变化", "nothing changed")
	case dryRun:
		verb = a.say("试运行，未写入", "dry run, nothing written")
	}
	_, _ = fmt.Fprintf(a.out, a.say("  %s：新增 %d，变更 %d，不变 %d，未列出 %d；新问题 %d，已更正问题 %d\n",
		"  %s: %d added, %d changed, %d unchanged, %d not listed; %d new problems, %d corrected\n"),
		verb, res.Added, res.Changed, res.Unchanged, res.Missing, res.Opened, res.Closed)
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return strings.ReplaceAll(s, "\n", " ")
}

// importList imports payments, people or assignments.
func (a *app) importList(ctx context.Context, s *models.Store, path string, kind models.ImportKind, data []byte, opt importer.Options, f importFlags) error {
	name := filepath.Base(path)
	lo := importer.ListOptions{DryRun: f.dryRun, Partial: f.partial}
	res, err := applyList(ctx, s, actor(), name, kind, data, opt, lo)
	if err != nil {
		return err
	}
	verb := a.say("已导入", "imported")
	switch {
	case len(res.Rejected) > 0 && !f.partial:
		verb = a.say("未导入", "not imported")
	case res.Added+res.Changed == 0:
		verb = a.say("没有变化", "nothing changed")
	case f.dryRun:
		verb = a.say("试运行，未写入", "dry run, nothing written")
	}
	_, _ = fmt.Fprintf(a.out, a.say("%s：%s：新增 %d，变更 %d，已有 %d，退回 %d\n", "%s: %s: %d added, %d changed, %d there already, %d rejected\n"),
		name, verb, res.Added, res.Changed, res.Unchanged, len(res.Rejected))
	for _, w := range res.Warnings {
		_, _ = fmt.Fprintf(a.out, a.say("  注意：%s\n", "  note: %s\n"), w)
	}
	if len(res.Rejected) == 0 {
		return nil
	}
	why := func(r importer.Rejected) string {
		return fmt.Sprintf(a.say("%s 第 %d 行：%s", "%s line %d: %s"), name, r.Line, r.Reason)
	}
	shown := min(len(res.Rejected), 5)
	if f.dryRun { // which writes no file, so it says everything here
		shown = len(res.Rejected)
	}
	reasons := make([]string, shown)
	for i, r := range res.Rejected[:shown] {
		reasons[i] = why(r)
	}
	reason := strings.Join(reasons, "\n")
	if !f.dryRun {
		target := f.rejected
		if target == "" {
			target = path + ".rejected.csv"
		}
		if err := writeRejected(target, path, res); err != nil {
			return err
		}
		reason += fmt.Sprintf(a.say("；退回的 %d 行已写入 %s", "; the %d rejected rows are in %s"), len(res.Rejected), target)
	}
	if f.partial {
		_, _ = fmt.Fprintln(a.out, "  "+reason)
		return nil
	}
	return usagef("%s%s", reason, a.say("；整个文件未导入（加 --accept-partial 可导入其余各行）", "; nothing of the file was imported (--accept-partial imports the other rows)"))
}

// applyList reads and applies a list of any kind.
func applyList(ctx context.Context, s *models.Store, actor, name string, kind models.ImportKind, data []byte, opt importer.Options, lo importer.ListOptions) (*importer.ListResult, error) {
	switch {
	case kind == models.ImportPayments:
		sheet, err := importer.ReadPayments(name, data, opt)
		if err != nil {
			return nil, err
		}
		return importer.ApplyPayments(ctx, s, actor, sheet, lo)
	case kind == models.ImportHolidays:
		sheet, err := importer.ReadHolidays(name, data)
		if err != nil {
			return nil, err
		}
		return importer.ApplyHolidays(ctx, s, actor, sheet, lo)
	case importer.IsAssignments(name, data):
		sheet, err := importer.ReadAssignments(name, data)
		if err != nil {
			return nil, err
		}
		return importer.ApplyAssignments(ctx, s, actor, sheet, lo)
	}
	sheet, err := importer.ReadPeople(name, data)
	if err != nil {
		return nil, err
	}
	return importer.ApplyPeople(ctx, s, actor, sheet, lo)
}

// writeRejected writes the rejected rows of a file to another one.
func writeRejected(path, source string, res *importer.ListResult) (err error) {
	if was, err := os.Stat(source); err == nil {
		if is, err := os.Stat(path); err == nil && os.SameFile(was, is) {
			return usagef("退回的行不能写回原文件 %s", path)
		}
	}
	// Rows may hold phone numbers: for the owner of the file only.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the person names the file
	if err != nil {
		return fmt.Errorf("写退回文件：%w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return importer.WriteRejected(f, res.Header, res.Rejected)
}

func (a *app) templateCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:       "template payments|people|assignments|holidays",
		Short:     a.say("生成可填写的 .xlsx 或 .csv 模板", "write a template (.xlsx or .csv) to fill in"),
		Args:      a.exactly(1),
		ValidArgs: []string{"payments", "people", "assignments", "holidays"},
		RunE: func(_ *cobra.Command, args []string) error {
			if output == "" {
				output = args[0] + ".xlsx"
			}
			write := importer.Template
			if strings.EqualFold(filepath.Ext(output), ".csv") {
				write = importer.TemplateCSV
			}
			f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the person names the file
			if err != nil {
				return usagef("写模板：%w", err)
			}
			if err := errors.Join(write(args[0], f), f.Close()); err != nil {
				_ = os.Remove(output)
				return usageError{err}
			}
			_, err = fmt.Fprintln(a.out, output)
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", a.say("文件名（默认 种类.xlsx）", "file (default KIND.xlsx)"))
	return cmd
}
