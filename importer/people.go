package importer

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"duban/models"
	"duban/models/money"
)

// PeopleSheet is what one list of people (人员) says.
type PeopleSheet struct {
	FileName string
	SHA256   string // of the bytes, hexadecimal
	Header   []string
	Rows     []PersonRow
	Rejected []Rejected
}

// PersonRow is one person. E-mail, mobile and unit may be blank.
type PersonRow struct {
	Line     int
	Cells    []string // as found
	Account  string
	Name     string
	Email    string
	Mobile   string
	UnitCode string
	Roles    []models.Role
	Language models.Language
}

const (
	colAccount  = "账号"
	colPerson   = "姓名"
	colEmail    = "邮箱"
	colMobile   = "手机"
	colUnit     = "单位编码"
	colRoles    = "角色"
	colLanguage = "语言"
)

var peopleLayout = listLayout{
	sheet:    "人员",
	required: [][]string{{colAccount}, {colPerson}, {colRoles}},
	columns: []listColumn{
		{colAccount, []string{"账户", "帐号", "用户名", "登录名", "工号"}, "zhangsan", "登录用，不能重复，不含空格"},
		{colPerson, []string{"人员姓名", "名字"}, "张三", ""},
		{colEmail, []string{"电子邮箱", "电子邮件", "邮箱地址", "email", "e-mail"}, "zhangsan@example.com", "没有邮箱的人收不到邮件提醒"},
		{colMobile, []string{"手机号", "手机号码", "移动电话", "联系电话"}, "13800000000", "可以不填"},
		{colUnit, []string{"单位代码", "预算单位编码", "预算单位代码"}, "603001", "绩效目标表上单位名称前的数字"},
		{colRoles, []string{"岗位"}, "经办人、科室负责人", "项目负责人（即经办人）、科室负责人、财务科、办公室、分管领导、单位主要负责人（即主任）、管理员；几个角色用顿号隔开"},
		{colLanguage, nil, "中文", "中文或英文；不填为中文"},
	},
}

// roleNames are the published names of roles.
var roleNames = map[string]models.Role{
	"项目负责人": models.RoleOwner, "经办人": models.RoleOwner, "负责人": models.RoleOwner,
	"科室负责人": models.RoleManager, "部门负责人": models.RoleManager,
	"财务科": models.RoleFinance, "财务": models.RoleFinance,
	"办公室":  models.RoleOffice,
	"分管领导": models.RoleLeader,
	"主任":   models.RoleHead, "单位主要负责人": models.RoleHead, "主要负责人": models.RoleHead,
	"管理员": models.RoleAdmin, "系统管理员": models.RoleAdmin,
}

var languageNames = map[string]models.Language{
	"": models.Chinese, "中文": models.Chinese, "zh": models.Chinese, "zh-cn": models.Chinese,
	"英文": models.English, "英语": models.English, "en": models.English, "english": models.English,
}

// ReadPeople reads a list of people. A row that cannot be read is rejected
// with the reason; the others stand.
func ReadPeople(name string, data []byte) (*PeopleSheet, error) {
	found, err := peopleLayout.read(source{name, data})
	if err != nil {
		return nil, err
	}
	sheet := &PeopleSheet{FileName: name, SHA256: fingerprint(data), Header: found.header}
	seen := map[string]int{}
	for _, r := range found.records {
		p, reasons := r.person()
		if first, used := seen[p.Account]; used && p.Account != "" {
			reasons = append(reasons, fmt.Sprintf("账号“%s”在第 %d 行已经有了", p.Account, first))
		}
		if len(reasons) > 0 {
			sheet.Rejected = append(sheet.Rejected, r.reject(reasons))
			continue
		}
		seen[p.Account] = p.Line
		sheet.Rows = append(sheet.Rows, p)
	}
	return sheet, nil
}

var mobileForm = regexp.MustCompile(`^\+?\d{7,15}$`)

// person reads one record, or says why it cannot.
func (r record) person() (PersonRow, []string) {
	p := PersonRow{
		Line: r.line, Cells: texts(r.row), Account: r.text(colAccount), Name: r.text(colPerson), Email: r.text(colEmail),
		Mobile: strings.ReplaceAll(money.Clean(r.text(colMobile)), "-", ""), UnitCode: money.Clean(r.text(colUnit)),
	}
	reasons := p.tooLong()
	if p.Account == "" || strings.ContainsFunc(p.Account, isSpace) {
		reasons = append(reasons, fmt.Sprintf("账号“%s”应为不含空格的文字", p.Account))
	}
	if p.Name == "" {
		reasons = append(reasons, "没有姓名")
	}
	if at, err := mail.ParseAddress(p.Email); p.Email != "" && (err != nil || at.Address != p.Email) {
		reasons = append(reasons, fmt.Sprintf("邮箱“%s”应如 name@example.com", p.Email))
	}
	if p.Mobile != "" && !mobileForm.MatchString(p.Mobile) {
		reasons = append(reasons, fmt.Sprintf("手机“%s”应为号码", p.Mobile))
	}
	var unknown string
	if p.Roles, unknown = rolesIn(r.text(colRoles)); unknown != "" || len(p.Roles) == 0 {
		reasons = append(reasons, fmt.Sprintf("角色“%s”应为项目负责人、科室负责人、财务科、办公室、分管领导或管理员", unknown))
	}
	language, known := languageNames[strings.ToLower(money.Clean(r.text(colLanguage)))]
	if p.Language = language; !known {
		reasons = append(reasons, fmt.Sprintf("语言“%s”应为中文或英文", r.text(colLanguage)))
	}
	return p, reasons
}

// rolesIn reads roles separated by 、 , or /, and returns the first word that
// names none.
func rolesIn(text string) (roles []models.Role, unknown string) {
	separator := func(r rune) bool { return strings.ContainsRune("、,/;", r) }
	has := map[models.Role]bool{}
	for word := range strings.FieldsFuncSeq(money.Clean(text), separator) {
		role, ok := roleNames[word]
		if !ok {
			return nil, word
		}
		if !has[role] {
			has[role] = true
			roles = append(roles, role)
		}
	}
	return roles, ""
}
