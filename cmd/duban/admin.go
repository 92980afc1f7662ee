package main

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/config"
	"duban/jobs"
	"duban/models"
)

// byID is a command that does one thing to the record with the given id and
// asks for a note, because the next reader will ask why.
func (a *app) byID(use, short string, act func(tx *models.Tx, id int64, note string) error) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   use + " ID",
		Short: short,
		Args:  a.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("编号 %q：应为数字", args[0])
			}
			if note == "" {
				return usagef("--note %s", a.say("不能为空：请写明理由", "is required: state the reason"))
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				err := s.Tx(cmd.Context(), actor(), func(tx *models.Tx) error { return act(tx, id, note) })
				if err == nil {
					_, err = fmt.Fprintf(a.out, a.say("已登记（编号 %d）\n", "recorded (number %d)\n"), id)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", a.say("说明（必填）", "note (required)"))
	return cmd
}

func (a *app) doneCommand() *cobra.Command {
	var on string
	cmd := a.byID("done", a.say("登记一项督办事项已完成", "report a duty as done"), func(tx *models.Tx, id int64, note string) error {
		today := tx.Store().Today()
		day, err := parseDate("on", on, today)
		if err != nil {
			return err
		}
		if day.After(today) {
			return usagef("--on %s：应不晚于今天 %s", day, today)
		}
		return tx.ReportDone(id, day, note)
	})
	cmd.Flags().StringVar(&on, "on", "", a.say("完成日期（默认今天）", "day on which it was done (default today)"))
	return cmd
}

func (a *app) waiveCommand() *cobra.Command {
	return a.byID("waive", a.say("登记一项督办事项不再要求", "record that a duty is no longer required"), (*models.Tx).WaiveObligation)
}

func (a *app) confirmCommand() *cobra.Command {
	return a.byID("confirm", a.say("确认一条数据核查问题属实无误", "confirm that flagged data is right as published"), (*models.Tx).ConfirmProblem)
}

func (a *app) scheduleCommand() *cobra.Command {
	return a.group("schedule", a.say("定时任务", "schedules"), a.scheduleListCommand(), a.schedulePreviewCommand(), a.scheduleSetCommand())
}

// previewed is how many runs are shown of a schedule.
const previewed = 5

func (a *app) scheduleListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: a.say("列出定时任务和下次执行时间", "list the schedules and their next runs"), Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				schedules, err := s.Schedules(cmd.Context())
				if err != nil {
					return err
				}
				for _, sc := range schedules {
					enabled := a.say("启用", "enabled")
					if !sc.Enabled {
						enabled = a.say("停用", "disabled")
					}
					_, _ = fmt.Fprintf(a.out, "%s  %s  %s  %s\n", sc.Job, sc.Cron, sc.TimeZone, enabled)
					if err := a.preview(sc.Cron, sc.TimeZone); err != nil {
						_, _ = fmt.Fprintln(a.out, "   ", err) // the others are worth seeing
					}
				}
				return nil
			})
		},
	}
}

func (a *app) schedulePreviewCommand() *cobra.Command {
	var zone string
	cmd := &cobra.Command{
		Use: "preview CRON", Short: a.say("检查一个 cron 表达式并列出下次执行时间", "check a cron expression and list its next runs"), Args: a.exactly(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.preview(args[0], zone) },
	}
	cmd.Flags().StringVar(&zone, "zone", "Asia/Shanghai", a.say("时区", "time zone"))
	return cmd
}

func (a *app) preview(expression, zone string) error {
	spec, err := jobs.ParseCron(expression, zone)
	if err != nil {
		return usageError{err}
	}
	for _, t := range spec.Preview(clockwork.NewRealClock().Now(), previewed) {
		_, _ = fmt.Fprintln(a.out, "   ", t.Format("2006-01-02 15:04 Mon"))
	}
	if w := spec.Warning(); w != "" {
		_, _ = fmt.Fprintln(a.out, a.say("    注意：", "    note: ")+w)
	}
	return nil
}

func (a *app) scheduleSetCommand() *cobra.Command {
	var zone string
	var enabled bool
	cmd := &cobra.Command{
		Use: "set JOB CRON", Short: a.say("修改定时任务", "change a schedule"), Args: a.exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				schedules, err := s.Schedules(cmd.Context())
				if err != nil {
					return err
				}
				for _, sc := range schedules {
					if sc.Job == args[0] {
						sc.Cron = args[1]
						if cmd.Flags().Changed("zone") {
							sc.TimeZone = zone
						}
						if cmd.Flags().Changed("enabled") {
							sc.Enabled = enabled
						}
						if err := a.preview(sc.Cron, sc.TimeZone); err != nil {
							return err
						}
						return s.Tx(cmd.Context(), actor(), func(tx *models.Tx) error { changed := sc; return tx.SaveSchedule(&changed) })
					}
				}
				return usagef("没有定时任务 %q", args[0])
			})
		},
	}
	cmd.Flags().StringVar(&zone, "zone", "", a.say("时区（默认不变）", "time zone (default: as it is)"))
	cmd.Flags().BoolVar(&enabled, "enabled", true, a.say("是否启用（默认不变）", "whether it runs (default: as it is)"))
	return cmd
}

func (a *app) migrateCommand() *cobra.Command {
	var status bool
	cmd := &cobra.Command{
		Use: "migrate", Short: a.say("把数据库结构升级到本程序的版本", "bring the database schema up to date"), Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			s, err := models.Open(cmd.Context(), models.Options{Driver: models.Driver(cfg.Database.Driver), DSN: string(cfg.Database.DSN)})
			if err != nil {
				return err
			}
			return closing(s, a.migrate(cmd, s, status))
		},
	}
	cmd.Flags().BoolVar(&status, "status", false, a.say("只显示版本，不升级", "show the versions only"))
	return cmd
}

func (a *app) migrate(cmd *cobra.Command, s *models.Store, status bool) error {
	if !status {
		if err := upgrade(cmd.Context(), s); err != nil {
			return err
		}
	}
	stored, known, err := s.SchemaVersion(cmd.Context())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, a.say("数据库结构版本 %d，本程序 %d\n", "schema version %d, this program's %d\n"), stored, known)
	return err
}

func (a *app) configCommand() *cobra.Command {
	return a.group("config", a.say("配置", "configuration"), &cobra.Command{
		Use: "check", Short: a.say("检查配置，列出生效的值（不含密码）", "check the configuration and print it without secrets"), Args: a.exactly(0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if _, err := fmt.Fprint(a.out, cfg); err != nil {
				return err
			}
			return checkChannels(cfg)
		},
	})
}

func (a *app) auditCommand() *cobra.Command {
	return a.group("audit", a.say("审计记录与提醒核对", "audit trail and reminders"), a.auditRemindersCommand(), &cobra.Command{
		Use: "verify", Short: a.say("核对审计链是否完整", "verify the chain of audit entries"), Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				n, err := s.VerifyAudit(cmd.Context())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, a.say("审计链完整，共 %d 条\n", "the chain is intact: %d entries\n"), n)
				return err
			})
		},
	})
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: a.say("显示版本", "print the version"), Args: a.exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "duban", version())
			return err
		},
	}
}

// version is what the build recorded: the module's version or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "dev" {
			v = "dev+" + s.Value[:min(12, len(s.Value))]
		}
		if s.Key == "vcs.time" {
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
				v += " " + t.Format(time.DateOnly)
			}
		}
	}
	return v
}
