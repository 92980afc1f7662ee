package workflows

import (
	"slices"
	"strings"

	"duban/models"
)

// Party says who is meant, as a definition writes it (办理人):
//
//	owner          the project's 经办人
//	manager        the project's 科室负责人
//	unit_leader    the head of the unit (单位主要负责人, 主任)
//	role:finance   whoever has the role in the unit
//	account:zhang  the user with that login name
type Party struct {
	Kind    PartyKind
	Role    models.Role // of PartyRole
	Account string      // of PartyAccount
}

// PartyKind is the kind of a party.
type PartyKind string

// The kinds of parties.
const (
	PartyOwner      PartyKind = "owner"
	PartyManager    PartyKind = "manager"
	PartyUnitLeader PartyKind = "unit_leader"
	PartyRole       PartyKind = "role"
	PartyAccount    PartyKind = "account"
)

// parseParty reads a party as a definition writes it.
func parseParty(s string) (Party, bool) {
	if role, ok := strings.CutPrefix(s, "role:"); ok {
		p := Party{Kind: PartyRole, Role: models.Role(role)}
		return p, slices.Contains(models.Roles, p.Role)
	}
	if account, ok := strings.CutPrefix(s, "account:"); ok {
		return Party{Kind: PartyAccount, Account: account}, strings.TrimSpace(account) == account && account != ""
	}
	p := Party{Kind: PartyKind(s)}
	return p, p.Kind == PartyOwner || p.Kind == PartyManager || p.Kind == PartyUnitLeader
}

// String returns the party as a definition writes it.
func (p Party) String() string {
	switch p.Kind {
	case PartyRole:
		return "role:" + string(p.Role)
	case PartyAccount:
		return "account:" + p.Account
	default:
		return string(p.Kind)
	}
}

// MarshalText writes the party as a definition does.
func (p Party) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote; anything else is no party.
func (p *Party) UnmarshalText(b []byte) error {
	*p, _ = parseParty(string(b))
	return nil
}

// roleTitle names a role as an office does.
func roleTitle(r models.Role) Text {
	switch r {
	case models.RoleOwner:
		return Text{"经办人", "project owner"}
	case models.RoleManager:
		return Text{"科室负责人", "section manager"}
	case models.RoleFinance:
		return Text{"财务科", "finance section"}
	case models.RoleOffice:
		return Text{"办公室", "general office"}
	case models.RoleLeader:
		return Text{"分管领导", "leader in charge"}
	case models.RoleHead:
		return Text{"单位主要负责人", "head of the unit"}
	case models.RoleAdmin:
		return Text{"系统管理员", "administrator"}
	}
	return Text{string(r), string(r)}
}

// Title names the party for people.
func (p Party) Title() Text {
	switch p.Kind {
	case PartyOwner:
		return Text{"项目经办人", "the project's owner"}
	case PartyManager:
		return Text{"项目科室负责人", "the project's manager"}
	case PartyUnitLeader:
		return Text{"单位主要负责人", "the head of the unit"}
	case PartyRole:
		return roleTitle(p.Role)
	default:
		return Text{"指定人员 " + p.Account, "the named user " + p.Account}
	}
}

// titles joins the titles of several parties.
func titles(parties []Party, l models.Language) string {
	names := make([]string, len(parties))
	for i, p := range parties {
		names[i] = p.Title().In(l)
	}
	if l == models.English {
		return strings.Join(names, ", ")
	}
	return strings.Join(names, "、")
}
