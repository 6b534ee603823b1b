//! Publishes the metrics of a worker: over HTTP for Prometheus, and to CloudWatch.

use anyhow::Context;
use kcl_core::worker::{WithProcessor, WorkerBuilder};
use kcl_metrics::{CloudWatch, CloudWatchSettings, Listener, Metrics};

use crate::{
    config::{self, CloudwatchNames, Config},
    connect,
};

/// Publishes until it is dropped. The drop first sends the last metrics to CloudWatch, which takes
/// five seconds at most, and then closes the listener.
#[derive(Debug, Default)]
pub(super) struct Telling {
    _cloudwatch: Option<CloudWatch>,
    _listener: Option<Listener>,
}

/// Adds observers to the worker's builder, as the settings say.
///
/// # Errors
/// A setting is invalid, or an address is in use.
pub(super) fn tell(
    mut builder: WorkerBuilder<WithProcessor>,
    config: &Config,
) -> anyhow::Result<(WorkerBuilder<WithProcessor>, Telling)> {
    let (address, cloudwatch) = (config.metrics_address()?, cloudwatch(config)?);
    if address.is_none() && cloudwatch.is_none() {
        return Ok((builder, Telling::default()));
    }
    let metrics = Metrics::new();
    builder = builder.observer(metrics.clone());
    let start = |address| Listener::start(address, metrics.clone());
    let listener = address.map(start).transpose()?;
    if let Some(listener) = &listener {
        tracing::info!(address = %listener.address(), "kcl.metrics.listening");
    }
    let start = |settings| CloudWatch::start(settings, metrics.clone());
    let cloudwatch = cloudwatch.map(start).transpose().context(SECTION)?;
    if let Some(cloudwatch) = &cloudwatch {
        builder = builder.observer(cloudwatch.observer());
    }
    Ok((builder, Telling { _cloudwatch: cloudwatch, _listener: listener }))
}

const SECTION: &str = "the settings `metrics.cloudwatch`";

/// The settings for CloudWatch; `None` if it is not enabled.
fn cloudwatch(config: &Config) -> anyhow::Result<Option<CloudWatchSettings>> {
    let config::CloudwatchMetrics { enabled, names, level, namespace, period } =
        &config.metrics.cloudwatch;
    if !enabled {
        return Ok(None);
    }
    let names = match names {
        CloudwatchNames::Ours => kcl_metrics::Names::Ours,
        CloudwatchNames::Kcl => kcl_metrics::Names::Kcl,
    };
    let level = match level {
        config::Level::Summary => kcl_metrics::Level::Summary,
        config::Level::Detailed => kcl_metrics::Level::Detailed,
    };
    let mut settings =
        CloudWatchSettings::new(config.application()?).names(names).level(level).period(*period);
    if let Some(namespace) = namespace {
        settings = settings.namespace(namespace);
    }
    if let Some(region) = &config.aws.region {
        settings = settings.region(region);
    }
    if let Some(endpoint) = config.cloudwatch_endpoint() {
        settings = settings.endpoint_url(endpoint);
    }
    if let Some(credentials) =
        connect::sdk_config(config, config.cloudwatch.credentials.as_deref())?
    {
        settings = settings.sdk_config(&credentials);
    }
    Ok(Some(settings))
}
