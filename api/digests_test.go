package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"duban/models"
	"duban/models/modelstest"
)

func TestADigestAndWhatItTellsLeadToEachOther(t *testing.T) {
	modelstest.Each(t, testClock(), func(t *testing.T, s *models.Store) {
		digest := models.Notification{
			DedupKey: "digest|1", RecipientID: 1, Channel: models.ChannelFile, Day: today, Template: "digest", State: models.NotificationSuppressed,
			Reason: models.SuppressedFellBack, NextAttemptAt: today.At(8, 30).UTC(),
			Payload: models.Reminder{AsOf: today, Digest: &models.Digest{Items: []models.DigestItem{
				{ObligationID: 1, Kind: models.Custom, Title: "报送材料", DueOn: today}, {ObligationID: 2, Kind: models.Custom, Title: "设备验收", DueOn: today},
			}}},
		}
		write(t, s, &digest)
		instead := digest
		instead.ID, instead.DedupKey, instead.FallbackOf, instead.State, instead.Reason = 0, "digest|1>sms", digest.ID, models.NotificationSent, ""
		write(t, s, &instead)
		var told []models.Notification
		for i, title := range []string{"报送材料", "设备验收"} {
			n := models.Notification{
				DedupKey: title, ObligationID: int64(i + 1), RecipientID: 1, Channel: models.ChannelFile, Day: today, Template: "reminder_today",
				State: models.NotificationSuppressed, Reason: models.SuppressedDigest, DigestID: digest.ID, NextAttemptAt: today.At(8, 30).UTC(),
				Payload: models.Reminder{Kind: models.Custom, Title: title, DueOn: today, AsOf: today},
			}
			write(t, s, &n)
			told = append(told, n)
		}
		alarm := models.Notification{
			DedupKey: "alarm|1", RecipientID: 1, Channel: models.ChannelFile, Day: today, Template: "alarm", State: models.NotificationSent,
			NextAttemptAt: today.At(8, 30).UTC(), Payload: models.Reminder{Alarm: &models.Alarm{Kind: models.AlarmQueue, Subject: "sms", Over: true}},
		}
		write(t, s, &alarm)

		h := newConsole(t, s)
		page := func(path string, wants ...string) {
			t.Helper()
			r := get(h, path)
			for _, want := range wants {
				if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), want) {
					t.Errorf("GET %s: %d, lacks %q", path, r.Code, want)
				}
			}
		}
		for _, id := range []int64{digest.ID, instead.ID} { // whoever took over tells the same
			page(fmt.Sprintf("/messages/%d", id), "汇总的提醒", fmt.Sprintf(`href="/messages/%d"`, told[0].ID), fmt.Sprintf(`href="/messages/%d"`, told[1].ID))
		}
		page(fmt.Sprintf("/messages/%d", told[1].ID), "并入", "已并入汇总", fmt.Sprintf(`href="/messages/%d"`, digest.ID))
		page("/messages", "汇总", "2 项", "告警", "消息积压 · 短信 · 恢复正常")
		page("/messages?lang=en", "Digest", "2 duties", "Alarm", "Messages wait · SMS · works again")
	})
}
