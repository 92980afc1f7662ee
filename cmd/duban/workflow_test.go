package main

import (
	"strings"
	"testing"

	"duban/workflows"
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

func TestAWorkflowIsPublishedOnceForEachVersion(t *testing.T) {
	d := newOffice(t)
	catalog, err := workflows.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	source := catalog["extension"].Source()
	d.fails(exitUsage, []string{"版本号应大于 1"}, "workflow", "publish", d.file("other.yaml", strings.Replace(source, "max: 1000", "max: 900", 1)))
	second := d.file("second.yaml", strings.Replace(source, "version: 1", "version: 2", 1))
	contains(t, d.must("workflow", "publish", second), "已发布：完成时限延期 第 2 版")
	contains(t, d.must("workflow", "publish", second), "已发布") // again is no error
	d.fails(exitUsage, []string{"第 1 行"}, "workflow", "publish", d.file("bad.yaml", "key: 1"))
	contains(t, d.must("workflow", "revive"), "重新排队 0 个")
}

func TestALoginLinkIsPrintedForAnAccount(t *testing.T) {
	d := newOffice(t)
	out := d.must("login", "hejing")
	contains(t, out, "何静（hejing）", "http://127.0.0.1:8080/links/", "验证码 ")
	d.fails(exitUsage, []string{"没有账号"}, "login", "nobody")
	contains(t, d.must("audit", "verify"), "完整")
}
