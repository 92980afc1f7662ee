package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport is the one direction of imports: what each package of ours may
// use. A package that is not listed may not exist.
var mayImport = map[string][]string{
	"models/money":           {},
	"models/calendar":        {},
	"models":                 {"models/money", "models/calendar"},
	"models/modelstest":      {"models"},
	"config":                 {},
	"deploy":                 {},
	"importer":               {"models", "models/money", "models/calendar"},
	"notifier":               {"models", "models/money", "models/calendar"},
	"notifier/robot":         {"notifier"},
	"notifier/webhook":       {"notifier"},
	"notifier/sms":           {"notifier", "models/money"},
	"notifier/cmpp":          {"notifier"},
	"notifier/cmpp/cmpptest": {"notifier/cmpp"},
	"workflows":              {"models", "models/money", "models/calendar"},
	"jobs":                   {"models", "models/money", "models/calendar", "workflows", "notifier"},
	"api":                    {"models", "models/money", "models/calendar", "config", "importer", "notifier", "notifier/sms", "workflows", "jobs"},
	"cmd/duban": {
		"models", "models/money", "models/calendar", "config", "importer", "notifier", "workflows", "jobs", "api", "deploy",
	},
}

func TestImportsRunOneWay(t *testing.T) {
	const root, module = "../..", "duban/"
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != root:
			return fs.SkipDir
		case d.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		allowed, listed := mayImport[pkg]
		if !listed {
			t.Errorf("package %s is not in the design", pkg)
		}
		seen[pkg] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			if imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module); ours && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s, which %s may not", file, imported, pkg)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("package %s is gone", pkg)
		}
	}
}
