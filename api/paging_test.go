package api_test

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"duban/models"
	"duban/models/calendar"
	"duban/models/modelstest"
	"duban/models/money"
)

var nextPage = regexp.MustCompile(`href="([^"]+)" rel="next"`)

// walk follows the links to the next page from the given address, and returns
// how often each match of item is on all of the pages.
func walk(t *testing.T, s *models.Store, target string, item *regexp.Regexp) (seen map[string]int, pages int) {
	t.Helper()
	h := newConsole(t, s)
	seen = map[string]int{}
	for target != "" && pages < 20 {
		w := get(h, target)
		if w.Code != 200 {
			t.Fatalf("GET %s: %d %s", target, w.Code, words(w))
		}
		for _, m := range item.FindAllString(w.Body.String(), -1) {
			seen[m]++
		}
		pages++
		link := nextPage.FindStringSubmatch(w.Body.String())
		target = ""
		if link != nil {
			target = html.UnescapeString(link[1])
		}
	}
	return seen, pages
}

func TestPagesShowEveryRowOnce(t *testing.T) {
	s := newStore(t)
	const rows = 230
	duties, messages := make([]models.Obligation, 0, rows), make([]models.Notification, 0, rows)
	problems, projects := make([]models.DataProblem, 0, rows), make([]models.Project, 0, rows)
	for i := range rows {
		// Many share a day, so that the id must break the tie.
		duties = append(duties, models.Obligation{
			Subject: fmt.Sprint("u", i), UnitID: 1, FiscalYear: 2025, Kind: models.Custom, Title: fmt.Sprintf("事项%03d", i),
			DueOn: calendar.MustDate(2025, time.July, 1+(i*7)%3), State: models.StateOpen, Light: models.Green,
		})
		messages = append(messages, models.Notification{
			DedupKey: strconv.Itoa(i), ObligationID: 1, Day: today, Channel: models.ChannelFile, State: models.NotificationDead,
			Payload: models.Reminder{Title: fmt.Sprintf("事项%03d", i)}, NextAttemptAt: today.At(8, 0),
		})
		problems = append(problems, models.DataProblem{Fingerprint: strconv.Itoa(i), UnitID: 1, FiscalYear: 2025, Message: fmt.Sprintf("事项%03d", i), State: models.ProblemOpen})
		projects = append(projects, models.Project{FiscalYear: 2025, Code: fmt.Sprintf("P+%d&%d", i%9, i), Name: fmt.Sprintf("事项%03d", i), UnitID: 1, State: models.ProjectActive})
	}
	write(t, s, &models.Unit{Code: "1", Name: "单位"}, duties, messages, problems, projects)
	item := regexp.MustCompile(`事项\d{3}`)
	for target, pages := range map[string]int{
		"/obligations?kind=custom&state=open&lang=en": 5, "/messages?state=dead": 5, "/problems": 3, "/projects?year=2025": 3,
	} {
		seen, n := walk(t, s, target, item)
		if len(seen) != rows || n != pages {
			t.Errorf("%s: %d rows on %d pages", target, len(seen), n)
		}
		for row, times := range seen {
			if times != 1 {
				t.Errorf("%s shows %s %d times", target, row, times)
			}
		}
	}
}

// The queries give the same answers on every engine.
func TestConsoleQueriesOnEveryEngine(t *testing.T) {
	modelstest.Each(t, testClock(), func(t *testing.T, s *models.Store) { //nolint:thelper // a subtest
		seed(t, s)
		h := newConsole(t, s)
		for _, page := range pages {
			if w := get(h, page); w.Code != 200 {
				t.Errorf("GET %s: %d", page, w.Code)
			}
		}
		plan, err := s.YearPlan(t.Context(), 2025, 0)
		if err != nil || len(plan) != 4 || plan[0].Amount != 117_000_000+313_823_125+156_500_000+38_400_000 {
			t.Errorf("the plan is %v, %v", plan, err)
		}
		var sum money.Fen
		for _, p := range plan {
			sum += p.Amount
		}
		// All plans end at 100 % but that of 档案数字化, whose last checkpoint is in October.
		if want := wan(585+1255+782+320+200+96) + 7_925_00; sum != want {
			t.Errorf("the plan ends at %d, not %d", sum, want)
		}
		paid, err := s.YearSpending(t.Context(), 2025, 0, calendar.MustDate(2025, time.March, 17))
		if err != nil || len(paid) != 1 || paid[0].Amount != wan(60+310+20+80+3) {
			t.Errorf("paid until March: %v, %v", paid, err)
		}
		row, err := s.ProjectRow(t.Context(), 7, today)
		if err != nil || row.Light != models.Red || row.Late != 1 || row.Paid != wan(2) || row.UnitName == "" || len(row.Targets) != 3 {
			t.Errorf("the project is %+v, %v", row, err)
		}
		counts, err := s.DutyCounts(t.Context())
		late := 0
		for _, c := range counts {
			if c.Unsettled() && c.State == models.StateMissed {
				late += c.Count
			}
		}
		if err != nil || late != 3 {
			t.Errorf("%d are late, %v", late, err)
		}
		totals, err := s.YearTotals(t.Context(), 2025)
		if err != nil || totals.Projects != 7 || totals.AsOf != calendar.MustDate(2025, time.June, 15) || !strings.Contains(totals.UnitName, "唐山") {
			t.Errorf("the totals are %+v, %v", totals, err)
		}
	})
}
