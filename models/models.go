// Package models answers what duban stores, what is valid, and how it is read
// and written: entities, versioned migrations, and the queries over them.
//
// It imports nothing else of duban but money and calendar. Everything is
// written inside [Store.Tx], together with the audit entry that records it.
// The same code runs on SQLite, MySQL and MariaDB; what differs between the
// engines stands in engine.go and nowhere else.
package models

import (
	"slices"
	"time"

	"duban/models/calendar"
)

// Stamps are the creation and modification times (UTC) that every table has.
type Stamps struct {
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Unit is a budget unit (预算单位), the publisher of performance targets.
type Unit struct {
	ID int64
	Stamps
	Code string // as published, 603001
	Name string
	// RecordsAsOf is the day up to which the unit's payments are on record
	// (支出记录截至): what was paid later is not known yet.
	RecordsAsOf calendar.Date
	Version     int64
}

// Role says what a user answers for (角色).
type Role string

// The roles, from the one who reports to the one who decides.
const (
	RoleOwner   Role = "owner"   // 项目负责人/经办人
	RoleManager Role = "manager" // 科室负责人
	RoleFinance Role = "finance" // 财务科
	RoleOffice  Role = "office"  // 办公室
	RoleLeader  Role = "leader"  // 分管领导
	RoleHead    Role = "head"    // 单位主要负责人（主任）
	RoleAdmin   Role = "admin"   // 系统管理员
)

// Roles lists every role.
var Roles = []Role{RoleOwner, RoleManager, RoleFinance, RoleOffice, RoleLeader, RoleHead, RoleAdmin}

// Language is the language in which a user is addressed.
type Language string

// The languages that duban speaks.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// User is a person whom duban reminds or asks.
type User struct {
	ID int64
	Stamps
	Account  string // unique login name, 账号
	Name     string
	Email    string
	Mobile   string
	Language Language
	UnitID   int64
	Roles    []Role `gorm:"serializer:json"`
	Reach    Reach  `gorm:"serializer:json"`
	Active   bool
	Version  int64
}

// Has reports whether the user has the role.
func (u User) Has(r Role) bool { return slices.Contains(u.Roles, r) }

// ImportKind says what kind of file a batch came from.
type ImportKind string

// The kinds of files that duban imports.
const (
	ImportTargets  ImportKind = "targets"  // 绩效目标文件
	ImportPayments ImportKind = "payments" // 支出明细
	ImportPeople   ImportKind = "people"   // 人员与项目分工
	ImportHolidays ImportKind = "holidays" // 节假日与调休安排
)

// ImportBatch is one imported file (导入批次), the source that records name.
type ImportBatch struct {
	ID int64
	Stamps
	Kind     ImportKind
	FileName string
	SHA256   string // of the bytes, hexadecimal
	Actor    string
	Created  int // records created
	Updated  int // records changed
	Problems int // problems in the data that were flagged
}
