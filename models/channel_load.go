package models

import (
	"context"
	"fmt"
	"time"
)

// ChannelLoad is how many messages of a channel are on their way, and how many
// did not get there.
type ChannelLoad struct {
	Channel Channel
	Waiting int // to be sent, the first time or again
	Unknown int // may have been sent; their fate is asked for
	Dead    int // given up lately
}

// DeadFor is for how long a message that was given up counts in a ChannelLoad.
const DeadFor = 30 * 24 * time.Hour

// ChannelLoads returns the loads of the channels that have any, by channel.
func (s *Store) ChannelLoads(ctx context.Context) (map[Channel]ChannelLoad, error) {
	var rows []struct {
		Channel Channel
		State   NotificationState
		N       int
	}
	err := s.Read(ctx).Model(&Notification{}).Select("channel, state, COUNT(*) AS n").
		Where("state IN ? OR state = ? AND updated_at >= ?",
			[]NotificationState{NotificationPending, NotificationSending, NotificationFailed, NotificationUnknown},
			NotificationDead, s.now().Add(-DeadFor)).
		Group("channel, state").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count messages by channel: %w", err)
	}
	loads := map[Channel]ChannelLoad{}
	for _, row := range rows {
		load := loads[row.Channel]
		load.Channel = row.Channel
		switch row.State {
		case NotificationUnknown:
			load.Unknown += row.N
		case NotificationDead:
			load.Dead += row.N
		case NotificationHeld, NotificationPending, NotificationSending, NotificationSent, NotificationDelivered,
			NotificationFailed, NotificationSuppressed:
			load.Waiting += row.N
		}
		loads[row.Channel] = load
	}
	return loads, nil
}

// channelTest is what the audit trail keeps of a test.
type channelTest struct {
	Channel Channel `json:"channel"`
	Outcome string  `json:"outcome"` // ok, or the code of the failure
}

// ChannelTested records that somebody tried a channel out, and with what
// outcome.
func (s *Store) ChannelTested(ctx context.Context, actor string, c Channel, outcome string) error {
	return s.Tx(ctx, actor, func(tx *Tx) error {
		return tx.Audit("channel.tested", "channel_states", 0, channelTest{c, outcome})
	})
}
