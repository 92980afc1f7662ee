package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

// auditHead is the end of the chain of audit entries. It is locked by the
// transaction that appends, so that entries follow one another in one order.
type auditHead struct {
	ID   int64
	Seq  int64
	Hash string
}

// appendAudit adds the transaction's entries to the chain. It comes last in
// the transaction because the head is locked from here to the commit.
func (tx *Tx) appendAudit() error {
	if len(tx.entries) == 0 {
		return nil
	}
	head, err := tx.lockAuditHead()
	if err != nil {
		return err
	}
	seq, prev := head.Seq, head.Hash
	for i := range tx.entries {
		e := &tx.entries[i]
		seq++
		e.Seq, e.PrevHash = seq, prev
		e.Hash = e.sum()
		prev = e.Hash
	}
	// Few at a time: a detail may hold a whole project twice.
	if err := tx.db.CreateInBatches(tx.entries, 50).Error; err != nil {
		return fmt.Errorf("append to the audit chain: %w", err)
	}
	return tx.db.Model(&auditHead{}).Where("id = 1").UpdateColumns(map[string]any{"seq": seq, "hash": prev}).Error
}

// lockAuditHead reads the end of the chain, which nobody else can move until
// the transaction ends.
func (tx *Tx) lockAuditHead() (auditHead, error) {
	var head auditHead
	if err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&head, 1).Error; err != nil {
		return head, fmt.Errorf("lock the audit chain: %w", err)
	}
	return head, nil
}

// sum hashes the entry and, through PrevHash, everything before it. The fields
// are encoded as JSON so that no two entries share an encoding.
func (e AuditEntry) sum() string {
	b, _ := json.Marshal([]any{ //nolint:errchkjson // strings and integers cannot fail
		e.Seq, e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.Action, e.Entity, e.EntityID, e.Detail, e.PrevHash,
	})
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// AuditError says where the chain of audit entries is broken.
type AuditError struct {
	Seq    int64
	Reason string // gap, edited, reordered, truncated, or forged
}

// Error implements error.
func (f *AuditError) Error() string {
	return fmt.Sprintf("审计链在第 %d 条断裂：%s", f.Seq, f.Reason)
}

// VerifyAudit walks the whole chain and returns how many entries it holds, or
// an *AuditError at the first entry that was edited, removed or moved.
func (s *Store) VerifyAudit(ctx context.Context) (int64, error) {
	var head auditHead
	if err := s.Read(ctx).Take(&head, 1).Error; err != nil {
		return 0, fmt.Errorf("read the audit chain: %w", err)
	}
	seq, prev := int64(0), ""
	for seq < head.Seq {
		var batch []AuditEntry
		if err := s.Read(ctx).Where("seq > ? AND seq <= ?", seq, head.Seq).Order("seq").Limit(insertChunk).Find(&batch).Error; err != nil {
			return seq, fmt.Errorf("read audit entries: %w", err)
		}
		if len(batch) == 0 {
			return seq, &AuditError{Seq: seq + 1, Reason: "truncated"}
		}
		for _, e := range batch {
			if fault := e.follows(seq, prev); fault != nil {
				return seq, fault
			}
			seq, prev = e.Seq, e.Hash
		}
	}
	if prev != head.Hash {
		return seq, &AuditError{Seq: seq, Reason: "edited"}
	}
	var beyond int64
	if err := s.Read(ctx).Model(&AuditEntry{}).Where("seq > ?", head.Seq).Count(&beyond).Error; err != nil {
		return seq, fmt.Errorf("read audit entries: %w", err)
	}
	if beyond > 0 {
		return seq, &AuditError{Seq: seq + 1, Reason: "forged"}
	}
	return seq, nil
}

// follows checks one entry against the sequence number and hash before it.
func (e AuditEntry) follows(seq int64, prev string) error {
	switch {
	case e.Seq != seq+1:
		return &AuditError{Seq: seq + 1, Reason: "gap"}
	case e.PrevHash != prev:
		return &AuditError{Seq: e.Seq, Reason: "reordered"}
	case e.Hash != e.sum():
		return &AuditError{Seq: e.Seq, Reason: "edited"}
	}
	return nil
}
