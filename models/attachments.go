package models

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxAttachment is the largest file that is kept, in bytes.
const MaxAttachment = 10 << 20

// maxUnbound bounds the files of a person that no form has used yet, in bytes.
const maxUnbound = 5 * MaxAttachment

// ErrTooManyFiles means that a person has uploaded much and used none of it.
var ErrTooManyFiles = errors.New("未使用的附件过多，请明天再传")

// fileContent is stored as base64: a server takes statements of 16 MB, and a
// driver may double the length of binary data when it escapes them.
type fileContent []byte

// Value implements driver.Valuer.
func (c fileContent) Value() (driver.Value, error) {
	return base64.StdEncoding.EncodeToString(c), nil
}

// Scan implements sql.Scanner.
func (c *fileContent) Scan(stored any) (err error) {
	switch v := stored.(type) {
	case string:
		*c, err = base64.StdEncoding.DecodeString(v)
	case []byte:
		*c, err = base64.StdEncoding.DecodeString(string(v))
	default:
		err = fmt.Errorf("attachment content of type %T", stored)
	}
	return err
}

// AddAttachment keeps a file and fills in its id, size and hash. It returns
// ErrTooManyFiles.
func (tx *Tx) AddAttachment(a *Attachment) error {
	if len(a.Content) > MaxAttachment {
		return fmt.Errorf("附件 %s：超过 %d MB", a.Name, MaxAttachment>>20)
	}
	var unbound int64
	err := tx.db.Model(&Attachment{}).Select("COALESCE(SUM(size), 0)").Where("uploaded_by = ? AND instance_id = 0", a.UploadedBy).Scan(&unbound).Error
	if err != nil {
		return fmt.Errorf("read attachments: %w", err)
	}
	if unbound+int64(len(a.Content)) > maxUnbound {
		return ErrTooManyFiles
	}
	sum := sha256.Sum256(a.Content)
	a.Name, a.Size, a.SHA256 = clip(a.Name, 255), int64(len(a.Content)), hex.EncodeToString(sum[:])
	if err := tx.Create(a); err != nil {
		return err
	}
	return tx.Audit("attachment.added", "attachments", a.ID, map[string]any{"name": a.Name, "size": a.Size, "sha256": a.SHA256})
}

// Attachments returns what is known of files, without their content, by id.
func (s *Store) Attachments(ctx context.Context, ids []int64) (map[int64]Attachment, error) {
	found := make(map[int64]Attachment, len(ids))
	for chunk := range slices.Chunk(ids, insertChunk) {
		var batch []Attachment
		if err := s.Read(ctx).Omit("content").Where("id IN ?", chunk).Find(&batch).Error; err != nil {
			return nil, fmt.Errorf("read attachments: %w", err)
		}
		for _, a := range batch {
			found[a.ID] = a
		}
	}
	return found, nil
}

// Attachment returns a file with its content.
func (s *Store) Attachment(ctx context.Context, id int64) (Attachment, error) {
	var a Attachment
	return a, notFound(s.Read(ctx).Take(&a, id).Error, "附件", id)
}

// BindAttachment notes which instance a file belongs to: those who may see the
// instance may then see the file. A file that was uploaded by somebody else,
// or belongs to another instance, is refused with ErrNotFound.
func (tx *Tx) BindAttachment(id, instanceID, uploader int64) error {
	res := tx.db.Model(&Attachment{}).Where("id = ? AND instance_id = 0 AND uploaded_by = ?", id, uploader).UpdateColumn("instance_id", instanceID)
	if res.Error != nil || res.RowsAffected > 0 {
		return res.Error
	}
	var a Attachment
	err := tx.db.Omit("content").Where("id = ? AND instance_id = ?", id, instanceID).Take(&a).Error
	return notFound(err, "附件", id)
}

// unboundLife is for how long a file is kept that no form has used.
const unboundLife = 24 * time.Hour

// DropUnboundAttachments deletes the files that were uploaded for forms which
// were never handed in.
func (s *Store) DropUnboundAttachments(ctx context.Context) error {
	return s.Tx(ctx, "system", func(tx *Tx) error {
		return tx.db.Where("instance_id = 0 AND created_at < ?", tx.store.now().Add(-unboundLife)).Delete(&Attachment{}).Error
	})
}
