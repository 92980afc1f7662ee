package api

import (
	"time"

	"duban/jobs"
	"duban/models"
	"duban/models/calendar"
)

// whyJSON is an explanation as a program reads it. Its codes are stable.
type whyJSON struct {
	Person     personJSON     `json:"person"`
	Obligation obligationJSON `json:"obligation"`
	AsOf       calendar.Date  `json:"asOf"`
	Rule       ruleJSON       `json:"rule"`
	Past       []occasionJSON `json:"past"`
	Next       []occasionJSON `json:"next"`
	NextOn     *calendar.Date `json:"nextOn"` // null if the person will not hear
	Never      []jobs.Cause   `json:"never,omitempty"`
	Others     []traceJSON    `json:"others,omitempty"`
	Acks       []pauseJSON    `json:"acknowledgements,omitempty"`
	Reach      models.Reach   `json:"reach"`
	Active     bool           `json:"active"`
}

type obligationJSON struct {
	ID        int64         `json:"id"`
	Title     string        `json:"title"`
	Kind      models.Kind   `json:"kind"`
	DueOn     calendar.Date `json:"dueOn"`
	State     models.State  `json:"state"`
	Fulfilled bool          `json:"fulfilled"`
	SettledOn calendar.Date `json:"settledOn,omitzero"`
}

type ruleJSON struct {
	ID    int64  `json:"id"`
	Scope string `json:"scope"` // project, unit, kind, or "" if none governs
}

type occasionJSON struct {
	Day       calendar.Date     `json:"day"`
	Addresses []addressedJSON   `json:"addresses"`
	As        []models.Audience `json:"as,omitempty"`
	Cause     jobs.Cause        `json:"cause"`
	Messages  []traceJSON       `json:"messages,omitempty"`
	Silence   *silenceJSON      `json:"silence,omitempty"`
	Until     calendar.Date     `json:"until,omitzero"`
	Channels  []models.Channel  `json:"channels,omitempty"`
}

type addressedJSON struct {
	Audience models.Audience `json:"audience"`
	Distance int             `json:"distance"` // from the due date, negative before it
	Workdays bool            `json:"workdays,omitempty"`
	People   []personJSON    `json:"people"`
	StandIns bool            `json:"standIns,omitempty"`
}

type traceJSON struct {
	ID        int64                    `json:"id"`
	Day       calendar.Date            `json:"day"`
	State     models.NotificationState `json:"state"`
	Reason    string                   `json:"reason,omitempty"`
	Channel   models.Channel           `json:"channel"`
	Attempts  int                      `json:"attempts"`
	CreatedAt time.Time                `json:"createdAt"`
	SentAt    *time.Time               `json:"sentAt,omitempty"`
	Delivered *time.Time               `json:"deliveredAt,omitempty"`
	NextAt    *time.Time               `json:"nextAttemptAt,omitempty"` // of one that waits
	StandIns  []traceJSON              `json:"standIns,omitempty"`
	Digest    *traceJSON               `json:"digest,omitempty"`
	Silence   *silenceJSON             `json:"silence,omitempty"`
}

type silenceJSON struct {
	ID     int64              `json:"id"`
	Kind   models.SilenceKind `json:"kind"`
	Reason string             `json:"reason"`
	By     personJSON         `json:"by"`
	Ends   *time.Time         `json:"endsAt,omitempty"`
}

type pauseJSON struct {
	By      personJSON    `json:"by"`
	AckedOn calendar.Date `json:"ackedOn"`
	UntilOn calendar.Date `json:"untilOn"`
}

func newWhyJSON(x jobs.Explanation) whyJSON {
	o := x.Duty
	w := whyJSON{
		Person: personJSON{x.Person.ID, x.Person.Name}, AsOf: x.Day, Rule: ruleJSON{x.Rule.ID, x.Rule.Scope}, Never: x.Never,
		Obligation: obligationJSON{o.ID, o.Title, o.Kind, o.DueOn, x.Finding.State, x.Finding.Fulfilled, x.Finding.SettledOn},
		Past:       occasionsJSON(x, x.Past), Next: occasionsJSON(x, x.Next), Others: tracesJSON(x, x.Others),
		Reach: x.Person.Reach, Active: x.Person.Active,
	}
	if !x.NextOn.IsZero() {
		w.NextOn = &x.NextOn
	}
	for _, a := range x.Acks {
		w.Acks = append(w.Acks, pauseJSON{personJSON{a.UserID, x.Names[a.UserID]}, a.AckedOn, a.UntilOn})
	}
	return w
}

func occasionsJSON(x jobs.Explanation, list []jobs.Explained) []occasionJSON {
	all := make([]occasionJSON, len(list))
	for i, e := range list {
		all[i] = occasionJSON{
			Day: e.Day, As: e.As, Cause: e.Cause, Messages: tracesJSON(x, e.Messages), Silence: newSilenceJSON(x, e.Silence),
			Until: e.Until, Channels: e.Channels,
		}
		for _, h := range e.Hearings {
			a := addressedJSON{Audience: h.Audience, Distance: h.Distance, Workdays: h.Workdays, StandIns: h.StandIns, People: []personJSON{}}
			for _, u := range h.People {
				a.People = append(a.People, personJSON{u.ID, u.Name})
			}
			all[i].Addresses = append(all[i].Addresses, a)
		}
	}
	return all
}

func tracesJSON(x jobs.Explanation, list []jobs.Trace) []traceJSON {
	var all []traceJSON
	for _, t := range list {
		j := traceJSON{
			ID: t.ID, Day: t.Day, State: t.State, Reason: t.Reason, Channel: t.Channel, Attempts: t.Attempts, CreatedAt: t.CreatedAt,
			SentAt: t.SentAt, Delivered: t.DeliveredAt, StandIns: tracesJSON(x, t.StandIns), Silence: newSilenceJSON(x, t.Silence),
		}
		if t.Waits() {
			j.NextAt = &t.NextAttemptAt
		}
		if t.Digest != nil {
			j.Digest = &tracesJSON(x, []jobs.Trace{*t.Digest})[0]
		}
		all = append(all, j)
	}
	return all
}

func newSilenceJSON(x jobs.Explanation, s *models.Silence) *silenceJSON {
	if s == nil {
		return nil
	}
	return &silenceJSON{s.ID, s.Kind, s.Reason, personJSON{s.AuthorID, x.Names[s.AuthorID]}, s.EndsAt}
}
