//! Makes stream sources, lease stores and AWS clients from the settings.
//!
//! Credentials come from the settings if they name any, else from where the AWS SDK finds them.
//! `store_url` decides which store an address means, and calls [`lease_table`] for DynamoDB.

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sdk_kinesis::{Client, config::Region};
use kcl_core::store::{LeaseStore, LeaseStoreExt};
use kcl_dynamo::DynamoStore;
use kcl_kinesis::{InvalidSettings, KinesisSource};

use crate::{
    config::Config,
    credentials::{self, Origins},
};

/// A source for the stream that the settings name.
///
/// # Errors
/// No stream is named, or a setting is invalid. The message names the setting.
pub(crate) fn source(config: &Config) -> anyhow::Result<KinesisSource> {
    let mut builder = KinesisSource::builder(config.stream()?.to_string());
    check_credentials(config)?;
    if let Some(credentials) = credentials(config, None)? {
        let service = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials);
        builder = builder.client_config(service);
    }
    if let Some(region) = &config.aws.region {
        builder = builder.region(region);
    }
    if let Some(endpoint) = config.kinesis_endpoint() {
        builder = builder.endpoint_url(endpoint);
    }
    if let Some(records) = config.consumer.max_records {
        builder = builder.max_records(records);
    }
    if let Some(interval) = config.poll_interval() {
        builder = builder.idle_poll(interval);
    }
    builder.build().map_err(|invalid| {
        let setting = match &invalid {
            InvalidSettings::MaxRecords(_) => "consumer.max_records",
            InvalidSettings::IdlePoll(_) => "consumer.poll_interval_ms",
            _ => "kinesis.stream_name",
        };
        anyhow::Error::new(invalid).context(format!("the setting `{setting}`"))
    })
}

/// A source for the stream that the settings name; else for the stream of the leases in `store`.
///
/// # Errors
/// The settings name no stream, and the leases belong to none or to several; or the store fails.
pub(crate) async fn source_of_leases(
    store: &dyn LeaseStore,
    config: &Config,
) -> anyhow::Result<KinesisSource> {
    if config.kinesis.stream_name.is_some() {
        return source(config);
    }
    let rows = store.all_leases().await?;
    let mut names: Vec<_> =
        rows.iter().filter_map(|row| Some(row.key.stream()?.name.to_string())).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        bail!(
            "the application {} has no leases in {}: a first start begins where initial_position \
             says; check the names of application and store",
            store.application(),
            store.location()
        );
    }
    let [name] = &names[..] else {
        bail!(
            "the application {} in {} has leases of {} streams: name one with --stream",
            store.application(),
            store.location(),
            names.len()
        );
    };
    let mut config = config.clone();
    config.kinesis.stream_name = Some(name.clone());
    source(&config)
}

/// The lease store in the DynamoDB table of this name; `None` means the application's own table.
///
/// # Errors
/// No application is named, or a setting is invalid.
pub(crate) fn lease_table(config: &Config, table: Option<&str>) -> anyhow::Result<DynamoStore> {
    let mut builder = DynamoStore::builder(config.application()?);
    if let Some(service) = sdk_config(config, config.dynamodb.credentials.as_deref())? {
        builder = builder.sdk_config(&service);
    }
    if let Some(table) = table {
        builder = builder.table(table);
    }
    if let Some(region) = &config.aws.region {
        builder = builder.region(region);
    }
    if let Some(endpoint) = config.dynamodb_endpoint() {
        builder = builder.endpoint_url(endpoint);
    }
    Ok(builder.build()?)
}

/// A configuration of the SDK with the credentials of the settings: `own` of the service, else
/// those for all services. `None` if the settings name no credentials.
///
/// # Errors
/// The settings name only half of a key, two kinds of credentials, or an unknown kind.
pub(crate) fn sdk_config(config: &Config, own: Option<&str>) -> anyhow::Result<Option<SdkConfig>> {
    let with = |credentials| {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials)
            .build()
    };
    Ok(credentials(config, own)?.map(with))
}

/// A configuration for calls of DynamoDB, for tables of other libraries: with region and
/// credentials of the settings.
///
/// # Errors
/// As [`sdk_config`].
pub(crate) async fn dynamodb(config: &Config) -> anyhow::Result<SdkConfig> {
    load(config, config.aws.region.clone(), config.dynamodb.credentials.as_deref()).await
}

/// A client for DynamoDB tables of other libraries.
///
/// # Errors
/// As [`dynamodb`].
pub(crate) async fn tables(config: &Config) -> anyhow::Result<aws_sdk_dynamodb::Client> {
    let mut service = aws_sdk_dynamodb::config::Builder::from(&dynamodb(config).await?);
    if let Some(endpoint) = config.dynamodb_endpoint() {
        service = service.endpoint_url(endpoint);
    }
    Ok(aws_sdk_dynamodb::Client::from_conf(service.build()))
}

/// A client for the calls that a source does not make: to create streams and to put records. It
/// calls the region of the stream's ARN, if there is one.
///
/// # Errors
/// No region is known, or a setting is invalid.
pub(crate) async fn kinesis(config: &Config) -> anyhow::Result<Client> {
    let loaded = load(config, config.kinesis_region()?, None).await?;
    loaded.region().context("no region is configured: give --region, or set AWS_REGION")?;
    let mut service = aws_sdk_kinesis::config::Builder::from(&loaded);
    if let Some(endpoint) = config.kinesis_endpoint() {
        service = service.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(service.build()))
}

/// Whose credentials call Kinesis: the last four characters of the access key's id, and the account
/// if it is known. The text holds no secret.
///
/// # Errors
/// There are no credentials.
pub(crate) async fn identity(config: &Config) -> anyhow::Result<String> {
    let loaded = load(config, config.kinesis_region()?, None).await?;
    let provider = loaded.credentials_provider().context("there are no credentials")?;
    let found = provider.provide_credentials().await.context("there are no credentials")?;
    let id = found.access_key_id();
    let tail: String = id.chars().skip(id.chars().count().saturating_sub(4)).collect();
    let account = found.account_id().map(|account| format!(", account {}", account.as_str()));
    Ok(format!("access key …{tail}{}", account.unwrap_or_default()))
}

/// The SDK's configuration from the environment, with the settings on top.
async fn load(
    config: &Config,
    region: Option<String>,
    own: Option<&str>,
) -> anyhow::Result<SdkConfig> {
    let mut loader =
        aws_config::defaults(BehaviorVersion::latest()).http_client(credentials::http_client());
    if let Some(credentials) = credentials(config, own)? {
        loader = loader.credentials_provider(credentials);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    Ok(loader.load().await)
}

/// Checks the credentials of every service at the start, so that a wrong setting does not show up
/// only at the first call of that service.
fn check_credentials(config: &Config) -> anyhow::Result<()> {
    credentials(config, config.dynamodb.credentials.as_deref())
        .context("the setting `dynamodb.credentials`")?;
    credentials(config, config.cloudwatch.credentials.as_deref())
        .context("the setting `cloudwatch.credentials`")?;
    Ok(())
}

/// The provider that the settings ask for: `own` of a service, else that for all services; `None`
/// if they name none.
fn credentials(
    config: &Config,
    own: Option<&str>,
) -> anyhow::Result<Option<SharedCredentialsProvider>> {
    let fixed = config.static_credentials()?;
    let named = own.or(config.aws.credentials.as_deref());
    match (fixed, named) {
        (Some(_), Some(named)) => bail!(
            "aws.access_key is set, and credentials ({named}), too: only one of them can count"
        ),
        (Some((key, secret)), None) => {
            let fixed = Credentials::new(key, secret, None, None, "settings");
            Ok(Some(SharedCredentialsProvider::new(fixed)))
        }
        (None, Some(named)) => {
            let origins: Origins = named.parse().context("the setting `aws.credentials`")?;
            Ok(origins.provider(config.aws.region.clone()))
        }
        (None, None) => Ok(None),
    }
}
