module github.com/postern-mail/postern/sdk/go

go 1.24
