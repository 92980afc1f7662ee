package models_test

import (
	"testing"
	"time"

	"duban/models"
	"duban/models/modelstest"
)

// A person is told a thing once, though another channel comes first for them
// when it is to be said again. That they could not be told does not count.
func TestAThingIsToldOnceByWhicheverChannel(t *testing.T) {
	modelstest.Each(t, nil, func(t *testing.T, s *models.Store) {
		both := []models.Channel{models.ChannelEmail, models.ChannelSMS}
		mail, sms := models.Routing{Configured: both, Normal: both}, models.Routing{Configured: both, Normal: []models.Channel{models.ChannelSMS}}
		reached := models.User{ID: 7, Email: "a@example.gov.cn", Mobile: "13800138000"}
		say := func(r models.Routing, u models.User, keys ...string) (added int) {
			t.Helper()
			var all []models.Notification
			for _, key := range keys {
				n := models.Notification{DedupKey: key, Day: s.Today(), Urgency: models.Normal, State: models.NotificationPending, NextAttemptAt: time.Now()}
				r.Address(&n, u, false)
				all = append(all, n)
			}
			err := s.Tx(t.Context(), "tester", func(tx *models.Tx) (err error) {
				added, err = tx.Enqueue(all)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return added
		}
		for _, tc := range []struct {
			name    string
			routing models.Routing
			to      models.User
			keys    []string
			want    int
		}{
			{"first", mail, reached, []string{"o1|r|7", "o1|r|77", "O1|r|7"}, 3},
			{"by another channel", sms, reached, []string{"o1|r|7", "o1|r|77", "o1|r|8"}, 1},
			{"once more", mail, reached, []string{"o1|r|7", "o1|r|8"}, 0},
			{"what is said of more, or of less", sms, reached, []string{"o1|r", "o1|r|7|x", "o1|R|7"}, 3},
			{"to somebody without an address", mail, models.User{ID: 9}, []string{"o1|r|9"}, 1},
			{"who has one now", sms, reached, []string{"o1|r|9"}, 1},
			{"and another later", mail, reached, []string{"o1|r|9"}, 0},
		} {
			if got := say(tc.routing, tc.to, tc.keys...); got != tc.want {
				t.Errorf("%s: %d are new, want %d", tc.name, got, tc.want)
			}
		}
	})
}
