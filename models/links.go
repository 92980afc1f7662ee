package models

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Link is what a signed link in a message is bound to (签名链接). One without
// an instance lets its person log in and nothing else.
type Link struct {
	UserID      int64     `json:"user_id"`
	InstanceID  int64     `json:"instance_id,omitempty"`
	Task        int       `json:"task,omitempty"`
	TaskVersion int       `json:"task_version,omitempty"`
	FormHash    string    `json:"form_hash,omitempty"` // "" if there is no form yet
	ExpiresAt   time.Time `json:"expires_at"`
	Nonce       string    `json:"nonce"` // makes each link another one
}

// LoginLife is for how long a link lets its person in.
const LoginLife = 10 * time.Minute

// LoginLink returns a link with which a person logs in, and that does nothing
// else. User 0 is nobody, whom no code lets in.
func LoginLink(userID int64, now time.Time) Link {
	return Link{UserID: userID, ExpiresAt: now.Add(LoginLife).UTC().Truncate(time.Second), Nonce: NewNonce()}
}

// Errors of links.
var (
	// ErrLinkForged means that a link is not one of ours, or was mangled.
	ErrLinkForged = errors.New("链接无效")
	// ErrLinkExpired means that a link is too old.
	ErrLinkExpired = errors.New("链接已过期")
	// ErrLinkUsed means that a link has done its work.
	ErrLinkUsed = errors.New("链接已使用过")
	// ErrLinkLocked means that wrong codes were entered too often.
	ErrLinkLocked = errors.New("验证码错误次数过多，链接已失效")
	// ErrWrongCode means that the code is not the link's.
	ErrWrongCode = errors.New("验证码不对")
)

// NewNonce returns what makes a link another one.
func NewNonce() string { return rand.Text()[:10] }

// LinkKey signs links and derives their short codes.
type LinkKey []byte

// tokenFields is the length of what a token says, before the nonce.
const tokenFields = 4*8 + 8

// Token writes a link as the last part of a URL: what it is bound to, and the
// signature over it. Only a prefix of the form's hash is in it, which is
// enough to notice that a form is another one.
func (k LinkKey) Token(l Link) string {
	b := make([]byte, 0, tokenFields+len(l.Nonce)+sha256.Size)
	b = binary.BigEndian.AppendUint64(b, uint64(l.UserID))                                 //nolint:gosec // ids are positive
	b = binary.BigEndian.AppendUint64(b, uint64(l.InstanceID))                             //nolint:gosec // ids are positive
	b = binary.BigEndian.AppendUint64(b, uint64(l.Task)<<32|uint64(uint32(l.TaskVersion))) //nolint:gosec // small and positive
	b = binary.BigEndian.AppendUint64(b, uint64(l.ExpiresAt.Unix()))                       //nolint:gosec // after 1970
	b = append(b, formMark(l.FormHash)...)
	b = append(b, l.Nonce...)
	return base64.RawURLEncoding.EncodeToString(append(b, k.sum("link", b)[:16]...))
}

// formMark is the part of a form's hash that a token carries.
func formMark(hash string) []byte {
	sum := sha256.Sum256([]byte(hash))
	return sum[:8]
}

// SameForm reports whether the link was made for the form with the given hash.
func (l Link) SameForm(hash string) bool { return l.FormHash == hex.EncodeToString(formMark(hash)) }

// Open reads a token. It returns ErrLinkForged, or the link together with
// ErrLinkExpired. FormHash then holds what the token carries of it; compare it
// with [Link.SameForm].
func (k LinkKey) Open(token string, now time.Time) (Link, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < tokenFields+16 || len(token) > 200 {
		return Link{}, ErrLinkForged
	}
	if base64.RawURLEncoding.EncodeToString(b) != token {
		return Link{}, ErrLinkForged // another spelling would have uses and a code of its own
	}
	body, mac := b[:len(b)-16], b[len(b)-16:]
	if !hmac.Equal(mac, k.sum("link", body)[:16]) {
		return Link{}, ErrLinkForged
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(body[8*i:]) }
	l := Link{
		UserID: int64(at(0)), InstanceID: int64(at(1)), Task: int(at(2) >> 32), TaskVersion: int(uint32(at(2))), //nolint:gosec // as written by Token
		ExpiresAt: time.Unix(int64(at(3)), 0).UTC(), //nolint:gosec // as written by Token
		FormHash:  hex.EncodeToString(body[32:tokenFields]), Nonce: string(body[tokenFields:]),
	}
	if now.After(l.ExpiresAt) {
		return l, ErrLinkExpired
	}
	return l, nil
}

// Code returns the six digits that stand in the message but not in the link,
// so that a mail scanner that follows and submits everything cannot decide.
func (k LinkKey) Code(token string) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(k.sum("code", []byte(token)))%1_000_000)
}

func (k LinkKey) sum(purpose string, b []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(purpose + "\x00"))
	h.Write(b)
	return h.Sum(nil)
}

// linkKey is the stored key.
type linkKey struct {
	ID int64
	Stamps
	Secret string
}

// LinkKey returns the key that signs this database's links. The first caller
// draws it.
func (s *Store) LinkKey(ctx context.Context) (LinkKey, error) {
	var row linkKey
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		fresh := linkKey{ID: 1, Secret: rand.Text() + rand.Text()}
		if _, err := tx.createMissing(&fresh); err != nil {
			return err
		}
		return tx.db.Take(&row, 1).Error
	})
	if err != nil {
		return nil, fmt.Errorf("read the key of links: %w", err)
	}
	sum := sha256.Sum256([]byte(row.Secret))
	return sum[:], nil
}

// linkUse is what is on record about one link.
type linkUse struct {
	ID int64
	Stamps
	TokenHash string
	ExpiresAt time.Time
	Failures  int
	UsedAt    *time.Time
}

// maxFailures is how often a wrong code may be entered for one link.
const maxFailures = 5

// hashToken is how tokens are stored: whoever reads the table gets none.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// LinkState returns ErrLinkUsed or ErrLinkLocked for a link that has done its
// work or was guessed at too often, else nil.
func (s *Store) LinkState(ctx context.Context, token string) error {
	var use linkUse
	if err := s.Read(ctx).Where("token_hash = ?", hashToken(token)).Limit(1).Find(&use).Error; err != nil {
		return fmt.Errorf("read a link: %w", err)
	}
	return use.state()
}

func (u linkUse) state() error {
	switch {
	case u.UsedAt != nil:
		return ErrLinkUsed
	case u.Failures >= maxFailures:
		return ErrLinkLocked
	}
	return nil
}

// UseLink marks a link as used, in the transaction that does what it is for.
// It returns ErrLinkUsed or ErrLinkLocked.
func (tx *Tx) UseLink(token string, expires time.Time) error {
	use, err := tx.lockLink(token, expires)
	if err != nil {
		return err
	}
	if err := use.state(); err != nil {
		return err
	}
	return tx.db.Model(&use).UpdateColumn("used_at", tx.store.now()).Error
}

// CheckCode compares what a person entered with the link's code and counts
// wrong ones. It returns ErrWrongCode, ErrLinkUsed or ErrLinkLocked.
func (s *Store) CheckCode(ctx context.Context, key LinkKey, token, code string, expires time.Time) error {
	var verdict error
	err := s.Tx(ctx, "system", func(tx *Tx) error {
		use, err := tx.lockLink(token, expires)
		if err != nil {
			return err
		}
		verdict = use.state()
		if verdict != nil || hmac.Equal([]byte(code), []byte(key.Code(token))) {
			return nil //nolint:nilerr // the verdict is for the caller; the transaction is in order
		}
		verdict = ErrWrongCode
		return tx.db.Model(&use).UpdateColumn("failures", gorm.Expr("failures + 1")).Error
	})
	if err != nil {
		return fmt.Errorf("check a code: %w", err)
	}
	return verdict
}

// lockLink reads, and locks, what is on record about a link.
func (tx *Tx) lockLink(token string, expires time.Time) (linkUse, error) {
	hash := hashToken(token)
	if _, err := tx.createMissing(&linkUse{TokenHash: hash, ExpiresAt: stored(expires)}); err != nil {
		return linkUse{}, err
	}
	var use linkUse
	err := tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Where("token_hash = ?", hash).Take(&use).Error
	return use, err
}

// session is a person's way back in.
type session struct {
	ID int64
	Stamps
	TokenHash string
	UserID    int64
	ExpiresAt time.Time
}

// SessionLife is how long a session lasts.
const SessionLife = 12 * time.Hour

// StartSession lets a person in and returns the secret that proves it later.
// It also forgets the sessions and links whose time is over.
func (tx *Tx) StartSession(userID int64) (token string, err error) {
	now := tx.store.now()
	for _, stale := range []any{&session{}, &linkUse{}} {
		if err := tx.db.Where("expires_at < ?", now).Delete(stale).Error; err != nil {
			return "", fmt.Errorf("forget old sessions: %w", err)
		}
	}
	token = rand.Text()
	if err := tx.Create(&session{TokenHash: hashToken(token), UserID: userID, ExpiresAt: now.Add(SessionLife)}); err != nil {
		return "", err
	}
	return token, tx.Audit("session.started", "users", userID, map[string]any{})
}

// EndSession makes a session's secret worthless.
func (s *Store) EndSession(ctx context.Context, actor, token string) error {
	return s.Tx(ctx, actor, func(tx *Tx) error {
		return tx.db.Where("token_hash = ?", hashToken(token)).Delete(&session{}).Error
	})
}

// SessionUser returns who a session's secret belongs to, if it is still good
// and the person still active.
func (s *Store) SessionUser(ctx context.Context, token string) (u User, ok bool, err error) {
	if token == "" {
		return u, false, nil
	}
	res := s.Read(ctx).Joins("JOIN sessions ON sessions.user_id = users.id").
		Where("sessions.token_hash = ? AND sessions.expires_at > ? AND users.active = ?", hashToken(token), s.now(), true).
		Limit(1).Find(&u)
	if res.Error != nil {
		return u, false, fmt.Errorf("read a session: %w", res.Error)
	}
	return u, res.RowsAffected > 0, nil
}
