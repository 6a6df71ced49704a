# Every setting that there is, with what it means, but for mail accounts, mail servers as
# targets and events, which are in accounts.hcl. Where a comment names a
# default, leaving the setting out gives the same.
#
# Check a configuration without starting anything: postern check -c FILE

server {
  # The name that the gateway greets with and writes into Received fields. It
  # should be the name that the MX records point to.
  hostname = "mx1.example.com"

  # Everything durable: mail, queue, log of attempts, unless store and bodies put them
  # elsewhere. On a local disk.
  data_dir = "/var/lib/postern"

  log_level  = "info" # trace, debug, info (default), warn, error
  log_format = "json" # text (default) or json
}

# Where the queue and the log are. cluster.hcl shows it for several nodes.
store {
  # sqlite is a database in data_dir, for one node. postgres is one that several nodes
  # share.
  driver = "sqlite" # default

  # The rest goes with postgres. A DSN is a credential: a URL such as
  # "postgres://USER:PASSWORD@HOST:5432/DATABASE", or words such as "host=… user=…".
  # Write exactly one of the three.
  #
  # dsn_env  = "POSTERN_DSN"               # an environment variable
  # dsn_file = "/run/secrets/postern-dsn"  # a file; a line break at its end does not count
  # dsn      = "postgres://…"              # here; for development only

  # max_connections = 16 # default; of this node, 4 to 1000
}

# Where the octets of mails are.
bodies {
  # files (default with sqlite) are in data_dir; beside postgres that is for one node
  # only, since no other node finds them. database (default with postgres) is that of
  # postgres. s3 is for large bodies: small ones stay where they would be without it.
  driver = "files" # default

  # The rest goes with s3: any store that speaks its protocol.
  #
  # endpoint   = "https://s3.eu-central-1.amazonaws.com" # host and port; http sends mail in clear
  # bucket     = "example-postern"                       # is not made: it has to be there
  # region     = "us-east-1"                             # default; signatures name it
  # prefix     = "postern"                               # of all keys; default: none
  # path_style = true                                    # default; false puts the bucket before the host

  # Of each write exactly one of the three. The key has to read, write, list and delete.
  #
  # access_key_id_env      = "S3_ACCESS_KEY_ID"
  # access_key_id_file     = "/run/secrets/s3-id"
  # access_key_id          = "…"
  # secret_access_key_env  = "S3_SECRET_ACCESS_KEY"
  # secret_access_key_file = "/run/secrets/s3-key"
  # secret_access_key      = "…" # for development only
}

# One block per address that mail comes in on.
listener "mx" {
  address = ":25" # host:port; without a host on all interfaces

  # Announced as SIZE. KiB, MiB, GiB, or a plain number of octets.
  max_message_size = "50MiB" # default
  max_recipients   = 100     # default; per transaction. RFC 5321 wants at least 100

  # Whoever comes above these is told 421, and comes back later.
  max_connections        = 1000 # default
  max_connections_per_ip = 50   # default

  idle_timeout = "5m" # default; RFC 5321 wants at least 5 minutes

  # Mail with a line feed alone is refused, since servers that disagree about
  # where a line ends can be made to smuggle mail. true takes it all the same.
  allow_bare_newlines = false # default

  # Offers STARTTLS. The files are read at start and at SIGHUP.
  tls {
    cert_file = "/etc/postern/mx1.crt" # with the chain
    key_file  = "/etc/postern/mx1.key"

    # true refuses mail that comes in clear. On a public MX this loses mail.
    required = false # default
  }
}

# What the webhook client may do. Endpoints are chosen by tenants, so this is
# what keeps them away from the network that the gateway stands in.
delivery {
  allow_http     = false           # default; true permits plain http endpoints
  allow_networks = []              # default; private networks that endpoints may live in, such as "10.20.0.0/16"
  allow_ports    = [443, 80, 8443] # default; outside those networks

  timeout     = "30s" # default; of one attempt, 1s to 5m
  concurrency = 64    # default; attempts at a time, over all endpoints; one tenant of several has 7/8 of them at most

  # When more deliveries of this gateway wait than this, the 250 of a mail comes later,
  # so that senders slow down. None is refused for it.
  max_backlog = 100000 # default; 1 to 100000000

  # The delay before each attempt: at once, then 1 minute after the first
  # failed, and so on. After the last the delivery has failed, and can be sent
  # again by hand. 1 to 50 entries of at most 7d.
  schedule = ["0s", "1m", "5m", "30m", "2h", "12h"] # default
}

# A development endpoint inside the binary that shows the mail it gets to
# whoever asks; loopback only. Without the block it is off.
#
# inspector {
#   address = "127.0.0.1:8025" # default
# }

# Where receivers fetch attachments that payloads do not hold: by URLs that are signed
# and last as long as the mail is kept. Whoever has such a URL has the attachment. Without
# the block there are no URLs.
public {
  address = ":8443" # host:port, as that of a listener

  # How receivers reach it: what the URLs begin with. A proxy in front may take the
  # path away, or leave it.
  base_url = "https://mx1.example.com:8443"

  # Signs the URLs, and has the form of an endpoint's secret. Write exactly one of the
  # three.
  secret_env = "ATTACHMENTS_SECRET"
  # secret_file = "/run/secrets/attachments"
  # secret      = "whsec_…"

  # For a change of the secret: URLs that this one has signed work too. Name it until
  # the retention of the mail from before is over. One of the three, or none (default).
  # former_secret_env  = "ATTACHMENTS_FORMER_SECRET"
  # former_secret_file = "/run/secrets/attachments-former"
  # former_secret      = "whsec_…"

  max_connections        = 256 # default; more wait
  max_connections_per_ip = 64  # default; more are closed. A proxy in front is one address

  # Without it plain HTTP is spoken, for a proxy in front that speaks HTTPS.
  tls {
    cert_file = "/etc/postern/mx1.crt"
    key_file  = "/etc/postern/mx1.key"
  }
}

# Programs beside the gateway that look at a mail while its sender waits for the
# answer, both at the same time. Without a block that one is not asked.
#
# rspamd looks for spam and forgery. Its answer is what the plugin spam shows.
scanner "rspamd" {
  url = "http://127.0.0.1:11333" # its worker, without a path; https too

  # What a mail gets that it could not scan: accept (default) takes it as it is,
  # defer answers 451, so that the sender comes back later.
  on_error = "accept" # default
  timeout  = "10s"    # default; for one mail, 100ms to 2m

  # A larger mail is not scanned: the trace says so, and the payload has no section
  # spam. 1KiB to 1GiB.
  max_size = "20MiB" # default
}

# clamd looks for viruses, where virus_scan asks for it.
scanner "clamav" {
  address = "127.0.0.1:3310" # or its socket: "/run/clamav/clamd.ctl"

  on_error = "defer" # default; or accept, as above
  timeout  = "30s"   # default; 100ms to 2m

  # Not above clamd's own StreamMaxLength.
  max_size = "25MiB" # default; 1KiB to 1GiB
}

# What is made of a mail before it is delivered: WebAssembly plugins, each in a
# sandbox of its own, one after the other in the order of these blocks.
plugin "classify" {
  # builtin:NAME is a plugin that the gateway brings along. What those may do is
  # settled, and their options stand in plugins/NAME/README.md.
  source = "builtin:classify"

  timeout = "5s"     # default; for one mail, 1ms to 5m
  memory  = "128MiB" # default; 1MiB to 2GiB

  # How much work a run may be, in units, whatever the machine: a call of a function or
  # a round of a loop is one, and one more for each 128 instructions in it, of which slow
  # ones count for several; a call of the host is 100, and one more for each 64 octets that
  # it hands over. "message show" and "plugin run" say what was used.
  fuel = 10000000000 # default; 1000 to 1000000000000

  # What its failure means. skip (default) goes on without it, retry runs the
  # chain again with the next attempt, quarantine holds the mail back for you.
  on_error = "skip" # default; of builtin:payload it is "retry", for what it cuts must not get out
}

plugin "spam" {
  source = "builtin:spam"

  # What the plugin itself is told: names and values of its own choosing, which
  # it gets as JSON. Without the block: {}.
  options {
    threshold = 6.0
  }
}

plugin "markdown" {
  source = "builtin:markdown"
}

# Somebody whose signature a plugin may need, by the public key that minisign -G has
# made. Write one of the two.
#
# signer "acme" {
#   public_key = "RWQ5LH0dsYl5o01Gki6reb+7kkXmZYmErZlCipcMvdoSfEGBwiR4ZRTp"
#   # public_key_file = "/etc/postern/acme.pub"
# }

# One of your own, or a stranger's, that looks up a customer.
#
# plugin "crm" {
#   # file:PATH is relative to this file. "https://…" needs sha256 beside it, and
#   # "oci://registry.example/acme/crm@sha256:…" names the digest of a manifest. What came
#   # from the network is kept, and not fetched again.
#   source = "file:plugins/acme-crm.wasm"
#
#   # sha256sum prints it; a module that has another does not load. Default: any.
#   sha256 = "9f2c1d0e7a5b48c3962f0d1e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b"
#
#   # The module does not load without a signature by this signer. Default: nobody's.
#   signed_by = "acme"
#
#   # Where that is: file:PATH or https://…. Default: at the source, with .minisig behind
#   # its name; of an oci:// source the layer application/vnd.postern.plugin.minisig.
#   signature = "file:plugins/acme-crm.wasm.minisig"
#
#   # What it may use: envelope, headers, body, attachments, raw, scans, payload,
#   # disposition. A module that asks for more does not load; the error says for what.
#   grant = ["headers", "payload"] # default []
#
#   # What of the payload it may change and read, as JSON Pointers (RFC 6901) with
#   # all that is below them; "" is the whole.
#   write = ["/crm"]                     # default []
#   read  = ["/crm", "/message/subject"] # default: as write; [] is nothing
#
#   # The version that is to come runs beside it on the same mail, by the same settings,
#   # and nothing of that is delivered: "postern plugin shadow-report" says what would be
#   # different. Default: none.
#   shadow = "file:plugins/acme-crm-2.wasm"
#   shadow_sha256 = "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5" # default: any
#
#   # Whether the beginning of values that differ is kept too, which may be personal data;
#   # without it, where they stand, their kind and length.
#   shadow_values = false # default
#
#   options {
#     account = "acme"
#     tags    = { "sales@acme.example" = ["lead", "new"], "jobs@acme.example" = null }
#   }
# }

plugin "payload" {
  source = "builtin:payload"
  options {
    omit = ["/message/headers"]
  }
}

# What tenants are entitled to. A tenant without a plan has the defaults.
plan "business" {
  # How long something is kept: each from 1h to 3650d. A delivery is tried as long as its
  # mail is kept: an attempt that would come later is not waited for.
  retention            = "90d"  # default "30d"; the mail as it came
  payload_retention    = "30d"  # default: as retention, which it cannot be above; what was made of it
  log_retention        = "365d" # default: the longest of "90d", retention and quarantine_retention; what became of it
  quarantine_retention = "90d"  # default: as retention; a delivery that is held, with its mail

  # How many attempts begin, for a tenant: above that, deliveries wait in the queue. No
  # mail is refused for it. A number per s, min, h or d. Default: any number.
  rate  = "3000/h"
  burst = 50 # how many may go at once; default: as many as the rate has in a minute

  max_per_minute = 200 # at most, in any minute, burst or not; default 0, for any number; all of these hold together

  # Which plugins run, and in which order, for tenants that say none of their
  # own. Without it all of them, in the order of their blocks.
  pipeline = ["classify", "spam", "markdown", "payload"] # default

  # Whether clamd is asked, and what becomes of infected mail: exclude delivers it
  # without the attachments that are infected, reject refuses it, quarantine holds
  # the delivery back for you.
  virus_scan   = true      # default false
  virus_action = "exclude" # default

  # From which score of rspamd on something is done: numbers from -1000 to 1000.
  # Of what a score reaches the severest counts: reject before defer, quarantine and
  # tag. What is left out is never done; without the block nothing is.
  spam {
    tag        = 6.0  # deliver it, and let spam.action say "tag"
    quarantine = 10.0 # hold the delivery back for you
    defer      = 12.0 # answer 451: come back later
    reject     = 15.0 # refuse it
  }
}

tenant "acme" {
  plan = "business"

  # A domain belongs to one tenant. International names may be written as such.
  domains = ["acme.example", "mail.acme.example"]

  # A plugin that this tenant alone has, with the settings of any plugin and a name that none
  # of those above has. Without a pipeline below it goes behind the plan's, but before
  # a payload plugin at the end of that, which decides what leaves.
  plugin "origin" {
    source = "builtin:payload"
    options {
      constants = { "/origin" = "acme" }
    }
  }

  # pipeline = ["classify", "origin", "payload"] # default: that of the plan, and the own plugins

  # What the tenant says counts more than its plan: virus_scan and virus_action
  # each by itself, spam as a whole. An empty block, spam {}, switches it off.
  virus_scan   = true     # default: that of the plan
  virus_action = "reject" # default: that of the plan
  spam {
    tag        = 5.0
    quarantine = 8.0
    # defer    = 9.0  # default: never
    # reject   = 12.0 # default: never
  }

  # A webhook receiver. An alias says by its name what it gets.
  endpoint "desk" {
    url = "https://desk.acme.example/hooks/mail"

    # The signing secret (Standard Webhooks): "whsec_" and the base64 of 24 to
    # 64 bytes. Make one with: echo "whsec_$(openssl rand -base64 32)"
    # Write exactly one of the three.
    secret_env = "ACME_DESK_SECRET" # an environment variable
    # secret_file = "/run/secrets/acme-desk" # a file, such as systemd's LoadCredential or Docker makes
    # secret      = "whsec_…"                # here; for development only

    max_concurrency = 8 # default; attempts at a time to this endpoint

    # How many attempts begin, as in a plan; both hold. Default: any number.
    rate  = "10/s"
    burst = 20

    # Where the content of attachments goes: into the payload (inline), behind a URL
    # (url), or nowhere (omit). All else that is known of them is always there.
    attachments = "inline" # default

    # What is inline is bounded by the size of one attachment, and of the payload with all
    # of them as base64. Of a payload that is larger the largest go first; texts, of at
    # most 4 MiB each, are never cut for it. For a receiver that answers 413 all go that
    # take more than their URL.
    max_inline_size  = "1MiB"  # default: any
    max_payload_size = "10MiB" # default: any; 1KiB to 2GiB

    # Where they go then: url (default, where there is a public block) or omit. Without
    # either nothing is moved, and a 413 is a failed attempt as any other.
    overflow = "url"
  }

  endpoint "archive" {
    url        = "https://archive.acme.example:8443/in"
    secret_env = "ACME_ARCHIVE_SECRET"
  }

  # The part before the @, without regard to case. Each endpoint gets a
  # delivery of its own.
  alias "support" {
    endpoints = ["desk", "archive"]
  }

  # What no other alias takes. Without it such mail is refused at once, which
  # is what senders of mistyped addresses want.
  alias "*" {
    endpoints = ["archive"]
    pipeline  = ["spam", "payload"] # default: that of the tenant; [] runs none
  }
}
