package models

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jonboulle/clockwork"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"duban/models/calendar"
)

// Errors that callers match.
var (
	// ErrNotFound means that there is no such record.
	ErrNotFound = errors.New("没有这条记录")
	// ErrConflict means that somebody else changed the record meanwhile.
	ErrConflict = errors.New("记录已被他人修改")
	// ErrLeaseLost means that another worker holds the message by now.
	ErrLeaseLost = errors.New("租约已失效")
)

// Options say which database to open.
type Options struct {
	Driver Driver // SQLite unless set
	DSN    string // a file's path, or a go-sql-driver connection string
	Clock  clockwork.Clock
	// Trace, if set, is told each statement after it ran.
	Trace func(sql string)
}

// tracer is the logger of gorm that tells of statements and logs nothing.
type tracer struct {
	logger.Interface
	tell func(sql string)
}

func (t tracer) LogMode(logger.LogLevel) logger.Interface { return t }

func (t tracer) Trace(_ context.Context, _ time.Time, statement func() (string, int64), _ error) {
	sql, _ := statement()
	t.tell(sql)
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	engine engine
	write  *gorm.DB
	read   *gorm.DB
	clock  clockwork.Clock
}

// Open connects to the database. It neither creates nor changes a schema; see
// [Store.Migrate].
func Open(ctx context.Context, opt Options) (*Store, error) {
	if opt.Driver == "" {
		opt.Driver = SQLite
	}
	e, ok := engines[opt.Driver]
	if !ok {
		return nil, fmt.Errorf("未知的数据库类型 %q，应为 sqlite 或 mysql", opt.Driver)
	}
	if opt.Clock == nil {
		opt.Clock = clockwork.NewRealClock()
	}
	s := &Store{engine: e, clock: opt.Clock}
	cfg := &gorm.Config{
		Logger:                 logger.Discard, // errors are returned, never logged twice
		NowFunc:                s.now,
		PrepareStmt:            opt.Driver == SQLite,
		SkipDefaultTransaction: true,
	}
	if opt.Trace != nil {
		cfg.Logger = tracer{logger.Discard, opt.Trace}
	}
	var err error
	if s.write, s.read, err = e.pools(opt.DSN, cfg); err != nil {
		return nil, err
	}
	return s, s.Ping(ctx)
}

// Close closes the connections.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*gorm.DB{s.write, s.read} {
		pool, err := db.DB()
		if err == nil {
			err = pool.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	pool, err := s.read.DB()
	if err != nil {
		return err
	}
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("数据库没有响应：%w", err)
	}
	return nil
}

// Driver returns the engine's name.
func (s *Store) Driver() Driver { return s.engine.driver }

// Read returns a handle for queries outside a transaction. Nothing may be
// written through it.
func (s *Store) Read(ctx context.Context) *gorm.DB { return s.read.WithContext(ctx) }

// now is the injected clock, as times are stored: UTC, to the microsecond.
func (s *Store) now() time.Time { return stored(s.clock.Now()) }

func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Today returns the civil date in Shanghai by the injected clock.
func (s *Store) Today() calendar.Date { return calendar.DateOf(s.clock.Now()) }

// Tx is one transaction: the only way to write. What it does and the audit
// entries that say so are committed together or not at all.
type Tx struct {
	store   *Store
	db      *gorm.DB
	actor   string
	entries []AuditEntry
	undo    []func() // gives records the versions that a failed attempt took
}

// maxActor is the longest actor that is stored, in characters.
const maxActor = 64

// maxText bounds what is stored of an error's text.
const maxText = 2000

func clipText(s string) string { return clip(s, maxText) }

// clip shortens s to limit characters, and shows that it did.
func clip(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// txAttempts bounds how often a transaction that lost a race is run again.
const txAttempts = 8

// Tx runs fn in a transaction as the given actor (an account, or "system"),
// and runs it again from the start when the database asks for that, or when
// somebody else changed what fn had read. So fn must not keep effects outside
// the transaction.
func (s *Store) Tx(ctx context.Context, actor string, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		tx := &Tx{store: s, actor: clip(actor, maxActor)}
		err := s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
			tx.db = db
			if err := fn(tx); err != nil {
				return err
			}
			return tx.appendAudit()
		}, &sql.TxOptions{Isolation: s.engine.isolation})
		if err == nil {
			return nil
		}
		for _, undo := range tx.undo {
			undo()
		}
		if attempt == txAttempts || (!retryable(err) && !errors.Is(err, ErrConflict)) {
			return err
		}
		backoff := time.Duration(attempt*attempt) * time.Duration(1+rand.IntN(5)) * time.Millisecond //nolint:gosec // jitter
		// Another transaction must really get time, whatever day a simulated
		// clock shows.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-clockwork.NewRealClock().After(backoff):
		}
	}
}

// View runs fn on one state of the database, whatever is written meanwhile.
// Nothing may be written through its Tx.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	return s.Read(ctx).Transaction(func(db *gorm.DB) error {
		return fn(&Tx{store: s, db: db})
	}, &sql.TxOptions{Isolation: s.engine.snapshot})
}

// Store returns the store of which tx is a transaction.
func (tx *Tx) Store() *Store { return tx.store }

// Actor returns the account on whose behalf the transaction runs.
func (tx *Tx) Actor() string { return tx.actor }

// As names who acts, where that is known only inside the transaction.
func (tx *Tx) As(actor string) { tx.actor = clip(actor, maxActor) }

// insertChunk bounds the placeholders of one statement: SQLite takes 32,766.
const insertChunk = 500

// Create inserts a record, and fills in its id, or a slice of records, whose
// ids must not be relied on.
func (tx *Tx) Create(records any) error {
	if err := tx.db.CreateInBatches(records, insertChunk).Error; err != nil {
		return fmt.Errorf("insert %T: %w", records, err)
	}
	return nil
}

// createMissing inserts those of the records whose unique key is not there
// yet, and returns how many it inserted.
func (tx *Tx) createMissing(records any) (int64, error) {
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(records, insertChunk)
	if res.Error != nil {
		return 0, fmt.Errorf("insert %T: %w", records, res.Error)
	}
	return res.RowsAffected, nil
}

// save writes every column of a record whose stored version is still the one
// that was read, and moves it to the next version.
func save[T any](tx *Tx, record *T, id int64, version *int64) error {
	was := *version
	*version = was + 1
	tx.undo = append(tx.undo, func() { *version = was })
	res := tx.db.Model(record).Select("*").Omit("created_at").Where("id = ? AND version = ?", id, was).Updates(record)
	if res.Error != nil {
		return fmt.Errorf("update %T %d: %w", *record, id, res.Error)
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("%T %d: %w", *record, id, ErrConflict)
	}
	return nil
}

// Audit records what was done; detail is stored as JSON.
func (tx *Tx) Audit(action, entity string, id int64, detail any) error {
	b, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	tx.entries = append(tx.entries, AuditEntry{
		At: tx.store.now(), Actor: tx.actor, Action: action, Entity: entity, EntityID: id, Detail: string(b),
	})
	return nil
}
