# For your own machine: nothing here is reachable from outside, and the webhooks
# of the mail that you send are shown where the gateway runs.
#
#   1. Start:   make run     (or: postern serve -c configs/development.hcl)
#   2. Send:    .build/postern send --to support@acme.test examples/mails/invoice.eml
#   3. Look at what the first terminal says.

server {
  hostname = "localhost"

  # Mail, queue and log of deliveries. A relative path starts at this file, so
  # this is .build/ at the root of the repository. Delete it to begin anew.
  data_dir = "../.build/development"
}

# SMTP comes in here. Ports below 1024 would need root, hence 2525.
listener "smtp" {
  address = "127.0.0.1:2525"
}

# A webhook receiver inside the binary that prints what it gets to the terminal.
# It checks the signature as your own receiver should.
inspector {
  address = "127.0.0.1:8025"
}

delivery {
  # The inspector speaks plain http on loopback. Both are refused by default,
  # so that no endpoint can be pointed at what runs beside the gateway.
  allow_http     = true
  allow_networks = ["127.0.0.0/8"]
}

# What is made of each mail before it is sent, one plugin after the other in this
# order. Change it, restart, and send again.

# Tells what kind of mail it is: classification.
plugin "classify" { source = "builtin:classify" }

# Puts a spam scanner's report into form: spam. There is no scanner here, so no section.
# With an rspamd on this machine: scanner "rspamd" { url = "http://127.0.0.1:11333" }
plugin "spam" { source = "builtin:spam" }

# Adds the body as Markdown: message.content.markdown.
plugin "markdown" { source = "builtin:markdown" }

# Gives the payload its final shape: options leave out, rename and add.
plugin "payload" {
  source = "builtin:payload"
  options {
    constants = { "/environment" = "development" }
  }
}

# A tenant is a customer: its domains, where their mail goes, and which mail
# goes where.
tenant "acme" {
  # .test never exists in DNS (RFC 2606), so nothing can leave by mistake.
  domains = ["acme.test"]

  endpoint "inspector" {
    url = "http://127.0.0.1:8025/acme/inspector"

    # Whoever has this secret can forge webhooks. This one is public and good
    # for nothing but trying; use secret_env or secret_file for yours.
    secret = "whsec_3JLGz80AmMIqq1wH4UOCCG80zcO5gsxTTEK3QoQ17z0="
  }

  # support@acme.test, invoices@acme.test, and then everybody else.
  alias "support" {
    endpoints = ["inspector"]
  }
  alias "invoices" {
    endpoints = ["inspector"]
  }
  alias "*" {
    endpoints = ["inspector"]
  }
}
