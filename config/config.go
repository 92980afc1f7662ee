// Package config answers what the administrator configured: one struct, filled
// from three layers of which the later wins.
//
//  1. defaults, with which duban runs on one machine and sends nothing;
//  2. a YAML file, deploy/duban.example.yaml explains every key of it;
//  3. environment variables: mail.password_file is DUBAN_MAIL_PASSWORD_FILE.
//
// [Load] either returns a configuration that is valid as a whole, or an [Error]
// that names everything wrong at once: where it was written, the key, its value,
// and what was expected. No error, no log line and no listing that this package
// produces contains a password.
//
// What supervisors change while the server runs (reminder rules, thresholds,
// schedules, holidays) is in the database and not here.
package config

import (
	"log/slog"
	"time"
)

// Config is everything that is decided before the server starts. The yaml tag
// of a field is its key in the file; the env tag is its environment variable
// without DUBAN_ and the section's prefix.
type Config struct {
	Database Database `yaml:"database" envPrefix:"DATABASE_"`
	Server   Server   `yaml:"server" envPrefix:"SERVER_"`
	Mail     Mail     `yaml:"mail" envPrefix:"MAIL_"`
	SMS      SMS      `yaml:"sms" envPrefix:"SMS_"`
	Gateway  Gateway  `yaml:"gateway" envPrefix:"GATEWAY_"`
	CMPP     CMPP     `yaml:"cmpp" envPrefix:"CMPP_"`
	WeCom    Robot    `yaml:"wecom" envPrefix:"WECOM_"`
	DingTalk Robot    `yaml:"dingtalk" envPrefix:"DINGTALK_"`
	Feishu   Robot    `yaml:"feishu" envPrefix:"FEISHU_"`
	Webhook  Webhook  `yaml:"webhook" envPrefix:"WEBHOOK_"`
	Delivery Delivery `yaml:"delivery" envPrefix:"DELIVERY_"`
	Outbox   Outbox   `yaml:"outbox" envPrefix:"OUTBOX_"`
	Watch    Watch    `yaml:"watch" envPrefix:"WATCH_"`
	Language string   `yaml:"language" env:"LANGUAGE"` // zh-CN or en
	Log      Log      `yaml:"log" envPrefix:"LOG_"`

	origins map[string]origin // where each key that is not a default was set
}

// The values of Database.Driver.
const (
	DriverSQLite = "sqlite"
	DriverMySQL  = "mysql" // MySQL 8, MariaDB 10.6 or later, TiDB
)

// Database says where everything is stored.
type Database struct {
	Driver string `yaml:"driver" env:"DRIVER"`
	// DSN is the file's path for SQLite, and user:password@tcp(host:port)/name
	// (go-sql-driver/mysql) for MySQL.
	DSN Secret `yaml:"dsn" env:"DSN"`
}

// Server says where the console listens.
type Server struct {
	Listen  string `yaml:"listen" env:"LISTEN"`     // host:port
	BaseURL string `yaml:"base_url" env:"BASE_URL"` // for links in messages, "" for none
	// AllowRemote permits a Listen address that other machines can reach.
	// Whoever comes from another machine has to log in.
	AllowRemote bool `yaml:"allow_remote" env:"ALLOW_REMOTE"`
}

// The values of Mail.Security.
const (
	SecuritySTARTTLS = "starttls"
	SecurityTLS      = "tls"
	SecurityNone     = "none"
)

// Mail is the SMTP server through which e-mail leaves. Without a Host there is
// none.
type Mail struct {
	Host     string `yaml:"host" env:"HOST"`
	Port     int    `yaml:"port" env:"PORT"`
	Security string `yaml:"security" env:"SECURITY"`
	Username string `yaml:"username" env:"USERNAME"` // "" for no authentication
	// Password is what to log in with. Load fills it from PasswordFile.
	Password     Secret        `yaml:"password" env:"PASSWORD"`
	PasswordFile string        `yaml:"password_file" env:"PASSWORD_FILE"`
	From         string        `yaml:"from" env:"FROM"`           // the sender's address
	FromName     string        `yaml:"from_name" env:"FROM_NAME"` // the sender's name
	HELO         string        `yaml:"helo" env:"HELO"`           // "" for the machine's name
	Timeout      time.Duration `yaml:"timeout" env:"TIMEOUT"`     // of one message
	Connections  int           `yaml:"connections" env:"CONNECTIONS"`
	CAFile       string        `yaml:"ca_file" env:"CA_FILE"` // PEM, "" for the system's
}

// Configured reports whether there is an SMTP server to send through.
func (m Mail) Configured() bool { return m.Host != "" }

// Outbox says how messages are taken from the database and delivered.
type Outbox struct {
	Dir     string        `yaml:"dir" env:"DIR"`         // of the file channel
	Workers int           `yaml:"workers" env:"WORKERS"` // messages in delivery at once
	Batch   int           `yaml:"batch" env:"BATCH"`     // messages claimed at once
	Lease   time.Duration `yaml:"lease" env:"LEASE"`     // how long a claim holds
	MaxAge  time.Duration `yaml:"max_age" env:"MAX_AGE"` // when to give a message up
}

// The values of Log.Format.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Log says what the server writes to standard error.
type Log struct {
	Level  slog.Level `yaml:"level" env:"LEVEL"`
	Format string     `yaml:"format" env:"FORMAT"`
}

// The values of Config.Language.
const (
	Chinese = "zh-CN"
	English = "en"
)

// Default returns the configuration of a server for which nobody has
// configured anything: an SQLite file, a console for this machine only, and
// messages that become files.
func Default() *Config {
	return &Config{
		Database: Database{Driver: DriverSQLite, DSN: "./data/duban.db"},
		Server:   Server{Listen: "127.0.0.1:8080"},
		Mail: Mail{
			Port:        587,
			Security:    SecuritySTARTTLS,
			FromName:    "督办提醒",
			Timeout:     30 * time.Second,
			Connections: 2,
		},
		SMS: SMS{
			Timeout:         15 * time.Second,
			ReceiptWait:     time.Hour,
			PerNumberMinute: 2,
			PerNumberHour:   10,
			PerNumberDay:    30,
			PerSecond:       10,
		},
		Gateway:  Gateway{Method: "POST"},
		CMPP:     CMPP{Version: CMPP20, FeeType: "01", FeeCode: "000000", Connections: 1, Window: 16, MaxParts: 10},
		Delivery: Delivery{FallbackAfter: 2 * time.Hour, UrgentFallbackAfter: 15 * time.Minute},
		Watch:    Watch{HeartbeatEvery: 5 * time.Minute, QueueAge: 30 * time.Minute},
		Outbox: Outbox{
			Dir:     "./data/outbox",
			Workers: 2,
			Batch:   50,
			Lease:   5 * time.Minute,
			MaxAge:  72 * time.Hour,
		},
		Language: Chinese,
		Log:      Log{Level: slog.LevelInfo, Format: FormatText},
	}
}
