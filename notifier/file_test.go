package notifier_test

import (
	"errors"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duban/notifier"
)

func emails(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(b)
	}
	return files
}

func TestFileWritesOneMailAMessage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox", "mail")
	ch, err := notifier.NewFile(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	m := aMessage("1-ab")
	for range 2 { // a repeat replaces
		if name, err := ch.Send(t.Context(), m); err != nil || name != "1-ab.eml" {
			t.Fatalf("%q, %v", name, err)
		}
	}
	nobody := aMessage("2-cd")
	nobody.Address = ""
	if _, err := ch.Send(t.Context(), nobody); err != nil {
		t.Fatalf("without an address: %v", err)
	}
	files := emails(t, dir)
	if len(files) != 2 {
		t.Fatalf("%d files, want 2", len(files))
	}
	got, err := netmail.ReadMessage(strings.NewReader(files["1-ab.eml"]))
	if err != nil {
		t.Fatal(err)
	}
	if id := got.Header.Get("Message-ID"); id != "<1-ab@localhost>" {
		t.Errorf("Message-ID %q", id)
	}
	if parts := alternatives(t, got); parts["text/plain"] != m.Text || parts["text/html"] != m.HTML {
		t.Errorf("parts %q", parts)
	}
	if !strings.Contains(files["2-cd.eml"], "X-Duban-Recipient: ") {
		t.Errorf("a mail without an address names nobody:\n%s", files["2-cd.eml"])
	}
	if info, err := os.Stat(filepath.Join(dir, "1-ab.eml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := ch.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileThatCannotBeWrittenIsTheChannelsFault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	ch, err := notifier.NewFile(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	_, err = ch.Send(t.Context(), aMessage("1-ab"))
	var failure *notifier.SendError
	if !errors.As(err, &failure) || failure.Class != notifier.Down || strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if _, err := notifier.NewFile(dir, "not an address"); err == nil {
		t.Error("a bad sender is accepted")
	}
}
