package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// Driver names a database engine.
type Driver string

// The engines. MySQL covers MariaDB too.
const (
	SQLite Driver = "sqlite"
	MySQL  Driver = "mysql"
)

// engine is all that differs between the databases. No other file may contain
// SQL or settings that only one of them understands.
type engine struct {
	driver  Driver
	goose   goose.Dialect
	locker  func() (lock.Locker, error) // nil where one process owns the database
	spell   *strings.Replacer           // spells the column types of a migration
	nowExpr string                      // the database's clock; "" to use the program's

	// isolation is asked for by each transaction, because MySQL and MariaDB
	// name the session's variable differently.
	isolation sql.IsolationLevel
	snapshot  sql.IsolationLevel // of a transaction that reads many tables as one
}

var engines = map[Driver]engine{
	SQLite: {
		driver: SQLite,
		goose:  goose.DialectSQLite3,
		spell: strings.NewReplacer(
			"$ID", "INTEGER PRIMARY KEY AUTOINCREMENT",
			"$TIME", "DATETIME",
			"$LONGTEXT", "TEXT",
			" $OPTIONS", "",
		),
	},
	MySQL: {
		driver: MySQL,
		goose:  goose.DialectMySQL,
		locker: func() (lock.Locker, error) { return lock.NewMySQLTableLocker() },
		spell: strings.NewReplacer(
			"$ID", "BIGINT PRIMARY KEY AUTO_INCREMENT",
			"$TIME", "DATETIME(6)",
			"$LONGTEXT", "LONGTEXT",
			"$OPTIONS", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
		),
		nowExpr:   "UTC_TIMESTAMP(6)",
		isolation: sql.LevelReadCommitted,
		snapshot:  sql.LevelRepeatableRead,
	},
}

// pools opens the two pools of a store. SQLite has one writer, whose
// transactions take the write lock at once rather than fail half-way, and
// readers beside it; a server has one pool for both.
func (e engine) pools(dsn string, cfg *gorm.Config) (write, read *gorm.DB, err error) {
	if e.driver == MySQL {
		write, err = openMySQL(dsn, cfg)
		return write, write, err
	}
	if err := makeFile(dsn); err != nil {
		return nil, nil, err
	}
	if write, err = openSQLite(dsn, "immediate", 1, cfg); err != nil {
		return nil, nil, err
	}
	read, err = openSQLite(dsn, "deferred", max(4, runtime.NumCPU()), cfg)
	return write, read, err
}

func openMySQL(dsn string, cfg *gorm.Config) (*gorm.DB, error) {
	c, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("数据库连接串无法识别（应如 user:password@tcp(127.0.0.1:3306)/duban）：%w", err)
	}
	// Times are UTC on both sides. Affected rows are those that changed, so
	// that an insert which finds its key taken counts as none, as on SQLite;
	// every compare-and-set of ours changes the row that it matches.
	c.ParseTime, c.Loc, c.ClientFoundRows, c.InterpolateParams = true, time.UTC, false, true
	if c.Collation == "" {
		c.Collation = "utf8mb4_bin"
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["time_zone"] = "'+00:00'"
	// A value that does not fit must be refused, whatever the server is set to.
	c.Params["sql_mode"] = "'TRADITIONAL'"
	// Without RETURNING, which MariaDB has and MySQL has not, an insert counts
	// its rows alike on both.
	db, err := gorm.Open(mysql.New(mysql.Config{DSNConfig: c, DisableWithReturning: true}), cfg)
	if err != nil {
		return nil, fmt.Errorf("连接数据库 %s：%w", c.Addr, err)
	}
	return db, limitPool(db, 32)
}

func openSQLite(path, txlock string, conns int, cfg *gorm.Config) (*gorm.DB, error) {
	q := url.Values{}
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", txlock)
	db, err := gorm.Open(sqlite.Open("file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode()), cfg)
	if err != nil {
		return nil, fmt.Errorf("打开数据库文件 %s：%w", path, err)
	}
	return db, limitPool(db, conns)
}

func limitPool(db *gorm.DB, conns int) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return nil
}

// makeFile creates the file of an embedded database, if it is new, for its
// owner only: it names people and their telephone numbers.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("建立数据库目录：%w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the administrator names the file
	if err != nil {
		return fmt.Errorf("打开数据库文件：%w", err)
	}
	return f.Close()
}

// retryable reports whether a whole transaction may succeed if it is run
// again: a deadlock, a lock that was not granted in time, a certification
// conflict in a cluster, a busy file.
func retryable(err error) bool {
	if my, ok := errors.AsType[*mysqldriver.MySQLError](err); ok {
		// The last four are TiDB's: a write conflict, and transactions that
		// its optimistic mode or a schema change ended.
		return slices.Contains([]uint16{1213, 1205, 1020, 9007, 8002, 8022, 8028}, my.Number)
	}
	if lite, ok := errors.AsType[*gosqlite.Error](err); ok {
		code := lite.Code() & 0xff
		return code == 5 || code == 6 // SQLITE_BUSY, SQLITE_LOCKED
	}
	return false
}

// alreadyThere reports whether a statement of a migration failed because an
// earlier, interrupted run of it got so far: MySQL commits each one by itself.
func alreadyThere(err error) bool {
	my, ok := errors.AsType[*mysqldriver.MySQLError](err)
	return ok && slices.Contains([]uint16{1050, 1060, 1061, 1062}, my.Number)
}

// duplicate reports whether err says that a unique key exists already.
func duplicate(err error) bool {
	if my, ok := errors.AsType[*mysqldriver.MySQLError](err); ok {
		return my.Number == 1062
	}
	if lite, ok := errors.AsType[*gosqlite.Error](err); ok {
		return lite.Code() == 2067 || lite.Code() == 1555 // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
	}
	return false
}

// leaseNow returns the time by which leases are judged. Replicas share a server's
// database, so its clock is theirs; an embedded database has but one program.
func (s *Store) leaseNow(ctx context.Context, db *gorm.DB) (time.Time, error) {
	if s.engine.nowExpr == "" {
		return s.now(), nil
	}
	var t sql.NullTime
	if err := db.WithContext(ctx).Raw("SELECT " + s.engine.nowExpr).Scan(&t).Error; err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	return t.Time, nil
}
