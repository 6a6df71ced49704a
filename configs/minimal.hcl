# The shortest configuration that does something: mail for anybody at
# example.com arrives on port 25 and leaves as signed webhooks.

server {
  hostname = "mx.example.com"
  data_dir = "/var/lib/postern"
}

listener "mx" {
  address = ":25"
}

# Plugins that work on the mail go here, as in development.hcl.

tenant "example" {
  domains = ["example.com"]

  endpoint "app" {
    url        = "https://app.example.com/hooks/mail"
    secret_env = "EXAMPLE_WEBHOOK_SECRET"
  }

  alias "*" {
    endpoints = ["app"]
  }
}
