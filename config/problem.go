package config

import (
	"fmt"
	"strings"
)

// Code identifies a kind of problem for programs. Codes never change.
type Code string

// The kinds of problems.
const (
	CodeUnreadable   Code = "unreadable"    // a file is missing or cannot be read
	CodeSyntax       Code = "syntax"        // the file is not YAML
	CodeUnknownKey   Code = "unknown_key"   // no such key or variable
	CodeDuplicateKey Code = "duplicate_key" // the key stands twice in the file
	CodeWrongType    Code = "wrong_type"    // text for a number, and the like
	CodeInvalid      Code = "invalid_value" // the type is right, the value is not
	CodeRequired     Code = "required"      // another key makes this one necessary
	CodeConflict     Code = "conflict"      // it contradicts another key
	CodeInsecure     Code = "insecure"      // it would expose data
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Code     Code
	Key      string // mail.port; "" if it is about a whole file
	File     string // where it was written; "" if it was not in a file
	Line     int    // 1-based; 0 if the line is not known
	Env      string // the variable that set it; "" if none did
	Value    string // as written; "" if absent, masked or "" if secret
	Expected string // what was expected, in words
}

// String returns the problem in one line, as in
//
//	duban.yaml:12: mail.port 的值 "x" 不对，应为：整数，不加引号 [wrong_type]
func (p Problem) String() string {
	var b strings.Builder
	if o := (origin{p.File, p.Line, p.Env}).String(); o != "" {
		b.WriteString(o + ": ")
	}
	b.WriteString(p.what())
	if p.Expected != "" {
		b.WriteString("，应为：" + p.Expected)
	}
	fmt.Fprintf(&b, " [%s]", p.Code)
	return b.String()
}

func (p Problem) what() string {
	switch p.Code {
	case CodeUnreadable:
		return strings.TrimSpace(p.Key + " 文件无法读取：" + p.Value)
	case CodeSyntax:
		return "YAML 写法有误：" + p.Value
	case CodeUnknownKey:
		return "没有 " + p.Key + " 这一项"
	case CodeDuplicateKey:
		return p.Key + " 重复，" + p.Value
	default:
		if p.Value == "" {
			return p.Key + " 的值不对"
		}
		return fmt.Sprintf("%s 的值 %q 不对", p.Key, p.Value)
	}
}

// Error is all that is wrong with a configuration, at least one problem.
type Error []Problem

// Error returns one problem a line.
func (e Error) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return "配置有误：\n" + strings.Join(lines, "\n")
}

// asError returns the problems as an [Error], or nil if there are none.
func asError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return Error(problems)
}

// origin is where a value was written. Its zero value is nowhere: a default.
type origin struct {
	file string
	line int
	env  string
}

// String returns the variable, the file with its line, or "" for a default.
func (o origin) String() string {
	switch {
	case o.env != "":
		return "环境变量 " + o.env
	case o.line > 0:
		return fmt.Sprintf("%s:%d", o.file, o.line)
	}
	return o.file
}
