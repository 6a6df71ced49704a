# Three nodes that share one queue: PostgreSQL has the queue, the log and small mails, S3
# the large ones. All three run this file. What they do not share comes from each one's
# environment:
#
#   POSTERN_SERVER__HOSTNAME=mx2.example.com
#
# and so do the credentials, which are the same for all: POSTERN_DSN, S3_ACCESS_KEY_ID,
# S3_SECRET_ACCESS_KEY, EXAMPLE_WEBHOOK_SECRET. A node that dies loses nothing: the others
# take over what it was at.

server {
  hostname = "mx1.example.com" # mx2 and mx3 say theirs

  # Of each node by itself: compiled plugins, and what shadows have found out.
  data_dir = "/var/lib/postern"

  log_format = "json"
}

store {
  driver  = "postgres"
  dsn_env = "POSTERN_DSN" # postgres://postern:…@db.example.com:5432/postern?sslmode=verify-full

  # All nodes together stay below max_connections of the server, which is 100 unless it
  # is told otherwise.
  max_connections = 24
}

bodies {
  driver   = "s3"
  endpoint = "https://s3.example.com"
  bucket   = "example-postern"
  region   = "eu-central-1"
  prefix   = "postern"

  access_key_id_env     = "S3_ACCESS_KEY_ID"
  secret_access_key_env = "S3_SECRET_ACCESS_KEY"
}

# MX records of the same preference name all three, or a balancer stands before them.
listener "mx" {
  address = ":25"
}

delivery {
  concurrency = 128 # of each node
}

plugin "classify" { source = "builtin:classify" }
plugin "markdown" { source = "builtin:markdown" }

# A rate holds for the tenant, over all nodes together.
plan "business" {
  retention      = "30d"
  log_retention  = "365d"
  rate           = "3000/h"
  max_per_minute = 200
}

tenant "example" {
  plan    = "business"
  domains = ["example.com"]

  endpoint "app" {
    url        = "https://app.example.com/hooks/mail"
    secret_env = "EXAMPLE_WEBHOOK_SECRET"
  }

  alias "*" {
    endpoints = ["app"]
  }
}
