package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"duban/models"
)

// A token says in plain bytes whose it is. The one of a pending login is kept
// in the browser of whoever asked for it, who must not learn from it whether
// the account exists. So the cookie holds it sealed.

func sealer(key models.LinkKey) cipher.AEAD {
	sum := sha256.Sum256(append([]byte("login cookie\x00"), key...))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // impossible: the key has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // impossible: the block is AES
	}
	return aead
}

func seal(key models.LinkKey, token string) string {
	aead := sealer(key)
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(token), nil))
}

// unseal returns "" for whatever seal did not return.
func unseal(key models.LinkKey, sealed string) string {
	aead := sealer(key)
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(b) < aead.NonceSize() {
		return ""
	}
	token, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], nil)
	if err != nil {
		return ""
	}
	return string(token)
}
