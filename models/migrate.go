package models

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrate brings the schema to the newest version and adds the default rules,
// schedules and holidays that are missing. Several replicas may call it at
// once. Nothing that an administrator changed is touched.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.migrations()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("升级数据库结构：%w", err)
	}
	return s.seedDefaults(ctx)
}

// SchemaVersion returns the version of the stored schema and the newest one
// that this program knows. A stored one that is newer belongs to a newer duban.
func (s *Store) SchemaVersion(ctx context.Context) (stored, known int64, err error) {
	p, err := s.migrations()
	if err != nil {
		return 0, 0, err
	}
	stored, known, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("读取数据库结构版本：%w", err)
	}
	return stored, known, nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	pool, err := s.write.DB()
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithTableName("schema_versions")}
	for _, name := range files {
		m, err := s.migration(name)
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithGoMigrations(m))
	}
	if s.engine.locker != nil {
		l, err := s.engine.locker()
		if err != nil {
			return nil, fmt.Errorf("migration lock: %w", err)
		}
		opts = append(opts, goose.WithLocker(l))
	}
	return goose.NewProvider(s.engine.goose, pool, nil, opts...)
}

// migration reads one file, whose name starts with its version. Its statements
// are written once and spelled for the engine here.
func (s *Store) migration(name string) (*goose.Migration, error) {
	text, err := migrationFiles.ReadFile(name)
	if err != nil {
		return nil, err
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("migration %s: %w", name, err)
	}
	statements := strings.Split(s.engine.spell.Replace(string(text)), ";\n")
	return goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		for _, stmt := range statements {
			if strings.TrimSpace(stmt) == "" {
				continue
			}
			if _, err := tx.ExecContext(ctx, stmt); err != nil && !alreadyThere(err) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}}, nil), nil
}
