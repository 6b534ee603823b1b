//! What Amazon CloudWatch is sent, and that one that refuses, throttles or does not answer holds
//! nobody up.

mod names;
mod server;
mod settings;
mod trouble;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use kcl_metrics::CloudWatchSettings;

/// Figures for this server; once, at the end, but if told otherwise.
fn settings(endpoint: &str) -> CloudWatchSettings {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    CloudWatchSettings::new(crate::bench::APPLICATION)
        .sdk_config(&config)
        .endpoint_url(endpoint)
        .period(std::time::Duration::from_secs(3_600))
}
