# For your own machine, as configs/development.hcl, with the plugin of this folder.
# The README beside it says how to build the plugin first.

server {
  hostname = "localhost"

  # Mail, queue and log of deliveries: .build/ at the root of the repository.
  data_dir = "../../.build/plugin-go-crm"
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

plugin "crm" {
  # A path that is relative starts at this file.
  source = "file:acme-crm.wasm"

  # What it asks for, as "postern plugin inspect" says, and what of the payload it
  # may change.
  grant = ["headers", "payload"]
  write = ["/crm"]

  options {
    account = "acme"
  }
}

tenant "acme" {
  domains = ["acme.test"]

  endpoint "inspector" {
    url = "http://127.0.0.1:8025/acme/inspector"

    # Public, and good for nothing but trying.
    secret = "whsec_3JLGz80AmMIqq1wH4UOCCG80zcO5gsxTTEK3QoQ17z0="
  }

  alias "support" {
    endpoints = ["inspector"]
  }
  alias "*" {
    endpoints = ["inspector"]
  }
}
