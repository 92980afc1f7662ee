package importer_test

import (
	"errors"
	"testing"

	"duban/importer"
	"duban/models"
)

func TestDeadlinesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]string{
		"2025年12月15日":           "2025-12-15",
		"2025年12月15日前":          "2025-12-15",
		"2025年12月15日之前完成":       "2025-12-15",
		"２０２５年１２月１５日":           "2025-12-15",
		"2025 年 12 月 15 日":      "2025-12-15",
		"2025.12.31":            "2025-12-31",
		"2025-12-31":            "2025-12-31",
		"2025/12/31前":           "2025-12-31",
		"2025-06-30至2025-12-31": "2025-12-31",
		"2025年1月1日—12月31日":      "2025-12-31",
		"1月-12月":                "2025-12-31",
		"2025年11月底前":            "2025-11-30",
		"2025年2月底":              "2025-02-28",
		"6月底前":                  "2025-06-30",
		"12月15日前":               "2025-12-15",
		"12月15号前":               "2025-12-15",
		"2025年12月":              "2025-12-31",
		"12月份完成":                "2025-12-31",
		"一季度末":                  "2025-03-31",
		"第三季度":                  "2025-09-30",
		"上半年":                   "2025-06-30",
		"年底前":                   "2025-12-31",
		"2025年底":                "2025-12-31",
		"2025年年底前":              "2025-12-31",
		"2025年内":                "2025-12-31",
		"不晚于2025年10月31日":        "2025-10-31",
		"2024年10月22日":           "2024-10-22", // outside the year, which the caller flags
	} {
		got, err := importer.ParseTimeEffect(text, 2025)
		if err != nil || got.DueOn.String() != want || got.Recurrence != "" {
			t.Errorf("%s: %+v, %v; want %s", text, got, err, want)
		}
	}
}

func TestRecurrencesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]models.Recurrence{
		"每月10日前":    models.MonthlyOn(10),
		"每月 10 日前":  models.MonthlyOn(10),
		"每月25号":     models.MonthlyOn(25),
		"于每个月5日前支付": models.MonthlyOn(5),
		"按月发放":      models.MonthlyEnd,
		"每月":        models.MonthlyEnd,
		"每月底":       models.MonthlyEnd,
		"每月月底前":     models.MonthlyEnd,
		"逐月按时足额发放":  models.MonthlyEnd,
		"每季度末":      models.QuarterlyEnd,
		"每季度末前":     models.QuarterlyEnd,
		"按季度支付":     models.QuarterlyEnd,
		"每季支付":      models.QuarterlyEnd,
	} {
		got, err := importer.ParseTimeEffect(text, 2025)
		if err != nil || got.Recurrence != want || !got.DueOn.IsZero() {
			t.Errorf("%s: %+v, %v; want %s", text, got, err, want)
		}
	}
}

func TestPlainQuantitiesAreNoDeadlines(t *testing.T) {
	for _, text := range []string{"<24 小时", "≥95%", "100 %", "≤3个工作日", "不超过30天", "12个月", "及时率≥95%"} {
		got, err := importer.ParseTimeEffect(text, 2025)
		if text == "及时率≥95%" {
			if !errors.Is(err, importer.ErrNeedsDate) {
				t.Errorf("%s: %+v, %v", text, got, err)
			}
			continue
		}
		if err != nil || got != (importer.TimeEffect{}) {
			t.Errorf("%s: %+v, %v; want neither date nor error", text, got, err)
		}
	}
}

func TestTextThatNamesNoDayNeedsAPerson(t *testing.T) {
	for _, text := range []string{
		"", "及时", "合同签订后30日内", "30日内", "10日前", "3个月内", "全年", "2025年", "2025年6月31日", "2025年13月",
		"2025年6月30日后", "2025年3月起", "6月前", "6月初", "12月中旬", "三季度前", "3月底和9月底", "2025年6月30日、12月31日",
		"每月5日和20日", "每月32日", "每月0日", "每月初", "每月10日前、每季度末", "每月至少2次", "每月十日前", "每季度首月10日前",
		"每年", "每周", "次月10日前", "每月最后一个工作日", "每月发放前", "2025年每月10日前，12月31日止",
	} {
		if got, err := importer.ParseTimeEffect(text, 2025); !errors.Is(err, importer.ErrNeedsDate) {
			t.Errorf("%q: %+v, %v; want ErrNeedsDate", text, got, err)
		}
	}
}

func TestWithoutAFiscalYearADateNeedsItsOwn(t *testing.T) {
	if got, err := importer.ParseTimeEffect("6月底前", 0); !errors.Is(err, importer.ErrNeedsDate) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := importer.ParseTimeEffect("2025年6月底前", 0); err != nil || got.DueOn.String() != "2025-06-30" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestIndicatorValuesAreParsed(t *testing.T) {
	for text, want := range map[string]importer.Value{
		"≥4次":             {"≥", "4", "次"},
		"≥4 次":            {"≥", "4", "次"},
		"<24 小时":          {"<", "24", "小时"},
		"＜24小时":           {"<", "24", "小时"},
		"100 %":           {"=", "100", "%"},
		"１００％":            {"=", "100", "%"},
		"2500 元":          {"=", "2500", "元"},
		"1,500.5元":        {"=", "1500.5", "元"},
		"≤350 元/天":        {"≤", "350", "元/天"},
		"3 个/单位":          {"=", "3", "个/单位"},
		"≥210 平方米（等候区除外）": {"≥", "210", "平方米"},
		"≥5 万次":           {"≥", "5", "万次"},
		"不低于95%":          {"≥", "95", "%"},
		"不高于3.5万元":        {"≤", "3.5", "万元"},
		"大于等于90":          {"≥", "90", ""},
		">=90%":           {"≥", "90", "%"},
		"95%以上":           {"≥", "95", "%"},
		"4次及以上":           {"≥", "4", "次"},
		"30分钟以内":          {"≤", "30", "分钟"},
		"小于5人":            {"<", "5", "人"},
		"-5℃":             {"=", "-5", "℃"},
	} {
		if got, ok := importer.ParseValue(text); !ok || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, ok, want)
		}
	}
}

func TestQualitativeValuesStayTexts(t *testing.T) {
	for _, text := range []string{
		"", "尽量降低成本", "大专学历及以上", "不低于市最低工资标准", "文件通知", "2025年12月15日", "每月10日前",
		"3—5次", "约50人", "传递效率不低于上年", "≥4次/年，≤6次", "1,23", "达标率95%",
	} {
		if got, ok := importer.ParseValue(text); ok {
			t.Errorf("%s: %+v; want no number", text, got)
		}
	}
}
