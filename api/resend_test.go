package api_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"duban/models"
)

// What became of a message is told whole, and one that was given up is sent
// again when an administrator says so.
func TestAMessageTellsWhatBecameOfIt(t *testing.T) {
	b := newBureau(t)
	handed := b.clock.Now().Add(-time.Hour)
	dead := models.Notification{
		DedupKey: "first", ObligationID: b.duties[models.SpendingTarget].ID, RecipientID: b.id("owner"), Channel: models.ChannelSMS,
		Day: b.store.Today(), Template: "reminder_overdue", Urgency: models.Urgent, State: models.NotificationDead, Reason: models.NoReceipt,
		HandedAt: &handed, NextAttemptAt: b.clock.Now(), Parts: 2, Cost: 9000, Payload: models.Reminder{Title: "6月底支出进度"},
	}
	next := dead
	next.DedupKey, next.Channel, next.State, next.Reason, next.Parts, next.HandedAt = "second", models.ChannelEmail, models.NotificationSent, "", 0, nil
	err := b.store.Tx(t.Context(), "test", func(tx *models.Tx) error {
		if err := tx.Create(&dead); err != nil {
			return err
		}
		next.FallbackOf = dead.ID
		if err := tx.Create(&next); err != nil {
			return err
		}
		return tx.Create(&models.Receipt{Channel: models.ChannelSMS, ProviderID: "BizId-1", NotificationID: dead.ID, State: models.ReceiptFailed, Code: "UNDELIV"})
	})
	if err != nil {
		t.Fatal(err)
	}
	page := "/messages/" + strconv.FormatInt(dead.ID, 10)
	admin, owner := b.as("admin"), b.as("owner")
	expect(t, admin.get(page), http.StatusOK, "已放弃", "没有等到回执", "短信", "紧急", "未送达", "UNDELIV", "0.09 元", "由此接替", "可能重复", "重新发送")
	expect(t, admin.get("/messages/"+strconv.FormatInt(next.ID, 10)), http.StatusOK, "接替", "邮件")
	expect(t, owner.post(page+"/resend", nil), http.StatusForbidden, "只有系统管理员")
	expect(t, admin.post(page+"/resend", nil), http.StatusSeeOther)
	if b.woken != 1 {
		t.Errorf("the dispatcher was woken %d times", b.woken)
	}
	m, err := b.store.Message(t.Context(), dead.ID)
	if err != nil || m.State != models.NotificationPending || m.HandedAt != nil {
		t.Errorf("%s, %v, %v", m.State, m.HandedAt, err)
	}
	expect(t, admin.post(page+"/resend", nil), http.StatusConflict, "没有被放弃")
}
