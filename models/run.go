package models

import "time"

// RunState is the state of a job run.
type RunState string

// The states of a run.
const (
	RunRunning RunState = "running"
	RunDone    RunState = "done"
	RunFailed  RunState = "failed"
	RunSkipped RunState = "skipped" // missed, and the misfire policy says skip
)

// JobRun is one fire of a schedule. Job and ScheduledAt are unique together:
// whoever inserts the row runs the job, and no one else does.
type JobRun struct {
	ID int64
	Stamps
	Job         string
	ScheduledAt time.Time
	StartedAt   *time.Time
	EndedAt     *time.Time
	State       RunState
	Counts      map[string]int `gorm:"serializer:json"`
	Error       string
}

// AuditEntry is one thing that was done (审计). Entries are only ever added;
// each one's hash covers the one before it.
type AuditEntry struct {
	Seq      int64 `gorm:"primaryKey"`
	At       time.Time
	Actor    string // an account, or system
	Action   string // obligation.missed, import.applied, ...
	Entity   string // projects, obligations, ...
	EntityID int64
	Detail   string // JSON: what was and what is
	PrevHash string
	Hash     string
}
