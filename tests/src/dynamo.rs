//! Clients of the DynamoDB servers of tests.

use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};

/// A configuration for the server at `url`, with invented credentials: test servers check none.
#[must_use]
pub fn config(url: &str) -> Builder {
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("tests", "tests", None, None, "tests"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
}
