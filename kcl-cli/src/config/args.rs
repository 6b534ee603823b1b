//! The arguments that say where settings come from.

use std::path::PathBuf;

use clap::Args;

use super::profile::Profile;

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// A YAML file of settings.
    #[arg(long, value_name = "FILE", global = true, env = "KCL_CONFIG")]
    pub config: Option<PathBuf>,
    /// One setting by its path in the file, like `coordination.session_timeout=10s`. Repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE", global = true)]
    pub set: Vec<String>,
    /// Times for the whole fleet: `fast` halves the failover time at twice the store requests
    /// [setting: profile].
    #[arg(long, value_enum, global = true)]
    pub profile: Option<Profile>,
    /// The AWS region; a stream given by its ARN is in the ARN's [setting: aws.region; AWS_REGION].
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Where Kinesis, DynamoDB and CloudWatch are, if not at AWS, like `http://127.0.0.1:4566`
    /// [setting: aws.endpoint; AWS_ENDPOINT_URL].
    #[arg(long, value_name = "URL", global = true)]
    pub endpoint: Option<String>,
    /// Where Kinesis is; stronger than --endpoint
    /// [setting: kinesis.endpoint; AWS_ENDPOINT_URL_KINESIS].
    #[arg(long, value_name = "URL", global = true)]
    pub kinesis_endpoint: Option<String>,
    /// Where DynamoDB is; stronger than --endpoint
    /// [setting: dynamodb.endpoint; AWS_ENDPOINT_URL_DYNAMODB].
    #[arg(long, value_name = "URL", global = true)]
    pub dynamodb_endpoint: Option<String>,
    /// Where CloudWatch is; stronger than --endpoint
    /// [setting: cloudwatch.endpoint; AWS_ENDPOINT_URL_CLOUDWATCH].
    #[arg(long, value_name = "URL", global = true)]
    pub cloudwatch_endpoint: Option<String>,
}
