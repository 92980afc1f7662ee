package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/config"
	"duban/jobs"
	"duban/models"
	"duban/workflows"
)

func (a *app) sendCommand() *cobra.Command {
	var sweep, resend bool
	cmd := &cobra.Command{
		Use:   "send",
		Short: a.say("把待发消息发送一遍（不启动服务时使用）", "deliver the outbox once (for use without the server)"),
		Args:  a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, s *models.Store) error {
				return a.send(cmd, cfg, s, sweep, resend)
			})
		},
	}
	cmd.Flags().BoolVar(&sweep, "sweep", false, a.say("先检查今天的督办事项", "check today's duties first"))
	cmd.Flags().BoolVar(&resend, "resend-dead", false, a.say("把已放弃的消息重新排队", "queue the messages that were given up again"))
	return cmd
}

func (a *app) send(cmd *cobra.Command, cfg *config.Config, s *models.Store, sweep, resend bool) error {
	ctx, clock, log := cmd.Context(), clockwork.NewRealClock(), a.logger(cfg)
	d, err := newDelivery(ctx, cfg, s, clock, log)
	if err != nil {
		return err
	}
	defer d.close()
	if sweep {
		if err := a.sweep(cmd, s, d.routing, log); err != nil {
			return err
		}
	}
	if resend {
		n, err := s.ResendDead(ctx, actor())
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.out, a.say("重新排队 %d 条\n", "%d queued again\n"), n)
	}
	dispatcher, err := d.dispatcher(cfg, s, clock, log)
	if err != nil {
		return err
	}
	stats, err := dispatcher.Drain(ctx)
	_, _ = fmt.Fprintf(a.out, a.say("已发送 %d，将重试 %d，已放弃 %d，暂缓 %d\n", "sent %d, to be retried %d, given up %d, put back %d\n"),
		stats.Sent, stats.Failed, stats.Dead, stats.Released)
	if waiting := stats.Failed + stats.Dead + stats.Released; err == nil && waiting > 0 {
		return fmt.Errorf(a.say("有 %d 条没有送出，原因见管理台的消息页", "%d were not delivered; the console's messages say why"), waiting)
	}
	return err
}

// sweep checks today's duties in the foreground, with a progress bar.
func (a *app) sweep(cmd *cobra.Command, s *models.Store, routing models.Routing, log *slog.Logger) error {
	bar := a.progress(a.say("检查督办事项", "checking duties"), 0)
	clock := clockwork.NewRealClock()
	engine := &workflows.Engine{Store: s, Clock: clock, Routing: routing}
	sw := &jobs.Sweeper{
		Store: s, Clock: clock, Routing: routing, Log: log, Engine: engine,
		Progress: func(st jobs.Stats) { bar.set(int64(st.Checked)) },
	}
	began := clock.Now()
	var stats jobs.Stats
	err := jobs.RunOnce(cmd.Context(), s, clock, models.JobSweep, func(ctx context.Context, _ time.Time) (_ map[string]int, err error) {
		stats, err = sw.Sweep(ctx, s.Today())
		return stats.Counts(), err
	})
	bar.done()
	if err != nil {
		return err
	}
	if _, err := engine.FireTimers(cmd.Context()); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.out, a.say("检查 %d 项（%s），状态变化 %d，新消息 %d（%d 条并入 %d 条汇总），发起流程 %d\n", "checked %d duties in %s, %d changed, %d new messages (%d told in %d digests), %d workflows opened\n"),
		stats.Checked, clock.Since(began).Round(time.Millisecond), stats.Changed, stats.Enqueued, stats.Digested, stats.Digests, stats.Opened)
	return nil
}
