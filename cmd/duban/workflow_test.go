package main

import (
	"strings"
	"testing"
)

func TestWorkflowsAreListedCheckedAndDrawn(t *testing.T) {
	d := newDesk(t)
	contains(t, d.must("workflow", "list"), "corrective_action", "支出纠偏", "分管领导审批 →", "rectification")
	contains(t, d.must("workflow", "list", "--language", "en"), "Corrective action")
	contains(t, d.must("workflow", "graph", "extension"), "<svg", "</svg>")
	contains(t, d.must("workflow", "graph", "extension", "--format", "dot"), "digraph")
	broken := d.file("broken.yaml", "key: x\nversion: 1\ntitel: {zh: 错字}\n")
	d.fails(exitUsage, []string{"broken.yaml", "titel"}, "workflow", "check", broken)
	d.fails(exitUsage, []string{"不是可读的文件"}, "workflow", "check", "nothing")
	d.fails(exitUsage, []string{"svg"}, "workflow", "graph", "extension", "--format", "png")
	if out := d.must("workflow", "graph", "adjustment", "--language", "en"); strings.ContainsAny(out, "审批") {
		t.Error("the English drawing speaks Chinese")
	}
}
