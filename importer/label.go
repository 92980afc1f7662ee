package importer

import (
	"regexp"
	"strings"

	"duban/models/money"
)

// label is what a cell names. Templates differ from place to place in where
// they put things, but hardly in what they call them.
type label int

const (
	noLabel label = iota
	labelUnit
	labelCode
	labelName
	labelBudgetGroup // 预算规模及资金用途, which spans amounts and purpose
	labelBudget
	labelFiscal
	labelOther
	labelPurpose
	labelPlan
	labelGoal
	labelLevel1
	labelLevel2
	labelLevel3
	labelDescription
	labelValue
	labelBasis
	labelSign    // a column of its own for ≥ and ≤
	labelMeasure // and one for the unit of the value
)

// vocabulary is what published templates call things, without spaces, remarks
// in parentheses, and 其中.
var vocabulary = map[string]label{
	"预算单位": labelUnit, "单位名称": labelUnit, "实施单位": labelUnit, "项目单位": labelUnit,
	"项目编码": labelCode, "项目代码": labelCode, "项目编号": labelCode,
	"项目名称":      labelName,
	"预算规模及资金用途": labelBudgetGroup, "资金规模及用途": labelBudgetGroup, "预算规模": labelBudgetGroup,
	"预算数": labelBudget, "预算金额": labelBudget, "预算总额": labelBudget, "年度预算": labelBudget,
	"年度预算数": labelBudget, "资金总额": labelBudget, "年度资金总额": labelBudget, "项目预算": labelBudget,
	"财政资金": labelFiscal, "财政拨款": labelFiscal, "财政性资金": labelFiscal,
	"其他资金": labelOther, "其它资金": labelOther,
	"资金用途": labelPurpose, "项目用途": labelPurpose, "用途": labelPurpose,
	"资金支出计划": labelPlan, "支出计划": labelPlan, "资金使用计划": labelPlan, "用款计划": labelPlan, "支出进度计划": labelPlan,
	"绩效目标": labelGoal, "项目绩效目标": labelGoal, "年度绩效目标": labelGoal, "年度目标": labelGoal, "总体目标": labelGoal,
	"一级指标": labelLevel1, "二级指标": labelLevel2, "三级指标": labelLevel3,
	"绩效指标描述": labelDescription, "指标描述": labelDescription, "指标说明": labelDescription, "指标解释": labelDescription,
	"指标值": labelValue, "绩效指标值": labelValue, "年度指标值": labelValue, "目标值": labelValue, "指标目标值": labelValue,
	"指标值确定依据": labelBasis, "确定依据": labelBasis, "指标依据": labelBasis, "指标值依据": labelBasis,
	"指标符号": labelSign, "计算符号": labelSign, "比较符号": labelSign, "指标性质": labelSign,
	"度量单位": labelMeasure, "计量单位": labelMeasure, "指标单位": labelMeasure,
}

// maxLabelBytes is more than the longest label takes, with spaces and remark.
const maxLabelBytes = 120

// remark is what stands in parentheses after a label: （%）, （万元）.
var remark = regexp.MustCompile(`^(.*?)\(([^()]*)\)$`)

// leadingYear is what some templates put before a label: 2025年指标值.
var leadingYear = regexp.MustCompile(`^20\d{2}年度?`)

// labelOf returns what a cell names, and the unit of money in its remark.
func labelOf(text string) (label, money.Unit) {
	if text == "" || len(text) > maxLabelBytes {
		return noLabel, 0
	}
	word := strings.Trim(money.Clean(text), ":*")
	var unit money.Unit
	if m := remark.FindStringSubmatch(word); m != nil {
		word, unit = m[1], unitNamed(m[2])
	}
	word = strings.TrimPrefix(strings.TrimPrefix(word, "其中"), ":")
	if strings.HasPrefix(word, "20") {
		word = leadingYear.ReplaceAllString(word, "")
	}
	return vocabulary[word], unit
}

// labels reports whether a text is a certain label.
func labels(text string, want label) bool {
	l, _ := labelOf(text)
	return l == want
}

// labelled splits "项目编码：1302" into what it names and the value.
func labelled(text string) (label, string) {
	head, value, found := cutColon(text)
	if !found {
		return noLabel, ""
	}
	l, _ := labelOf(head)
	return l, tidy(value)
}

// cutColon splits a text at its first colon, of either width.
func cutColon(text string) (head, tail string, found bool) {
	i := strings.IndexAny(text, ":：")
	if i < 0 || i > maxLabelBytes {
		return text, "", false
	}
	head = text[:i]
	return head, strings.TrimPrefix(strings.TrimPrefix(text[i:], ":"), "："), true
}

// amountUnit finds a statement such as （金额单位：万元）.
var amountUnit = regexp.MustCompile(`[（(]?(?:金额|货币|计量|计价)?单\s*位[:：\s]+(?:人民币)?\s*(亿\s*元|万\s*元|元)\s*[）)]?`)

// statedUnit returns the unit of money that a short text states, or 0, and
// what else the text says.
func statedUnit(text string) (unit money.Unit, rest string) {
	if len(text) > 2*maxLabelBytes || !strings.Contains(text, "位") {
		return 0, text
	}
	m := amountUnit.FindStringSubmatchIndex(text)
	if m == nil || strings.HasPrefix(text[m[1]:], "/") {
		return 0, text
	}
	return unitNamed(money.Clean(text[m[2]:m[3]])), tidy(text[:m[0]] + text[m[1]:])
}

func unitNamed(s string) money.Unit {
	name := strings.TrimPrefix(s, "单位:")
	for _, u := range []money.Unit{money.HundredMil, money.TenThousand, money.Yuan} {
		if name == u.String() {
			return u
		}
	}
	return 0
}

// unitLine is 603001某某中心本级: a code and, right behind it, a name.
var unitLine = regexp.MustCompile(`^(\d{3,12})[-—\s]*(\p{Han}[\p{Han}（）()\pL\s]{3,60})$`)

// institution is what names of budget units end with, before remarks such as
// （参公）. It tells 603001某某中心 from 12345热线.
var institution = regexp.MustCompile(`([局委办院校厅所站队会部处科馆团社府级学室厂场园库署台庭司关心联协镇乡村区县市行宫组]|街道)([（(][^（）()]*[）)])*$`)

// unitNamedIn returns the code and the name of the budget unit that a line
// names. Right below a table's heading any name will do.
func unitNamedIn(text string, belowHeading bool) (code, name string, ok bool) {
	m := unitLine.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	name = tidy(m[2])
	return m[1], name, belowHeading || institution.MatchString(name)
}

// numbering is 一、 （一） 1. 1、 (1) before a heading.
var numbering = regexp.MustCompile(`^\s*(?:[（(][一二三四五六七八九十百\d]+[）)]|[一二三四五六七八九十百]+、|\d+(?:[、．]|\.\s*))\s*`)

// unnumbered returns a heading without its numbering.
func unnumbered(text string) (title string, numbered bool) {
	title = numbering.ReplaceAllString(text, "")
	return title, title != text
}

// tableHeading is 3.会议费绩效目标表.
var tableHeading = regexp.MustCompile(`^(.{0,80}?)(?:项目)?绩效目标(?:申报|批复)?表$`)
