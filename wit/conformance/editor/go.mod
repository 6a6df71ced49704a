module example.com/editor

go 1.24

require github.com/postern-mail/postern/sdk/go v0.0.0

replace github.com/postern-mail/postern/sdk/go => ../../../sdk/go
