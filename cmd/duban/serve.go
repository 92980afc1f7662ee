package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/api"
	"duban/config"
	"duban/jobs"
	"duban/models"
	"duban/notifier"
	"duban/workflows"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: a.say("启动服务：定时检查、发送提醒、管理台", "run the server: checks, reminders, console"),
		Args:  a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return unlessEnded(cmd.Context(), a.serve(cmd.Context(), cfg))
		},
	}
}

// serve runs until ctx ends. It brings the database to its own schema first:
// whoever starts a newer server wants its schema.
func (a *app) serve(ctx context.Context, cfg *config.Config) error {
	clock := clockwork.NewRealClock()
	s, err := models.Open(ctx, models.Options{
		Driver: models.Driver(cfg.Database.Driver), DSN: string(cfg.Database.DSN), Clock: clock,
	})
	if err != nil {
		return err
	}
	if err := upgrade(ctx, s); err != nil {
		return closing(s, err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Server.Listen)
	if err != nil {
		return closing(s, fmt.Errorf("监听 %s：%w", cfg.Server.Listen, err))
	}
	srv, err := newServer(ctx, cfg, s, clock, a.logger(cfg))
	if err != nil {
		return closing(s, errors.Join(err, listener.Close()))
	}
	_, _ = fmt.Fprintf(a.err, a.say("管理台 http://%s\n", "console http://%s\n"), listener.Addr())
	return closing(s, srv.run(ctx, listener))
}

// unlessEnded returns err, unless it is only that a program which is to run
// until it is told to end was told so.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// server is the scheduler, the dispatcher and the console on one database.
type server struct {
	cfg       *config.Config
	store     *models.Store
	clock     clockwork.Clock
	log       *slog.Logger
	delivery  *delivery
	engine    *workflows.Engine
	sweeper   *jobs.Sweeper
	reporter  *jobs.Reporter
	scheduler *jobs.Scheduler
	watchman  *jobs.Watchman
	keeper    *jobs.Timekeeper
	outbox    *notifier.Dispatcher
	notice    string // a banner on every page
	demo      bool   // anybody may act as anybody
}

func newServer(ctx context.Context, cfg *config.Config, s *models.Store, clock clockwork.Clock, log *slog.Logger) (*server, error) {
	d, err := newDelivery(ctx, cfg, s, clock, log)
	if err != nil {
		return nil, err
	}
	dispatcher, err := d.dispatcher(cfg, s, clock, log)
	if err != nil {
		d.close()
		return nil, err
	}
	engine := &workflows.Engine{Store: s, Clock: clock, Routing: d.routing}
	srv := &server{
		cfg: cfg, store: s, clock: clock, log: log, delivery: d, engine: engine, outbox: dispatcher,
		sweeper:  &jobs.Sweeper{Store: s, Clock: clock, Routing: d.routing, Log: log, Engine: engine},
		reporter: &jobs.Reporter{Store: s, Clock: clock, Routing: d.routing},
		keeper:   &jobs.Timekeeper{Engine: engine, Clock: clock, Log: log, Done: dispatcher.Wake},
	}
	work := map[string]jobs.Job{
		models.JobSweep:  jobs.SweepJob(srv.sweeper, dispatcher.Wake),
		models.JobReport: jobs.ReportJob(srv.reporter, dispatcher.Wake),
		models.JobAudit:  jobs.AuditJob(s, clock, d.routing),
	}
	srv.scheduler = &jobs.Scheduler{Store: s, Clock: clock, Log: log, Jobs: work}
	srv.watchman = &jobs.Watchman{
		Store: s, Clock: clock, Routing: d.routing, Log: log, QueueAge: cfg.Watch.QueueAge, Jobs: work, Done: dispatcher.Wake,
	}
	if address := string(cfg.Watch.HeartbeatURL); address != "" {
		if srv.watchman.Heartbeat, err = jobs.NewHeartbeat(address, cfg.Watch.HeartbeatEvery, nil); err != nil {
			d.close()
			return nil, err
		}
	}
	return srv, nil
}

// drainTime is how long requests under way may take once the server stops.
const drainTime = 10 * time.Second

// run serves until ctx ends, then lets requests, jobs and messages under way
// finish.
func (srv *server) run(ctx context.Context, listener net.Listener) error {
	defer srv.delivery.close()
	web := &http.Server{
		Handler:           srv.console(), //nolint:contextcheck // requests bring their own
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	failures := make(chan error, 2)
	parts.Go(func() { srv.outbox.Run(ctx) })
	parts.Go(func() { srv.keeper.Run(ctx) })
	parts.Go(func() { srv.watchman.Run(ctx) })
	parts.Go(func() {
		if err := srv.scheduler.Run(ctx); err != nil {
			failures <- err
		}
	})
	parts.Go(func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failures <- fmt.Errorf("console: %w", err)
		}
	})
	var err error
	select {
	case <-ctx.Done():
	case err = <-failures:
	}
	cancel()
	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer done()
	err = errors.Join(err, web.Shutdown(stopping))
	parts.Wait()
	return err
}

func (srv *server) console() http.Handler {
	return api.New(api.Options{
		Store: srv.store, Clock: srv.clock, Logger: srv.log, Library: notifier.NewLibrary(srv.delivery.templates, srv.store, srv.log),
		Language: models.Language(srv.cfg.Language), Version: version(), Notice: srv.notice,
		BaseURL: srv.cfg.Server.BaseURL, AllowRemote: srv.cfg.Server.AllowRemote,
		Engine: srv.engine, LinkKey: srv.delivery.linkKey, Demo: srv.demo, Wake: srv.outbox.Wake,
		Outlets: srv.delivery.outlets, Receivers: srv.delivery.receivers, Patience: srv.outbox.Patience,
	})
}
