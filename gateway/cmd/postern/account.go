package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/account"
	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

func newAccount() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Look at the mail accounts of a running gateway, add, try, change and remove them",
		Long: `A mail account is a mailbox on an IMAP server, whose mail is fetched and goes the way of an alias.
Those of the configuration stand there, in account blocks. Others are added here while the gateway runs; the store
keeps them, with their credentials.`,
		Args: cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAccountList(), newAccountShow(), newAccountAdd(), newAccountUpdate(), newAccountRemove(),
		newAccountTest(), newAccountDisable(), newAccountEnable())
	return cmd
}

func newAccountList() *cobra.Command {
	var gateway gatewayFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the mail accounts and how they fare",
		Long: `List prints a line for each account. States: connecting, connected, waiting (a connection has failed, and
another try is due), disabled, invalid (it does not fit the configuration any more), elsewhere (another node has it).`,
		Example: `  postern account list --data-dir /var/lib/postern
  postern account list -c postern.hcl --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, &gateway, asJSON, func(ctx context.Context, client *admin.Client) (admin.AccountList, error) {
				return client.Accounts(ctx)
			}, printAccounts)
		},
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printAccounts(w io.Writer, list admin.AccountList) error {
	if len(list.Accounts) == 0 {
		_, err := fmt.Fprintln(w, `There is no mail account. "postern account add --help" says how to add one.`)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tSINCE\tFETCHED\tTENANT/ALIAS\tSERVER\tUSER\tLAST ERROR")
	for _, a := range list.Accounts {
		since := ""
		if !a.Since.IsZero() {
			since = a.Since.Local().Format(time.DateTime)
		}
		wrong := a.Reason
		if a.LastError.Response != "" {
			wrong = a.LastError.Response
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s/%s\t%s\t%s\t%s\n", a.Name, a.State, since, a.Fetched, a.Tenant, a.Alias, a.Server, terminal.Text(a.User, 40), terminal.Text(wrong, 80))
	}
	return table.Flush()
}

func newAccountShow() *cobra.Command {
	var gateway gatewayFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a mail account: settings, how it fares, how far its folders are fetched",
		Example: `  postern account show --data-dir /var/lib/postern sales
  postern account show -c postern.hcl sales --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd, &gateway, asJSON, func(ctx context.Context, client *admin.Client) (admin.Account, error) {
				return client.Account(ctx, args[0])
			}, printAccount)
		},
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printAccount(w io.Writer, a admin.Account) error {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-11s%s\n", name, text)
		}
	}
	line("Account", a.Name)
	line("For", a.Tenant+"/"+a.Alias+orEmpty(", as "+terminal.Text(a.Address, 320), a.Address != ""))
	line("Server", a.Server+orEmpty(", "+a.Security, a.Security != "")+orEmpty(", user "+terminal.Text(a.User, 320), a.User != ""))
	line("Kept", map[bool]string{true: "in the configuration", false: "in the store"}[a.Configured])
	line("State", string(a.State)+orEmpty(" since "+clock(a.Since), !a.Since.IsZero())+orEmpty(": "+terminal.Text(a.Reason, 600), a.Reason != ""))
	if e := a.LastError; e.Response != "" {
		line("Error", terminal.Text(e.Response, 600)+orEmpty(" ("+terminal.Text(e.Code, 60)+")", e.Code != "")+", at "+clock(e.At))
	}
	if !a.NextAttemptAt.IsZero() {
		line("Next try", clock(a.NextAttemptAt))
	}
	line("Fetched", fmt.Sprintf("%d mails since it was set up last, or the gateway started", a.Fetched))
	for _, f := range a.Folders {
		line("Folder", fmt.Sprintf("%s, next UID %d (UIDVALIDITY %d)", terminal.Text(f.Name, 255), f.NextUID, f.UIDValidity))
	}
	names := make([]string, 0, len(a.Settings))
	for name := range a.Settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		line("Setting", name+" = "+terminal.Text(a.Settings[name], 400))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// accountFlags say settings of an account.
type accountFlags struct {
	named    map[string]*string
	settings []string
	password string // a file on this machine; - is the standard input
}

// settingFlags are settings that have a flag of their own.
func settingFlags() [][3]string {
	return [][3]string{
		{"tenant", "tenant", "`TENANT` that it is for"},
		{"alias", "alias", "`ALIAS` of the tenant whose way its mail goes"},
		{"address", "address", "`ADDRESS` that payloads name as the recipient; default: the user where that is one, or else alias or name at the tenant's first domain"},
		{"host", "imap.host", "`HOST` of the IMAP server"},
		{"port", "imap.port", "`PORT` there; default: 993 with tls, 143 otherwise"},
		{"security", "imap.security", "tls, starttls or none (`HOW`); default tls"},
		{"user", "imap.user", "`USER` to log in as"},
		{"folders", "imap.folders", "`FOLDERS` to fetch, with commas between them; default INBOX"},
		{"first", "imap.first", "`WHAT` to fetch at first: new (default), all, or what came since a day as in 2026-11-01"},
		{"after", "imap.after", "`WHAT` is done on the server with a mail that is safe here: leave (default), seen, move, delete"},
		{"move-to", "imap.move_to", "`FOLDER` for --after move"},
	}
}

func (f *accountFlags) register(cmd *cobra.Command) {
	f.named = make(map[string]*string)
	for _, s := range settingFlags() {
		f.named[s[0]] = cmd.Flags().String(s[0], "", s[2])
	}
	cmd.Flags().StringVar(&f.password, "password-file", "", "read the password from this `FILE` and keep it with the account; - is the standard input")
	cmd.Flags().StringArrayVar(&f.settings, "setting", nil, "any setting of an account block, as in --setting imap.oauth2.client_id=x (`NAME=VALUE`)")
}

// read returns what the flags say.
func (f *accountFlags) read(cmd *cobra.Command) (account.Settings, error) {
	settings := make(account.Settings)
	for _, s := range settingFlags() {
		if cmd.Flags().Changed(s[0]) {
			settings[s[1]] = *f.named[s[0]]
		}
	}
	for _, s := range f.settings {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("--setting %s: want NAME=VALUE", name)
		}
		settings[name] = value
	}
	if f.password != "" {
		text, err := readPassword(cmd.InOrStdin(), f.password)
		if err != nil {
			return nil, fmt.Errorf("--password-file: %w", err)
		}
		settings["imap.password"] = text
	}
	return settings, nil
}

const accountSettingsHelp = `Settings without a flag of their own are given by --setting, by the names that they have in an account block. A
password comes from --password-file, which is read here; it is kept in the store. --setting imap.password_file=PATH
names a file that the gateway reads instead, and imap.password_env a variable of its environment.`

func newAccountAdd() *cobra.Command {
	return newAccountChange(&cobra.Command{
		Use:   "add NAME",
		Short: "Add a mail account",
		Long: `Add has the gateway connect to a mailbox and fetch its mail from now on. "postern account test" tries the same
flags without keeping anything.

` + accountSettingsHelp,
		Example: `  postern account add sales -c postern.hcl --tenant acme --alias sales --host imap.acme.example --user sales@acme.example --password-file sales.pw
  postern account add old --data-dir /var/lib/postern --tenant acme --alias "*" --host 10.0.0.5 --security starttls --user old \
      --password-file - --first all --after move --move-to Processed`,
	}, "add", func(name string, _ admin.AccountAnswer) string {
		return fmt.Sprintf("%s is added; \"postern account show %s\" says how it fares.", name, name)
	})
}

func newAccountUpdate() *cobra.Command {
	return newAccountChange(&cobra.Command{
		Use:   "update NAME",
		Short: "Change settings of a mail account that was added",
		Long: `Update changes the settings that are given and leaves the others. One that is given without a value is taken
away, so that its default holds. The gateway connects anew at once.

` + accountSettingsHelp,
		Example: `  postern account update sales -c postern.hcl --password-file sales.pw
  postern account update sales --data-dir /var/lib/postern --setting imap.poll=5m --port ""`,
	}, "update", func(name string, a admin.AccountAnswer) string {
		if a.Account.State == account.Disabled {
			return fmt.Sprintf("%s is changed. It is disabled; \"postern account enable %s\" ends that.", name, name)
		}
		return name + " is changed, and connected to anew."
	})
}

// newAccountChange makes a verb that gives settings.
func newAccountChange(cmd *cobra.Command, act string, say func(string, admin.AccountAnswer) string) *cobra.Command {
	var gateway gatewayFlags
	var flags accountFlags
	var asJSON bool
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := flags.read(cmd)
		if err != nil {
			return err
		}
		if len(settings) == 0 {
			return errors.New("nothing is said of the account: give settings")
		}
		return changeAccount(cmd, &gateway, asJSON, args[0], act, admin.AccountChange{Settings: settings}, say)
	}
	gateway.register(cmd)
	flags.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func changeAccount(cmd *cobra.Command, gateway *gatewayFlags, asJSON bool, name, act string, change admin.AccountChange, say func(string, admin.AccountAnswer) string) error {
	return answer(cmd, gateway, asJSON, func(ctx context.Context, client *admin.Client) (admin.AccountAnswer, error) {
		return client.ChangeAccount(ctx, name, act, change)
	}, func(w io.Writer, a admin.AccountAnswer) error {
		_, err := fmt.Fprintln(w, say(name, a))
		return err
	})
}

// newAccountAct makes a verb that needs the name alone.
func newAccountAct(cmd *cobra.Command, act string, say func(string, admin.AccountAnswer) string) *cobra.Command {
	var gateway gatewayFlags
	var asJSON bool
	var reason string
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return changeAccount(cmd, &gateway, asJSON, args[0], act, admin.AccountChange{Reason: reason}, say)
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	if act == "disable" {
		cmd.Flags().StringVar(&reason, "reason", "by an operator", "`TEXT` that says why")
	}
	return cmd
}

func newAccountRemove() *cobra.Command {
	return newAccountAct(&cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a mail account that was added",
		Long: `Remove forgets an account, its credentials and how far it was fetched. Mail that was fetched stays, here and on
the server. Added again, it is new.`,
		Example: `  postern account remove sales --data-dir /var/lib/postern
  postern account remove sales -c postern.hcl --json`,
	}, "remove", func(name string, _ admin.AccountAnswer) string { return name + " is removed." })
}

func newAccountDisable() *cobra.Command {
	return newAccountAct(&cobra.Command{
		Use:   "disable NAME",
		Short: "Leave a mail account alone until it is enabled",
		Long: `Disable ends the connection of an account, one of the configuration too. It stays so over restarts until
"postern account enable", which goes on where it ended.`,
		Example: `  postern account disable sales --data-dir /var/lib/postern --reason "moved to another provider"
  postern account disable sales -c postern.hcl`,
	}, "disable", func(name string, a admin.AccountAnswer) string {
		if !a.Changed {
			return name + " was disabled already: " + a.Account.Reason + "."
		}
		return fmt.Sprintf("%s is disabled; \"postern account enable %s\" ends that.", name, name)
	})
}

func newAccountEnable() *cobra.Command {
	return newAccountAct(&cobra.Command{
		Use:   "enable NAME",
		Short: "Connect to a mail account again that is disabled",
		Long: `Enable connects to an account again that an operator has disabled, or the gateway, since its login failed for
three days.`,
		Example: `  postern account enable sales --data-dir /var/lib/postern
  postern account enable sales -c postern.hcl`,
	}, "enable", func(name string, a admin.AccountAnswer) string {
		if !a.Changed {
			return name + " was not disabled."
		}
		return fmt.Sprintf("%s is enabled; \"postern account show %s\" says how it fares.", name, name)
	})
}

func newAccountTest() *cobra.Command {
	var gateway gatewayFlags
	var flags accountFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Connect to a mail account, log in, list its folders, and say what fails",
		Long: `Test connects as the gateway would, logs in and lists the folders. It fetches nothing and changes nothing. What
fails is said with the code that the event connectError or authenticationError would have. With settings it tries those,
over those of the account of that name, or of one that need not be there; without, the account as it is. Where no gateway runs, it tries an account of
the configuration by itself.

` + accountSettingsHelp,
		Example: `  postern account test sales -c postern.hcl
  postern account test x -c postern.hcl --tenant acme --alias "*" --host imap.acme.example --user x --password-file x.pw --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := flags.read(cmd)
			if err != nil {
				return err
			}
			if len(settings) == 0 {
				settings = nil
			}
			client, err := gateway.client()
			if err != nil {
				return err
			}
			got, err := client.TestAccount(cmd.Context(), args[0], settings)
			if errors.Is(err, admin.ErrNotRunning) && len(gateway.config.files) > 0 {
				got, err = testHere(cmd.Context(), &gateway, args[0], settings)
			}
			if err != nil {
				return wrapFailure(err)
			}
			return printTest(cmd, got, asJSON)
		},
	}
	gateway.register(cmd)
	flags.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// configuredAccount is the account of a name in a configuration, or what settings say.
func configuredAccount(cfg *config.Config, name string, settings account.Settings, environ []string) (config.Account, error) {
	if settings != nil {
		return cfg.ReadAccount(name, settings, environ)
	}
	for _, a := range cfg.Accounts {
		if a.Name == name {
			return a, nil
		}
	}
	return config.Account{}, failure{fmt.Errorf("the configuration has no account %q, and no gateway runs that might have it", name)}
}

func printTest(cmd *cobra.Command, t admin.AccountTest, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(t); err != nil {
			return failure{err}
		}
	} else if _, err := io.WriteString(cmd.OutOrStdout(), testText(t)); err != nil {
		return failure{err}
	}
	if !t.OK {
		return failure{errReported}
	}
	return nil
}

func testText(t admin.AccountTest) string {
	var b strings.Builder
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "%-6s %-13s %s\n", map[bool]string{true: "ok", false: "FAILED"}[s.OK], s.Name, terminal.Text(s.Detail, 600))
	}
	if e := t.Error; e.Response != "" {
		fmt.Fprintf(&b, "\n%s\n", terminal.Text(e.Response, 600))
		if t.Event != "" {
			fmt.Fprintf(&b, "The event would be %s, with %s.\n", t.Event, orEmpty("the code "+terminal.Text(e.Code, 60), e.Code != "")+orEmpty("no code", e.Code == ""))
		}
		return b.String()
	}
	fmt.Fprintf(&b, "\nFolders: ")
	for i, f := range t.Folders {
		fmt.Fprint(&b, orEmpty(", ", i > 0), terminal.Text(f, 255))
	}
	fmt.Fprintln(&b)
	return b.String()
}
