module github.com/kcl-rust/kcl/examples/multilang/go

go 1.21

require (
	github.com/aws/aws-sdk-go-v2/service/kinesis v1.27.1
	github.com/vmware/vmware-go-kcl-v2 v1.0.0
)

require (
	github.com/aws/aws-sdk-go-v2 v1.25.2 // indirect
	github.com/aws/smithy-go v1.20.1 // indirect
)
