package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"duban/config"
	"duban/models"
	"duban/models/calendar"
)

// byHand are the kinds of duties that no document gives rise to.
var byHand = []models.Kind{models.Procurement, models.Rectification, models.Custom}

func (a *app) addCommand() *cobra.Command {
	var unit, project, kind, title, due string
	var year int
	cmd := &cobra.Command{
		Use:   "add",
		Short: a.say("增加一项督办事项：政府采购、审计整改或其他", "add a duty: procurement, rectification or any other"),
		Args:  a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := models.Obligation{Kind: models.Kind(kind), Title: strings.TrimSpace(title), FiscalYear: year}
			if !slices.Contains(byHand, o.Kind) {
				return usagef("--kind %q：应为 procurement、rectification 或 custom", kind)
			}
			if o.Title == "" {
				return usagef("--title %s", a.say("不能为空：要办什么", "is required: what has to be done"))
			}
			var err error
			if o.DueOn, err = parseDate("due", due, calendar.Date{}); err != nil {
				return err
			}
			if o.DueOn.IsZero() {
				return usagef("--due %s", a.say("不能为空：哪天到期", "is required: the day on which it is due"))
			}
			if o.FiscalYear == 0 {
				o.FiscalYear = o.DueOn.Year()
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				err := s.Tx(cmd.Context(), actor(), func(tx *models.Tx) error {
					if err := about(tx, &o, unit, project); err != nil {
						return err
					}
					return tx.AddObligation(&o)
				})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, a.say("已增加督办事项 %d：%s，%s 到期\n", "added duty %d: %s, due on %s\n"), o.ID, o.Title, o.DueOn)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", string(models.Custom), "procurement, rectification, custom")
	f.StringVar(&title, "title", "", a.say("要办什么（必填）", "what has to be done (required)"))
	f.StringVar(&due, "due", "", a.say("到期日（必填），如 2025-09-30", "the due day (required), as 2025-09-30"))
	f.StringVar(&unit, "unit", "", a.say("预算单位编码", "the unit's code"))
	f.StringVar(&project, "project", "", a.say("项目编码", "the project's code"))
	f.IntVar(&year, "year", 0, a.say("预算年度（默认到期日的年份）", "fiscal year (default that of the due day)"))
	return cmd
}

// about finds the unit or project that a duty concerns.
func about(tx *models.Tx, o *models.Obligation, unit, project string) error {
	if (unit == "") == (project == "") {
		return usagef("--unit 与 --project 应填写其中一个")
	}
	if project != "" {
		found, err := tx.Projects(o.FiscalYear, []string{project})
		if err != nil {
			return err
		}
		p, ok := found[project]
		if !ok {
			return usagef("--project %q：%d 年度没有这个项目", project, o.FiscalYear)
		}
		o.ProjectID, o.UnitID = p.ID, p.UnitID
		return nil
	}
	u, ok, err := tx.UnitByCode(unit)
	if err != nil {
		return err
	}
	if !ok {
		return usagef("--unit %q：没有这个预算单位", unit)
	}
	o.UnitID = u.ID
	return nil
}
