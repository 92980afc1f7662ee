package config

import (
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// envPrefix begins the name of every variable that duban reads.
const envPrefix = "DUBAN_"

// field is one key of a configuration and the place that holds its value.
type field struct {
	key   string // mail.port
	value reflect.Value
}

// fieldsOf returns the keys of c in the order in which the structs state them.
func fieldsOf(c *Config) []field {
	return collect(nil, "", reflect.ValueOf(c).Elem())
}

func collect(fields []field, prefix string, v reflect.Value) []field {
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		switch {
		case key == "":
		case v.Field(i).Kind() == reflect.Struct:
			fields = collect(fields, prefix+key+".", v.Field(i))
		default:
			fields = append(fields, field{prefix + key, v.Field(i)})
		}
	}
	return fields
}

// env returns the name of the variable that overrides the field.
func (f field) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.key, ".", "_"))
}

// secret reports whether the value as written must not be repeated. A DSN may
// hold a password.
func (f field) secret() bool {
	_, ok := f.value.Interface().(Secret)
	return ok
}

// expected says in words what may be written for the field.
func (f field) expected() string {
	switch f.value.Interface().(type) {
	case time.Duration:
		return "带单位的时长，如 30s、5m、72h"
	case slog.Level:
		return "debug、info、warn 或 error"
	case bool:
		return "true 或 false，不加引号"
	case int:
		return "整数，不加引号"
	}
	return "文字，像数字的要加引号，留空写 \"\""
}
