package api

import (
	"context"
	"fmt"

	"duban/models"
)

const (
	obligationsPage    = 50
	obligationMessages = 50
)

// late is a state of the ledger's filter that is none of an obligation: missed
// and still not settled.
const late models.State = "late"

var (
	allStates = []models.State{models.StateOpen, models.StateMet, models.StateMissed, models.StateWaived}
	allLights = []models.Light{models.Red, models.Yellow, models.Blue, models.Green}
)

// ledger is a table of obligations.
type ledger struct {
	ProjectID int64 // the project that all are about, so that no row repeats it
	Duties    []dutyView
}

// obligationsData is a page of the ledger (台账).
type obligationsData struct {
	State  models.State
	Kind   models.Kind
	Light  models.Light
	States []models.State
	Kinds  []models.Kind
	Lights []models.Light
	Total  int // on all pages
	Ledger ledger
	First  bool
	Next   string // the cursor of the next page, "" on the last one
}

// Filtered reports whether anything is left out.
func (o obligationsData) Filtered() bool { return o.State != "" || o.Kind != "" || o.Light != "" }

func obligations(ctx context.Context, r *request) (any, error) {
	data := obligationsData{States: append([]models.State{late}, allStates...), Kinds: models.Kinds, Lights: allLights}
	var err error
	if data.State, err = choice(r.query, "state", "", data.States...); err != nil {
		return nil, err
	}
	if data.Kind, err = choice(r.query, "kind", "", data.Kinds...); err != nil {
		return nil, err
	}
	if data.Light, err = choice(r.query, "light", "", data.Lights...); err != nil {
		return nil, err
	}
	cursor, err := parseDutyCursor(r.query)
	if err != nil {
		return nil, err
	}
	f := models.DutyFilter{
		State: data.State, Kind: data.Kind, Light: data.Light,
		// The light of what is settled says nothing any more.
		Unsettled: data.State == late || data.Light != "" && data.State == "",
		AfterDue:  cursor.due, AfterID: cursor.id,
	}
	if f.State == late {
		f.State = models.StateMissed
	}
	if data.Total, err = r.store.CountDuties(ctx, f); err != nil {
		return nil, err
	}
	var more bool
	if data.Ledger.Duties, more, err = readDuties(ctx, r, f, obligationsPage); err != nil {
		return nil, err
	}
	data.First = cursor == dutyCursor{}
	if more {
		end := data.Ledger.Duties[len(data.Ledger.Duties)-1]
		data.Next = dutyCursor{end.DueOn, end.ID}.String()
	}
	return data, nil
}

// obligationData is one duty and what was said about it.
type obligationData struct {
	dutyView
	Messages   []models.Message
	Flows      *dutyFlows // nil where there are no workflows
	Ack        *ackCard   // likewise
	Silenced   []models.Silence
	MaySilence bool
}

// dutyPath is the page of an obligation.
func dutyPath(id int64) string { return fmt.Sprintf("/obligations/%d", id) }

func obligation(ctx context.Context, r *request) (any, error) { return obligationPage(ctx, r) }

func obligationPage(ctx context.Context, r *request) (data obligationData, err error) {
	d, err := r.store.Duty(ctx, r.id, r.today)
	if err != nil {
		return data, err
	}
	cal, err := r.store.Calendar(ctx)
	if err != nil {
		return data, err
	}
	data.dutyView = viewDuties([]models.Duty{d}, r.today, cal)[0]
	data.MaySilence = data.Unsettled() && supervises(r.person) && serves(r.person, d.UnitID)
	if data.Messages, err = r.store.Messages(ctx, models.MessageFilter{ObligationID: d.ID, Limit: obligationMessages}); err != nil {
		return data, err
	}
	if data.Silenced, err = silencesOf(ctx, r, d.Obligation); err != nil {
		return data, err
	}
	if data.Ack, err = ackOf(ctx, r, d.Obligation); err != nil {
		return data, err
	}
	data.Flows, err = flows(ctx, r, d)
	return data, err
}
