// Package modelstest opens real databases for tests: an embedded SQLite file
// always, and a MySQL or MariaDB server when the environment names one.
package modelstest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jonboulle/clockwork"

	"duban/models"
)

// The environment: a DSN of a server on which tests may create databases, and
// "all" where no test may be skipped for want of a real peer.
const (
	EnvMySQL   = "DUBAN_TEST_MYSQL"
	EnvRequire = "DUBAN_TEST_REQUIRE"
)

// Require skips the test because a real peer is missing, or fails it where the
// environment says that none may be.
func Require(t testing.TB, have bool, what string) {
	t.Helper()
	if have {
		return
	}
	if os.Getenv(EnvRequire) == "all" {
		t.Fatalf("%s is required here, but missing", what)
	}
	t.Skipf("needs %s", what)
}

// Each runs fn as a subtest on every engine, each time on a new database.
func Each(t *testing.T, clock clockwork.Clock, fn func(t *testing.T, s *models.Store)) {
	t.Helper()
	for _, driver := range []models.Driver{models.SQLite, models.MySQL} {
		t.Run(string(driver), func(t *testing.T) { fn(t, Open(t, driver, clock)) })
	}
}

// Open returns a store on a new, migrated database, which goes with the test.
func Open(t testing.TB, driver models.Driver, clock clockwork.Clock) *models.Store {
	t.Helper()
	return open(t, models.Options{Driver: driver, DSN: NewDSN(t, driver), Clock: clock})
}

func open(t testing.TB, opt models.Options) *models.Store {
	t.Helper()
	s, err := models.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

var databases atomic.Int64

// NewDSN returns the DSN of a new, empty database, which goes with the test.
func NewDSN(t testing.TB, driver models.Driver) string {
	t.Helper()
	if driver == models.SQLite {
		return filepath.Join(t.TempDir(), "duban.db")
	}
	server := os.Getenv(EnvMySQL)
	Require(t, server != "", "a MySQL or MariaDB server in "+EnvMySQL)
	cfg, err := mysql.ParseDSN(server)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName = fmt.Sprintf("duban_test_%d_%d", os.Getpid(), databases.Add(1))
	exec(t, server, "CREATE DATABASE "+cfg.DBName+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	t.Cleanup(func() { exec(t, server, "DROP DATABASE "+cfg.DBName) })
	return cfg.FormatDSN()
}

func exec(t testing.TB, dsn, statement string) {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil { //nolint:gosec // a name of our own
		t.Fatalf("%s: %v", statement, err)
	}
}
