//! What scales a fleet: an autoscaler of Kubernetes, and one of KEDA, for which Kubernetes has no
//! schema. The types here are one, of what is used: what they do not know is refused.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use kcl_metrics::TABLE;
use serde::Deserialize;
use serde_json::Value;

use super::{at, document, text};

const HPA: &str = "deploy/kubernetes/autoscale-hpa.yaml";
const KEDA: &str = "deploy/kubernetes/autoscale-keda.yaml";

/// What the planner tells of how many workers there should be.
const DESIRED: &str = "kcl_desired_workers";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ScaledObject {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    scale_target_ref: Value,
    polling_interval: u32,
    min_replica_count: u32,
    max_replica_count: u32,
    advanced: Advanced,
    triggers: Vec<Trigger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Advanced {
    horizontal_pod_autoscaler_config: Autoscaler,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Autoscaler {
    behavior: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Trigger {
    r#type: String,
    metric_type: String,
    metadata: Asked,
}

/// KEDA takes each of these as a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Asked {
    server_address: String,
    query: String,
    threshold: String,
    ignore_null_values: String,
}

/// The figures that an expression asks for.
fn figures(expression: &str) -> Vec<&str> {
    let words = expression.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|word| word.starts_with("kcl_")).collect()
}

#[test]
fn scalers_ask_for_figures_that_there_are_and_scale_what_there_is() -> Result<()> {
    let keda = document(KEDA)?;
    let keda: ScaledObject = serde_json::from_value(keda)?;
    ensure!((&*keda.api_version, &*keda.kind) == ("keda.sh/v1alpha1", "ScaledObject"));
    let spec = &keda.spec;
    ensure!(
        (1..spec.max_replica_count).contains(&spec.min_replica_count) && spec.polling_interval > 0
    );
    let mut asked = Vec::new();
    for Trigger { r#type, metric_type, metadata } in &spec.triggers {
        ensure!((&**r#type, &**metric_type) == ("prometheus", "AverageValue"));
        ensure!(metadata.threshold.parse::<f64>()? > 0.0);
        ensure!(metadata.server_address.starts_with("http://"));
        // A figure that is not there is not known: it scales nobody down.
        ensure!(metadata.ignore_null_values == "false");
        // Every worker tells it: the largest counts, not the sum.
        ensure!(metadata.query.starts_with("max("), "{}", metadata.query);
        asked.extend(figures(&metadata.query));
    }
    let hpa = document(HPA)?;
    for metric in at(&hpa, "/spec/metrics")?.as_array().context("metrics")? {
        asked.push(text(metric, "/external/metric/name")?);
        ensure!(text(metric, "/external/target/averageValue")? == "1");
    }
    ensure!(asked.contains(&DESIRED) && asked.contains(&"kcl_lag_max_seconds"), "{asked:?}");
    for figure in asked {
        ensure!(TABLE.iter().any(|it| it.name == figure) || figure == DESIRED, "{figure}");
    }
    let deployment = document("deploy/kubernetes/deployment.yaml")?;
    for target in [&spec.scale_target_ref, at(&hpa, "/spec/scaleTargetRef")?] {
        ensure!(target["kind"] == deployment["kind"]);
        ensure!(target["apiVersion"] == deployment["apiVersion"]);
        ensure!(target["name"] == deployment["metadata"]["name"]);
    }
    let slow = |behavior: &Value| {
        let window = at(behavior, "/scaleDown/stabilizationWindowSeconds")?.as_u64();
        ensure!(window >= Some(300), "each step down moves leases: {window:?}");
        Ok(())
    };
    slow(&spec.advanced.horizontal_pod_autoscaler_config.behavior)?;
    slow(at(&hpa, "/spec/behavior")?)?;
    ensure!(
        keda.metadata.name == text(&hpa, "/metadata/name")? && !keda.metadata.labels.is_empty()
    );
    Ok(())
}

#[test]
fn a_slip_in_keda_s_manifest_is_noticed() -> Result<()> {
    let mut keda = document(KEDA)?;
    let spec = keda["spec"].as_object_mut().context("a spec")?;
    let most = spec.remove("maxReplicaCount").context("a limit")?;
    spec.insert("maxReplicas".to_owned(), most);
    let refused = serde_json::from_value::<ScaledObject>(keda).map(drop).unwrap_err().to_string();
    ensure!(refused.contains("maxReplicas"), "{refused}");
    Ok(())
}
