package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"duban/config"
	"duban/models"
)

func (a *app) loginCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "login ACCOUNT",
		Short: a.say("为一个账号生成一次性登录链接和验证码", "print a one-time login link and its code for an account"),
		Long: a.say("用于首次登录，或收不到验证码的人。链接十分钟内有效，只能使用一次；凭它登录记入审计。",
			"For a first login, or for somebody whom no code reaches. The link is good once and for ten minutes; a login by it is audited."),
		Args: a.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, s *models.Store) error {
				return a.login(cmd.Context(), cfg, s, args[0])
			})
		},
	}
}

// reachable turns an address to listen on into one to call: where a server
// listens on every interface, it does so on this machine.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if addr, parseErr := netip.ParseAddr(host); err == nil && (host == "" || parseErr == nil && addr.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

func (a *app) login(ctx context.Context, cfg *config.Config, s *models.Store, account string) error {
	user, ok, err := s.UserByAccount(ctx, account)
	if err != nil {
		return err
	}
	if !ok || !user.Active {
		return usagef("没有账号 %q，或已停用", account)
	}
	key, err := s.LinkKey(ctx)
	if err != nil {
		return err
	}
	if err := s.Tx(ctx, actor(), func(tx *models.Tx) error {
		return tx.Audit("login.printed", "users", user.ID, map[string]any{"account": account})
	}); err != nil {
		return err
	}
	base := cfg.Server.BaseURL
	if base == "" {
		base = "http://" + reachable(cfg.Server.Listen)
	}
	token := key.Token(models.LoginLink(user.ID, clockwork.NewRealClock().Now()))
	link, err := url.JoinPath(base, "links", token)
	if err != nil {
		return usagef("server.base_url %q：%w", base, err)
	}
	_, err = fmt.Fprintf(a.out, a.say("%s（%s）\n链接 %s\n验证码 %s\n", "%s (%s)\nlink %s\ncode %s\n"), user.Name, account, link, key.Code(token))
	return err
}
