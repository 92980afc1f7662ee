package models_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"duban/models"
	"duban/models/modelstest"
)

var linkNow = time.Date(2025, 7, 1, 1, 0, 0, 0, time.UTC)

func aLink() models.Link {
	return models.Link{
		UserID: 7, InstanceID: 12, Task: 3, TaskVersion: 4, FormHash: "abc", ExpiresAt: linkNow.Add(time.Hour), Nonce: models.NewNonce(),
	}
}

func TestALinkSaysWhatItIsBoundToAndNothingElseOpens(t *testing.T) {
	key, other := models.LinkKey("one key"), models.LinkKey("another")
	want := aLink()
	token := key.Token(want)
	got, err := key.Open(token, linkNow)
	if err != nil || got.UserID != 7 || got.InstanceID != 12 || got.Task != 3 || got.TaskVersion != 4 || got.Nonce != want.Nonce || !got.ExpiresAt.Equal(want.ExpiresAt) {
		t.Fatalf("%+v, %v", got, err)
	}
	if !got.SameForm("abc") || got.SameForm("abd") || got.SameForm("") {
		t.Error("the form's hash is not bound")
	}
	if _, err := other.Open(token, linkNow); !errors.Is(err, models.ErrLinkForged) {
		t.Errorf("another key: %v", err)
	}
	if _, err := key.Open(token, linkNow.Add(2*time.Hour)); !errors.Is(err, models.ErrLinkExpired) {
		t.Errorf("later: %v", err)
	}
	if key.Token(aLink()) == token || key.Code(token) == other.Code(token) && key.Code(key.Token(aLink())) == key.Code(token) {
		t.Error("two links are alike")
	}
	if code := key.Code(token); len(code) != 6 || strings.Contains(token, code) {
		t.Errorf("code %q", code)
	}
	for i := range token {
		mangled := token[:i] + string(token[i]^1) + token[i+1:]
		if _, err := key.Open(mangled, linkNow); err == nil {
			t.Fatalf("a token that was changed at %d opens", i)
		}
	}
}

func FuzzLinkOpen(f *testing.F) {
	key := models.LinkKey("one key")
	link := aLink()
	link.Nonce = "the same in every process"
	good := key.Token(link)
	for _, s := range []string{"", "a", good, good + "\n", good[:20], strings.Repeat("A", 200), good + "="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := key.Open(token, linkNow); err == nil && token != good {
			t.Errorf("opens %q", token)
		}
	})
}

func TestCodesAreCountedAndLinksUsedOnce(t *testing.T) {
	clock := clockwork.NewFakeClockAt(linkNow)
	modelstest.Each(t, clock, func(t *testing.T, s *models.Store) {
		key, err := s.LinkKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.LinkKey(t.Context()); err != nil || string(again) != string(key) {
			t.Fatal("the key changes")
		}
		link := aLink()
		check := func(token, code string) error { return s.CheckCode(t.Context(), key, token, code, link.ExpiresAt) }

		locked := key.Token(aLink())
		for range 5 {
			if err := check(locked, "wrong"); !errors.Is(err, models.ErrWrongCode) {
				t.Fatalf("%v", err)
			}
		}
		if err := check(locked, key.Code(locked)); !errors.Is(err, models.ErrLinkLocked) {
			t.Errorf("after five wrong codes: %v", err)
		}

		token := key.Token(link)
		if err := check(token, key.Code(token)); err != nil {
			t.Fatal(err)
		}
		used := make(chan error, 8)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				used <- s.Tx(t.Context(), "tester", func(tx *models.Tx) error { return tx.UseLink(token, link.ExpiresAt) })
			})
		}
		wg.Wait()
		close(used)
		n := 0
		for err := range used {
			switch {
			case err == nil:
				n++
			case !errors.Is(err, models.ErrLinkUsed):
				t.Errorf("%v", err)
			}
		}
		if n != 1 || !errors.Is(s.LinkState(t.Context(), token), models.ErrLinkUsed) {
			t.Errorf("used %d times", n)
		}
		if err := check(token, key.Code(token)); !errors.Is(err, models.ErrLinkUsed) {
			t.Errorf("a used link: %v", err)
		}
	})
}

func TestASessionEnds(t *testing.T) {
	clock := clockwork.NewFakeClockAt(linkNow)
	s := modelstest.Open(t, models.SQLite, clock)
	user := models.User{Account: "a", Name: "甲", Active: true}
	var token string
	err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error {
		if _, _, err := tx.SaveUser(&user); err != nil {
			return err
		}
		var err error
		token, err = tx.StartSession(user.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	in := func(token string) bool {
		u, ok, err := s.SessionUser(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return ok && u.ID == user.ID
	}
	if !in(token) || in("") || in(token+"x") {
		t.Fatal("who is in is not right")
	}
	clock.Advance(models.SessionLife + time.Second)
	if in(token) {
		t.Error("it does not end by itself")
	}
	clock.Advance(-models.SessionLife)
	user.Active = false
	if err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error { _, _, err := tx.SaveUser(&user); return err }); err != nil {
		t.Fatal(err)
	}
	if in(token) {
		t.Error("somebody who has left is still in")
	}
	user.Active = true
	if err := s.Tx(t.Context(), "tester", func(tx *models.Tx) error { _, _, err := tx.SaveUser(&user); return err }); err != nil {
		t.Fatal(err)
	}
	if err := s.EndSession(t.Context(), "a", token); err != nil || in(token) {
		t.Errorf("it does not end when told: %v", err)
	}
}
