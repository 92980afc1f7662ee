package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"duban/api"
	"duban/config"
	"duban/models"
	"duban/notifier"
)

func (a *app) wordsCommand() *cobra.Command {
	return a.group("words", a.say("消息模板的措辞", "what messages say"),
		a.wordsListCommand(), a.wordsShowCommand(), a.wordsCheckCommand(), a.wordsPublishCommand())
}

// wordingFlags adds the flags that say which words of a template are meant.
func (a *app) wordingFlags(cmd *cobra.Command, of *models.Wording) {
	cmd.Flags().StringVar((*string)(&of.Language), "in", string(models.Chinese), a.say("措辞的语言：zh-CN 或 en", "language of the words: zh-CN or en"))
	cmd.Flags().StringVar((*string)(&of.Form), "form", string(models.WordingText), a.say("形式：text（邮件等）或 sms（短信）", "form: text or sms"))
}

// knownWords returns the built-in words, and refuses what there is not.
func (a *app) knownWords(of models.Wording) (*notifier.Templates, string, error) {
	t, err := notifier.NewTemplates("")
	if err != nil {
		return nil, "", err
	}
	if !slices.Contains(models.WordingForms, of.Form) {
		return nil, "", usagef("--form %q：%s", of.Form, a.say("应为 text 或 sms", "must be text or sms"))
	}
	if !slices.Contains(notifier.Languages, of.Language) {
		return nil, "", usagef("--in %q：%s", of.Language, a.say("应为 zh-CN 或 en", "must be zh-CN or en"))
	}
	source, ok := t.Builtin(of)
	if !ok {
		return nil, "", usagef(a.say("没有模板 %q，应为：%s", "no template %q, only: %s"), of.Template, strings.Join(notifier.TemplateNames(), "、"))
	}
	return t, source, nil
}

func (a *app) wordsListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: a.say("列出模板，以及改过的措辞", "list the templates, and the words that were changed"), Args: a.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				list, err := s.Wordings(cmd.Context())
				if err != nil {
					return err
				}
				var rows [][]string
				for _, name := range notifier.TemplateNames() {
					rows = append(rows, []string{name, a.say("内置", "built-in"), "", "", ""})
					for _, w := range list {
						if w.Template == name && w.Source != "" {
							rows = append(rows, []string{name, strconv.Itoa(w.Number), string(w.Language), string(w.Form), w.PublishedBy})
						}
					}
				}
				return listing(a.out, formatTable, []string{a.say("模板", "template"), a.say("版本", "version"), a.say("语言", "language"), a.say("形式", "form"), a.say("启用人", "by")}, rows)
			})
		},
	}
}

func (a *app) wordsShowCommand() *cobra.Command {
	var of models.Wording
	cmd := &cobra.Command{
		Use: "show NAME", Short: a.say("写出现行的措辞，可改后发布", "print the words in force, to be changed and published"), Args: a.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			of.Template = args[0]
			_, source, err := a.knownWords(of)
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				newest, err := s.WordingHistory(cmd.Context(), of, 1)
				if err == nil && len(newest) > 0 && newest[0].Source != "" {
					source = newest[0].Source
				}
				if err == nil {
					_, err = fmt.Fprint(a.out, source)
				}
				return err
			})
		},
	}
	a.wordingFlags(cmd, &of)
	return cmd
}

// checkedWords reads words from a file and refuses those with problems, all of
// which it lists.
func (a *app) checkedWords(of *models.Wording, file string) error {
	t, _, err := a.knownWords(*of)
	if err != nil {
		return err
	}
	source, err := os.ReadFile(file) //nolint:gosec // the person names the file
	if err != nil {
		return usageError{err}
	}
	of.Source = strings.ReplaceAll(string(source), "\r\n", "\n")
	problems := api.CheckWording(t, *of)
	for _, p := range problems {
		_, _ = fmt.Fprintf(a.err, "%s:%d: %s\n", filepath.Base(file), p.Line, p.In(a.language))
	}
	if len(problems) > 0 {
		return usagef(a.say("%s：有 %d 处需要修改", "%s: %d things to mend"), filepath.Base(file), len(problems))
	}
	return nil
}

func (a *app) wordsCheckCommand() *cobra.Command {
	var of models.Wording
	cmd := &cobra.Command{
		Use: "check NAME FILE", Short: a.say("检查一份措辞，列出全部问题", "check words and list every problem"), Args: a.exactly(2),
		RunE: func(_ *cobra.Command, args []string) error {
			of.Template = args[0]
			if err := a.checkedWords(&of, args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(a.out, a.say("没有问题", "no problems"))
			return err
		},
	}
	a.wordingFlags(cmd, &of)
	return cmd
}

func (a *app) wordsPublishCommand() *cobra.Command {
	var of models.Wording
	cmd := &cobra.Command{
		Use: "publish NAME FILE", Short: a.say("启用一份措辞：此后发出的消息按它", "publish words: messages sent from now on say them"), Args: a.exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			of.Template = args[0]
			if err := a.checkedWords(&of, args[1]); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, s *models.Store) error {
				newest, err := s.WordingHistory(cmd.Context(), of, 1)
				if err != nil {
					return err
				}
				seen := 0
				if len(newest) > 0 {
					seen = newest[0].Number
				}
				err = s.Tx(cmd.Context(), actor(), func(tx *models.Tx) error { return tx.PublishWording(&of, seen) })
				if err == nil {
					_, err = fmt.Fprintf(a.out, a.say("已启用：%s 第 %d 版\n", "published: %s version %d\n"), of.Template, of.Number)
				}
				return err
			})
		},
	}
	a.wordingFlags(cmd, &of)
	return cmd
}
