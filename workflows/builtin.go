package workflows

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"

	"duban/models"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// Catalog holds one version of each workflow, by key.
type Catalog map[string]Definition

// Builtin returns the workflows that duban comes with (内置流程).
func Builtin() (Catalog, error) {
	const folder = "builtin"
	files, err := builtinFiles.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read the built-in workflows: %w", err)
	}
	catalog := make(Catalog, len(files))
	for _, f := range files {
		source, err := builtinFiles.ReadFile(path.Join(folder, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the built-in workflow %s: %w", f.Name(), err)
		}
		d, err := Parse(string(source))
		if err != nil {
			return nil, fmt.Errorf("built-in workflow %s: %w", f.Name(), err)
		}
		catalog[d.Key] = d
	}
	return catalog, nil
}

// Title names a workflow in a sentence: its title, or the key of one that is
// not in the catalog.
func (c Catalog) Title(key string, l models.Language) string {
	if d, ok := c[key]; ok {
		return d.Title.In(l)
	}
	return key
}

// Keys returns the keys of the catalog's workflows in order.
func (c Catalog) Keys() []string { return slices.Sorted(maps.Keys(c)) }
