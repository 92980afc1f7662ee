package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/user"

	"github.com/jonboulle/clockwork"

	"duban/config"
	"duban/models"
	"duban/models/calendar"
	"duban/workflows"
)

// open opens the configured database and refuses a schema that is not this
// program's, except that a new SQLite file is set up at once: there is nothing
// in it to lose.
func open(ctx context.Context, cfg *config.Config, clock clockwork.Clock) (*models.Store, error) {
	s, err := models.Open(ctx, models.Options{
		Driver: models.Driver(cfg.Database.Driver), DSN: string(cfg.Database.DSN), Clock: clock,
	})
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, s); err != nil {
		return nil, closing(s, err)
	}
	return s, nil
}

func ready(ctx context.Context, s *models.Store) error {
	stored, known, err := s.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case stored > known:
		return newer(stored, known)
	case stored == 0 && s.Driver() == models.SQLite:
		return setUp(ctx, s)
	case stored < known:
		return fmt.Errorf("数据库结构版本 %d 需要升级到 %d：请先运行 duban migrate", stored, known)
	}
	return nil
}

// upgrade brings the schema up to this program's, unless a newer program has
// been here.
func upgrade(ctx context.Context, s *models.Store) error {
	stored, known, err := s.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if stored > known {
		return newer(stored, known)
	}
	return setUp(ctx, s)
}

// setUp brings the schema up to this program's and publishes the workflows
// that it comes with.
func setUp(ctx context.Context, s *models.Store) error {
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return (&workflows.Engine{Store: s}).PublishBuiltin(ctx)
}

func newer(stored, known int64) error {
	return fmt.Errorf("数据库结构版本 %d 比本程序（%d）新，请使用较新的 duban", stored, known)
}

// closing closes the store and returns the error because of which.
func closing(s *models.Store, err error) error {
	_ = s.Close()
	return err
}

// withStore opens the database for one command.
func (a *app) withStore(ctx context.Context, fn func(*config.Config, *models.Store) error) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := open(ctx, cfg, clockwork.NewRealClock())
	if err != nil {
		return err
	}
	return closing(s, fn(cfg, s))
}

// actor names who runs a command, for the audit trail.
func actor() string {
	if u, err := user.Current(); err == nil {
		return "cli:" + u.Username
	}
	return "cli"
}

// parseDate reads a date flag; "" is the given default.
func parseDate(flag, value string, missing calendar.Date) (calendar.Date, error) {
	if value == "" {
		return missing, nil
	}
	d, err := calendar.ParseDate(value)
	if err != nil {
		return d, usagef("--%s：%w", flag, err)
	}
	return d, nil
}

// logger writes what happens to stderr, as configured.
func (a *app) logger(cfg *config.Config) *slog.Logger {
	opt := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == config.FormatJSON {
		return slog.New(slog.NewJSONHandler(a.err, opt))
	}
	return slog.New(slog.NewTextHandler(a.err, opt))
}
