module github.com/postern-mail/postern/gateway/bench

go 1.26.0

require (
	github.com/JohannesKaufmann/html-to-markdown/v2 v2.5.2
	github.com/postern-mail/postern v0.0.0-00010101000000-000000000000
	github.com/postern-mail/postern/plugins v0.0.0
	github.com/postern-mail/postern/sdk/go v0.0.0
	github.com/tetratelabs/wazero v1.12.0
	github.com/yuin/goldmark v1.8.7
	golang.org/x/net v0.62.0
)

require (
	github.com/JohannesKaufmann/dom v0.3.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/postern-mail/postern/plugins => ../../plugins
	github.com/postern-mail/postern/sdk/go => ../../sdk/go
)

replace github.com/postern-mail/postern => ../..
