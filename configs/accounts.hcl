# Mail accounts as a source, mail servers as a target, and events that tell of what fails
# with both: every setting of account, events, and of an endpoint of type smtp. What stands
# in the other blocks is in production.hcl.
#
# Try an account without starting anything: postern account test sales -c FILE

server {
  hostname = "mx1.example.com"
  data_dir = "/var/lib/postern"
}

# Without a listener no mail comes by SMTP: accounts are enough.

# What payloads of events say of this gateway, and where those events go that are of no
# tenant, such as that a scanner is down.
events {
  service_url = "https://postern.example.com"  # default: none; the field serviceUrl
  operator    = ["acme/ops"]                   # TENANT/ENDPOINT; default: nobody
}

tenant "acme" {
  domains = ["acme.example"]

  endpoint "desk" {
    url        = "https://desk.acme.example/hooks/mail"
    secret_env = "ACME_DESK_SECRET"
  }

  # Gets events of its tenant: of accounts and smarthosts, of deliveries and plugins. They
  # are signed, tried again and logged as mail is. gateway/EVENTS.md shows each. Default: none.
  endpoint "ops" {
    url        = "https://ops.acme.example/hooks/postern"
    secret_env = "ACME_OPS_SECRET"
    events     = ["*"] # or names, as in ["connectError", "connectSuccess", "delivery.failed"]
  }

  # A mail server that gets the mail as it came, under a Received field of this gateway.
  # The chain runs before, and may drop a mail or hold it; what it changes is not sent.
  endpoint "archive" {
    type = "smtp" # default "webhook"

    smtp {
      host     = "smtp.archive.example"
      port     = 587        # default: 465 with tls, 587 with starttls, 25 with none
      security = "starttls" # default; tls, or none, which sends everything in clear

      # The authorities whose certificates count, in PEM. Default: those of the system.
      # ca_file = "/etc/postern/internal-ca.pem"

      # Without a user there is no login. plain and login take a password, xoauth2 and
      # oauthbearer tokens, as in the account below. Default: the best of a password
      # that the server has.
      user = "postern"
      auth = "plain"

      # Of each secret write exactly one of the three.
      password_env = "ARCHIVE_PASSWORD"
      # password_file = "/run/secrets/archive"
      # password      = "…" # for development only

      # oauth2 {
      #   token_url         = "https://login.example.com/oauth2/token"
      #   client_id         = "postern"
      #   client_secret_env = "ARCHIVE_CLIENT_SECRET"
      #   # client_secret_file = "/run/secrets/archive-client"
      #   # client_secret      = "…"
      #   refresh_token_env = "ARCHIVE_REFRESH_TOKEN"
      #   # refresh_token_file = "/run/secrets/archive-token"
      #   # refresh_token      = "…"
      #   scopes = ["https://mail.example.com/"]
      # }

      # The envelope: as the mail had it, null for the empty reverse-path, or an address.
      # A server that checks SPF refuses senders whose mail does not come from here.
      from = "original" # default
      to   = "original" # default; or an address

      # Signs what is sent. openssl genrsa -out dkim.pem 2048 makes a key, RSA or Ed25519.
      # dkim {
      #   domain   = "acme.example"
      #   selector = "postern"
      #   key_file = "/etc/postern/dkim.pem"
      # }
    }
  }

  alias "sales" { endpoints = ["desk", "archive"] }
  alias "*" { endpoints = ["desk"] }
}

# A mailbox whose mail is fetched. More can be added while the gateway runs, by
# "postern account add", and changed and removed by the verbs beside it.
account "sales" {
  tenant = "acme"
  alias  = "sales" # whose endpoints and plugins its mail gets

  # Whom payloads name as the recipient. Default: the user below where that is an address, or else the
  # alias at the tenant's first domain, or, where that is "*", the account's name there.
  address = "sales@acme.example"

  imap {
    host     = "imap.acme.example"
    port     = 993   # default: 993 with tls, 143 otherwise
    security = "tls" # default; starttls, or none, which sends the password in clear
    # ca_file = "/etc/postern/internal-ca.pem" # default: the authorities of the system

    user = "sales@acme.example"
    # auth = "plain" # plain, login, xoauth2, oauthbearer; default: the best of a password that the server has

    password_env = "SALES_PASSWORD"
    # password_file = "/run/secrets/sales"
    # password      = "…" # for development only

    folders = ["INBOX"] # default; each by itself

    # What is fetched when the account connects for the first time: new, which is what
    # comes from then on, all, or what came on a day or later, as in "2026-11-01".
    first = "new" # default

    # What is done with a mail on the server once it is safe here: leave, seen, delete, or
    # move, to a folder that is not fetched.
    after   = "move" # default "leave"
    move_to = "Processed"

    # How often a server is asked that has no IDLE. 5s to 1d.
    poll = "1m" # default

    # A larger mail stays where it is, and the log says so.
    max_message_size = "50MiB" # default
  }
}

# One that logs in by tokens. A refresh token that the provider replaces is kept in the
# store, and used from then on.
account "support" {
  tenant = "acme"
  alias  = "*"

  imap {
    host = "outlook.example.com"
    user = "support@acme.example"
    # auth = "xoauth2" # or oauthbearer (RFC 7628); default: the best of both that the server has

    oauth2 {
      token_url = "https://login.example.com/organizations/oauth2/v2.0/token"
      client_id = "11111111-2222-3333-4444-555555555555"
      scopes    = ["https://outlook.example.com/IMAP.AccessAsUser.All", "offline_access"]

      client_secret_env = "MAIL_CLIENT_SECRET" # of a client that has one
      # client_secret_file = "/run/secrets/mail-client"
      # client_secret      = "…"

      # Without one the client gets tokens for itself (client credentials).
      refresh_token_env = "SUPPORT_REFRESH_TOKEN"
      # refresh_token_file = "/run/secrets/support-token"
      # refresh_token      = "…"
    }
  }
}
