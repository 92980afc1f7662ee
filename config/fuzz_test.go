package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"duban/config"
)

// Whatever a file holds, Load returns either a valid configuration or problems.
func FuzzLoad(f *testing.F) {
	sample, err := os.ReadFile("../deploy/duban.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	for _, s := range []string{"", "mail: {port: 1}", "a: &a [*a]", "mail:\n <<: *x\n", "? a\n: b", "\xff", "mail: !!int x", "- - -", "{", "a: |\n b", "%YAML 1.2\n---\n", "\"\\"} {
		f.Add([]byte(s))
	}
	name := filepath.Join(f.TempDir(), "duban.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(name, nil)
		var found config.Error
		switch {
		case err == nil:
			if err := c.Validate(); err != nil {
				t.Errorf("loaded, but %v", err)
			}
		case !errors.As(err, &found) || len(found) == 0:
			t.Errorf("refused without a problem: %v", err)
		}
	})
}
