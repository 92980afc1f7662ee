package importer_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/xuri/excelize/v2"
)

// workbook generates the workbook of a whole province, one block of rows a
// project.
func workbook(b *testing.B, projects int) []byte {
	b.Helper()
	book := excelize.NewFile()
	defer book.Close()
	sheet, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	percent, err := book.NewStyle(&excelize.Style{NumFmt: 9})
	if err != nil {
		b.Fatal(err)
	}
	line := 0
	put := func(cells ...any) {
		line++
		if err := sheet.SetRow(fmt.Sprintf("A%d", line), cells); err != nil {
			b.Fatal(err)
		}
	}
	share := func(v float64) excelize.Cell { return excelize.Cell{StyleID: percent, Value: v} }
	put("2025年度预算项目绩效目标")
	for i := range projects {
		put("603001某某市住房公积金管理中心本级", nil, nil, nil, nil, "单位：万元")
		put("项目编码", fmt.Sprintf("13020025P%012d", i), "项目名称", fmt.Sprintf("项目%d", i))
		put("预算规模及资金用途", "预算数", 58.5, "其中：财政资金", 58.5, "其他资金")
		put(nil, "日常运转支出")
		put("资金支出计划（%）", "3月底", "6月底", "10月底", "12月底")
		put(nil, nil, share(0.5), share(0.75), share(1))
		put("绩效目标", "保障运转")
		put("一级指标", "二级指标", "三级指标", "绩效指标描述", "指标值", "指标值确定依据")
		put("产出指标", "数量指标", "服务次数", "服务次数", "≥4次", "工作计划")
		put(nil, "质量指标", "合格率", "合格率", share(1), "工作计划")
		put(nil, "时效指标", "完成时限", "完成时限", "2025年12月15日", "工作计划")
		put(nil, "成本指标", "单价", "单价", "尽量降低成本", "工作计划")
		put("效益指标", "社会效益指标", "服务单位数量", "服务单位数量", "≥4个", "工作计划")
		put("满意度指标", "服务对象满意度指标", "满意度", "满意度", "≥95%", "工作计划")
	}
	if err := sheet.Flush(); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	if err := book.Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkReadWorkbook(b *testing.B) {
	const projects = 20_000
	data := workbook(b, projects)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		draft := read(b, "province.xlsx", data)
		if got := len(draft.Units[0].Projects); got != projects {
			b.Fatalf("%d projects; want %d", got, projects)
		}
	}
}
