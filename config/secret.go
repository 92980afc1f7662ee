package config

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mask stands where a secret is not shown.
const mask = "******"

// Secret is text that must not be shown. However it is printed, logged or
// marshalled, only a mask appears; string(s) is the text itself.
type Secret string

// String implements fmt.Stringer. An empty secret hides nothing.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString implements fmt.GoStringer, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Shown returns the DSN without its password: enough to see which database is
// meant, and a mask where even that would be a guess.
func (d Database) Shown() string {
	dsn := string(d.DSN)
	if d.Driver == DriverSQLite {
		if strings.Contains(dsn, "@") { // a MySQL DSN under the wrong driver
			return mask
		}
		return dsn
	}
	parsed, err := mysql.ParseDSN(dsn)
	if err != nil {
		return d.DSN.String()
	}
	if parsed.Passwd != "" {
		parsed.Passwd = mask
	}
	return parsed.FormatDSN()
}

// Setting is one key as it stands in a configuration.
type Setting struct {
	Key    string // mail.port
	Value  string // "" if empty; never a secret
	Origin string // duban.yaml:12, DUBAN_MAIL_PORT, or "" for a default
}

// Redacted lists every key in the order of the sample file, for an
// administrator who asks what is in force and why. Secrets are masked.
func (c *Config) Redacted() []Setting {
	fields := fieldsOf(c)
	settings := make([]Setting, len(fields))
	for i, f := range fields {
		settings[i] = Setting{f.key, c.shown(f), c.origins[f.key].String()}
	}
	return settings
}

// String lists every key with its value and its origin, one a line, with
// secrets masked.
func (c *Config) String() string {
	var b strings.Builder
	for _, s := range c.Redacted() {
		origin := s.Origin
		if origin == "" {
			origin = "默认值"
		}
		fmt.Fprintf(&b, "%s: %s  # %s\n", s.Key, s.Value, origin)
	}
	return b.String()
}

// shown returns the value of a field for display.
func (c *Config) shown(f field) string {
	if f.key == "database.dsn" {
		return c.Database.Shown()
	}
	return fmt.Sprint(f.value.Interface())
}
