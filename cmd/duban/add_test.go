package main

import (
	"testing"

	"duban/models"
)

func TestDutiesThatNoDocumentStatesAreAddedByHand(t *testing.T) {
	d := newOffice(t)
	contains(t, d.must("add", "--kind", "rectification", "--unit", "603001", "--due", "2999-09-30", "--title", "审计整改"), "审计整改", "2999-09-30")
	d.must("add", "--project", "13020025P00260010003Q", "--year", "2025", "--due", "2999-09-30", "--title", "会议备案")
	d.must("add", "--project", "13020025P00260010003Q", "--year", "2025", "--due", "2999-09-30", "--title", "同一天的另一件")

	var added []models.Obligation
	if err := d.store().Read(t.Context()).Where("due_on = '2999-09-30'").Order("id").Find(&added).Error; err != nil {
		t.Fatal(err)
	}
	if len(added) != 3 || added[0].ProjectID != 0 || added[1].ProjectID == 0 || added[2].Sequence != 1 {
		t.Fatalf("added %+v", added)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"procurement", []string{"add", "--kind", "spending_target", "--unit", "603001", "--due", "2999-09-30", "--title", "x"}},
		{"--title", []string{"add", "--unit", "603001", "--due", "2999-09-30"}},
		{"--due", []string{"add", "--unit", "603001", "--title", "x"}},
		{"其中一个", []string{"add", "--due", "2999-09-30", "--title", "x"}},
		{"没有这个项目", []string{"add", "--project", "X", "--due", "2999-09-30", "--title", "x"}},
		{"没有这个预算单位", []string{"add", "--unit", "X", "--due", "2999-09-30", "--title", "x"}},
	} {
		d.fails(exitUsage, []string{c.says}, c.args...)
	}
}

func TestHolidaysAreImportedLikeAnyOtherList(t *testing.T) {
	d := newOffice(t)
	file := d.file("2027.csv", "日期,类型,名称\n2027-01-01,放假,元旦\n2027-10-01,放假,国庆节\n")
	contains(t, d.must("import", file), "新增 2")
	contains(t, d.must("import", file), "没有变化")
}

func TestTheDemonstrationIsForThisMachineOnly(t *testing.T) {
	newDesk(t).fails(exitUsage, []string{"server.listen", "0.0.0.0:0"}, "demo", "--listen", "0.0.0.0:0")
}
