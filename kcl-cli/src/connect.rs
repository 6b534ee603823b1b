//! Sources, stores and clients, made from the settings.

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

/// The stream that the settings name.
///
/// # Errors
/// None is named, or a setting cannot work.
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

/// The stream that the settings name; else the one whose leases these are.
///
/// # Errors
/// Neither names one stream.
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

/// The lease table of this name, or of the application's.
///
/// # Errors
/// No application is named, or a setting cannot work.
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

/// A configuration of the SDK with the credentials that the settings name, if they name any: `own`
/// of the service, or those for all.
///
/// # Errors
/// They name half of them, or none that there are.
pub(crate) fn sdk_config(config: &Config, own: Option<&str>) -> anyhow::Result<Option<SdkConfig>> {
    let with = |credentials| {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials)
            .build()
    };
    Ok(credentials(config, own)?.map(with))
}

/// What calls DynamoDB, for tables that are none of kcl's own: region and credentials as the
/// settings say.
///
/// # Errors
/// Half of the credentials are named.
pub(crate) async fn dynamodb(config: &Config) -> anyhow::Result<SdkConfig> {
    load(config, config.aws.region.clone(), config.dynamodb.credentials.as_deref()).await
}

/// A client for tables that are none of kcl's own.
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

/// A client for what a source does not do: making streams and putting records. It calls the region
/// of the stream's ARN.
///
/// # Errors
/// No stream is named, or no region is known.
pub(crate) async fn kinesis(config: &Config) -> anyhow::Result<Client> {
    let loaded = load(config, config.kinesis_region()?, None).await?;
    loaded.region().context("no region is configured: give --region, or set AWS_REGION")?;
    let mut service = aws_sdk_kinesis::config::Builder::from(&loaded);
    if let Some(endpoint) = config.kinesis_endpoint() {
        service = service.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(service.build()))
}

/// With whose credentials Kinesis is called: the end of the access key's id, and the account where
/// it is known. No secret.
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

/// What the SDK finds in the environment, with what the settings say.
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

/// Sees that the credentials of every service make sense, before any is called.
fn check_credentials(config: &Config) -> anyhow::Result<()> {
    credentials(config, config.dynamodb.credentials.as_deref())
        .context("the setting `dynamodb.credentials`")?;
    credentials(config, config.cloudwatch.credentials.as_deref())
        .context("the setting `cloudwatch.credentials`")?;
    Ok(())
}

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
