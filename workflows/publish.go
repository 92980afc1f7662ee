package workflows

import (
	"context"

	"duban/models"
)

// CodeVersionTaken refuses to publish another text under a version that is
// published already: instances rely on it.
const CodeVersionTaken Code = "version_taken"

// Publish stores a version of a workflow (发布流程定义), with which instances
// begin from now on; those that run keep theirs. Publishing the same text
// again changes nothing. A version below the newest is refused, as is another
// text under a published version.
func (e *Engine) Publish(ctx context.Context, actor string, def Definition) error {
	return e.Store.Tx(ctx, actor, func(tx *models.Tx) error {
		have, ok, err := tx.Definition(def.Key, 0)
		switch {
		case err != nil:
			return err
		case ok && have.Number == def.Version && have.Source == def.Source():
			return nil
		case ok && have.Number >= def.Version:
			return refuse(CodeVersionTaken, "“%s”第 %d 版已发布，版本号应大于 %d", def.Title.Chinese, have.Number, have.Number)
		}
		return tx.AddDefinition(&models.WorkflowDefinition{Workflow: def.Key, Number: def.Version, Source: def.Source()})
	})
}

// PublishBuiltin stores the workflows that duban comes with, where none of
// that name, or an older one of ours, is stored. What an administrator has
// published stays in force.
func (e *Engine) PublishBuiltin(ctx context.Context) error {
	catalog, err := Builtin()
	if err != nil {
		return err
	}
	return e.Store.Tx(ctx, systemActor, func(tx *models.Tx) error {
		for _, key := range catalog.Keys() {
			def := catalog[key]
			have, ok, err := tx.Definition(key, 0)
			if err != nil {
				return err
			}
			if ok && (have.Number >= def.Version || have.PublishedBy != systemActor) {
				continue
			}
			if err := tx.AddDefinition(&models.WorkflowDefinition{Workflow: key, Number: def.Version, Source: def.Source()}); err != nil {
				return err
			}
		}
		return nil
	})
}

// newest returns the version of a workflow with which instances begin.
func (e *Engine) newest(tx *models.Tx, workflow string) (Definition, error) {
	return e.version(tx, workflow, 0)
}

// version returns one published version of a workflow, the newest for 0.
func (e *Engine) version(tx *models.Tx, workflow string, number int) (Definition, error) {
	if def, ok := e.definitions.Load(definitionKey{workflow, number}); ok {
		return def.(Definition), nil //nolint:forcetypeassert // nothing else is stored
	}
	stored, ok, err := tx.Definition(workflow, number)
	if err != nil {
		return Definition{}, err
	}
	if !ok {
		return Definition{}, refuse(CodeWrongDefinition, "没有发布过流程“%s”", workflow)
	}
	return e.parsed(stored)
}

// parsed reads a stored version, once.
func (e *Engine) parsed(stored models.WorkflowDefinition) (Definition, error) {
	key := definitionKey{stored.Workflow, stored.Number}
	if def, ok := e.definitions.Load(key); ok {
		return def.(Definition), nil //nolint:forcetypeassert // nothing else is stored
	}
	def, err := Parse(stored.Source)
	if err != nil { // an older program took it: one workflow must not stop the others
		return Definition{}, refuse(CodeWrongDefinition, "流程“%s”第 %d 版不能使用，请重新发布：%v", stored.Workflow, stored.Number, err)
	}
	e.definitions.Store(key, def)
	return def, nil
}

// Definition returns one published version of a workflow, the newest for 0.
func (e *Engine) Definition(ctx context.Context, workflow string, number int) (Definition, error) {
	stored, ok, err := e.Store.Definition(ctx, workflow, number)
	if err != nil {
		return Definition{}, err
	}
	if !ok {
		return Definition{}, refuse(CodeWrongDefinition, "没有发布过流程“%s”", workflow)
	}
	return e.parsed(stored)
}

// Catalog returns the newest version of every published workflow that can be
// used.
func (e *Engine) Catalog(ctx context.Context) (Catalog, error) {
	all, err := e.Store.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	catalog := Catalog{}
	for _, stored := range all {
		if def, err := e.parsed(stored); err == nil {
			catalog[def.Key] = def
		}
	}
	return catalog, nil
}
