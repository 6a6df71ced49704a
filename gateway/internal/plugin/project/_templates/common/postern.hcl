# A gateway with the plugin, for your own machine:
#
#     postern serve -c postern.hcl
#     postern send --to support@acme.test testdata/cases/orders/mail.eml

server {
  hostname = "localhost"

  # Mail, queue and log of deliveries.
  data_dir = ".postern"
}

listener "smtp" {
  address = "127.0.0.1:2525"
}

# A webhook receiver inside the binary that prints what it gets to the terminal.
inspector {
  address = "127.0.0.1:8025"
}

delivery {
  # The inspector speaks plain http on loopback. Both are refused by default.
  allow_http     = true
  allow_networks = ["127.0.0.0/8"]
}

plugin "my-plugin" {
  source = "file:my-plugin.wasm"

  # What it asks for, as "postern plugin inspect" says, and what of the payload it
  # may change.
  grant = ["headers", "payload"]
  write = ["/topic"]

  options {
    default = "general"
  }
}

tenant "acme" {
  domains = ["acme.test"]

  endpoint "inspector" {
    url = "http://127.0.0.1:8025/acme/inspector"

    # Public, and good for nothing but trying.
    secret = "whsec_3JLGz80AmMIqq1wH4UOCCG80zcO5gsxTTEK3QoQ17z0="
  }

  alias "*" {
    endpoints = ["inspector"]
  }
}
