package workflows

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a definition.
type Problem struct {
	Line    int    // 1-based, 0 if it is not known
	Step    string // "" if it is not about a step
	Field   string // the key as a path: title.zh, form[2].max
	Message string
}

// String returns the problem in one line, as in
//
//	第 12 行，步骤 confirm，mode：应为 any、all、sequential、share 之一
func (p Problem) String() string {
	var parts []string
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("第 %d 行", p.Line))
	}
	if p.Step != "" {
		parts = append(parts, "步骤 "+p.Step)
	}
	if p.Field != "" {
		parts = append(parts, p.Field)
	}
	if len(parts) == 0 {
		return p.Message
	}
	return strings.Join(parts, "，") + "：" + p.Message
}

// InvalidError is all that is wrong with a definition, at least one problem,
// in the order of its lines.
type InvalidError []Problem

// Error returns one problem a line.
func (e InvalidError) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return "流程定义有误：\n" + strings.Join(lines, "\n")
}

// place is where in a definition something stands.
type place struct{ step, field string }
