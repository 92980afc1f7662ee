package models

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ahead is by how much a message is dated back that somebody waits for in front
// of a screen, which puts it before all others that are due.
const ahead = 24 * time.Hour

// Enqueue adds messages to the outbox and returns how many are new: one whose
// dedup key is there already is not created again, and neither is one whose
// person was told the same thing by another channel, because another came first
// for them then.
func (tx *Tx) Enqueue(messages []Notification) (int, error) {
	added := 0
	for chunk := range slices.Chunk(messages, toldChunk) {
		rows, err := tx.untold(chunk)
		if err != nil {
			return 0, err
		}
		for i := range rows {
			if rows[i].Urgency == Instant {
				rows[i].NextAttemptAt = rows[i].NextAttemptAt.Add(-ahead)
			}
		}
		n, err := tx.createMissing(rows)
		if err != nil {
			return 0, err
		}
		added += int(n)
	}
	return added, nil
}

// toldChunk bounds the ranges of one query.
const toldChunk = 200

// untold returns those of the messages that nobody was told by any channel. That
// somebody could not be told does not count.
func (tx *Tx) untold(messages []Notification) ([]Notification, error) {
	ranges, args := make([]string, 0, len(messages)), make([]any, 0, 2*len(messages))
	for _, n := range messages {
		if about := n.about(); about != "" {
			ranges, args = append(ranges, "dedup_key >= ? AND dedup_key < ?"), append(args, about+"|", about+"}") // } comes after |
		}
	}
	told := map[string]bool{}
	if len(ranges) > 0 {
		var keys []string
		err := tx.db.Model(&Notification{}).Where(strings.Join(ranges, " OR "), args...).Pluck("dedup_key", &keys).Error
		if err != nil {
			return nil, fmt.Errorf("read what people were told: %w", err)
		}
		for _, key := range keys {
			about, by := key[:strings.LastIndexByte(key, '|')], key[strings.LastIndexByte(key, '|')+1:]
			told[about] = told[about] || by != SuppressedNoAddress
		}
	}
	rows := slices.Clone(messages) // the transaction may run again
	return slices.DeleteFunc(rows, func(n Notification) bool { return told[n.about()] }), nil
}
