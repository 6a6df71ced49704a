# Four plans, as a provider would sell them, and what is in the payload of each. A
# plan is a pipeline first: what it does not pay for is not made, or is cut away by
# a payload plugin at the end.
#
#               Free   Maker   Business   Platform
#   retention   1h     1h      30d        365d
#   log         90d    90d     90d        365d       what became of a mail, after the mail is gone
#   rate        60/h   600/h   3000/h                attempts that begin; above that, mail waits
#   a minute    1      10      50         10000      at once, or for Platform at most
#   message     yes    yes     yes        yes        sender, subject, bodies, attachments, …
#   type        yes    yes     yes        yes        classification.type
#   signals            yes     yes        yes        all of classification
#   markdown           yes     yes        yes        message.content.markdown
#   integrity          yes     yes        yes
#   spam               yes     yes        yes
#   security                   yes        yes        viruses looked for in attachments

server {
  hostname = "mx.example.com"
  data_dir = "/var/lib/postern"
}

listener "mx" {
  address = ":25"
}

# Every mail is looked at for spam, and that of some plans for viruses.
scanner "rspamd" { url = "http://127.0.0.1:11333" }
scanner "clamav" { address = "127.0.0.1:3310" }

plugin "classify" { source = "builtin:classify" }
plugin "spam" { source = "builtin:spam" }
plugin "markdown" { source = "builtin:markdown" }

# One module in two forms: options belong to the block.
plugin "shape_free" {
  source = "builtin:payload"

  # A payload that is not cut would give away what others pay for.
  on_error = "retry"
  options {
    only = ["/message", "/classification/type"]
  }
}
plugin "shape_maker" {
  source   = "builtin:payload"
  on_error = "retry"
  options {
    omit = ["/security"]
  }
}

# With an hour of retention, four of the six attempts of the default schedule are
# made: the fifth would come after it.
plan "free" {
  retention = "1h"
  rate      = "60/h"
  pipeline  = ["classify", "shape_free"]
  spam {
    reject = 15.0
  }
}

plan "maker" {
  retention = "1h"
  rate      = "600/h"
  pipeline  = ["classify", "spam", "markdown", "shape_maker"]
  spam {
    tag    = 6.0
    reject = 15.0
  }
}

plan "business" {
  retention  = "30d"
  rate       = "3000/h"
  pipeline   = ["classify", "spam", "markdown"]
  virus_scan = true # infected attachments are left out: virus_action = "exclude"
  spam {
    tag        = 6.0
    quarantine = 10.0
    reject     = 15.0
  }
}

plan "platform" {
  retention      = "365d"
  max_per_minute = 10000
  pipeline       = ["classify", "spam", "markdown"]
  virus_scan     = true
  spam {
    tag        = 6.0
    quarantine = 10.0
    reject     = 15.0
  }
}

# A tenant for each of them, named as its plan.
tenant "free" {
  plan    = "free"
  domains = ["free.example"]
  endpoint "app" {
    url        = "https://app.free.example/hooks/mail"
    secret_env = "EXAMPLE_WEBHOOK_SECRET"
  }
  alias "*" { endpoints = ["app"] }
}

tenant "maker" {
  plan    = "maker"
  domains = ["maker.example"]
  endpoint "app" {
    url        = "https://app.maker.example/hooks/mail"
    secret_env = "EXAMPLE_WEBHOOK_SECRET"
  }
  alias "*" { endpoints = ["app"] }
}

tenant "business" {
  plan    = "business"
  domains = ["business.example"]
  endpoint "app" {
    url        = "https://app.business.example/hooks/mail"
    secret_env = "EXAMPLE_WEBHOOK_SECRET"
  }
  alias "*" { endpoints = ["app"] }
}

tenant "platform" {
  plan    = "platform"
  domains = ["platform.example"]
  endpoint "app" {
    url        = "https://app.platform.example/hooks/mail"
    secret_env = "EXAMPLE_WEBHOOK_SECRET"
  }
  alias "*" { endpoints = ["app"] }
}
