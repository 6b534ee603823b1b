//! The manifests of `deploy/kubernetes`.

use std::{
    fs,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use kcl_core::assignment::placement::{Target, shard_mapping};
use kcl_tests::servers::installed;
use serde_json::Value;

use super::{arguments, at, documents, file, longest_end, settings, text, texts};

const FOLDER: &str = "deploy/kubernetes";

/// The newest schemas that the checker brings.
const RELEASE: &str = "1.37";

/// What KEDA defines is in none of Kubernetes' schemas: `scaling.rs` checks it.
const OF_KEDA: &str = "autoscale-keda.yaml";

fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(file(FOLDER))? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        if name.ends_with(".yaml") && name != OF_KEDA {
            names.push(format!("{FOLDER}/{name}"));
        }
    }
    names.sort_unstable();
    ensure!(names.len() > 5, "{names:?}");
    Ok(names)
}

/// Checks files strictly, by Kubernetes' own schemas.
fn validate(files: &[impl AsRef<std::ffi::OsStr>]) -> Result<Output> {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", installed("kubernetes-validate")?);
    command.args(["-m", "kubernetes_validate", "--strict", "-k", RELEASE]).args(files);
    Ok(command.output()?)
}

#[test]
fn every_manifest_is_what_kubernetes_takes_and_a_slip_is_noticed() -> Result<()> {
    let files: Vec<_> = names()?.iter().map(|name| file(name)).collect();
    let output = validate(&files)?;
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    ensure!(output.status.success(), "{said}");
    let written = fs::read_to_string(file(&format!("{FOLDER}/statefulset.yaml")))?;
    let folder = tempfile::tempdir()?;
    for (right, wrong) in [
        ("livenessProbe:", "livenessProbee:"),
        ("replicas: 3", "replicas: \"3\""),
        ("ordinals: {start: 1}", "ordinals: {begin: 1}"),
    ] {
        let slip = folder.path().join("slip.yaml");
        ensure!(written.contains(right), "{right}");
        fs::write(&slip, written.replace(right, wrong))?;
        ensure!(!validate(&[slip])?.status.success(), "{wrong} is not noticed");
    }
    Ok(())
}

/// The first document of this kind.
fn of_kind(name: &str, kind: &str) -> Result<Value> {
    let documents = documents(&format!("{FOLDER}/{name}"))?;
    let found = documents.into_iter().find(|it| it["kind"] == kind);
    found.with_context(|| format!("{name} holds no {kind}"))
}

fn workloads() -> Result<[Value; 2]> {
    Ok([of_kind("statefulset.yaml", "StatefulSet")?, of_kind("deployment.yaml", "Deployment")?])
}

fn worker_settings() -> Result<String> {
    Ok(text(&of_kind("settings.yaml", "ConfigMap")?, "/data/kcl.yaml")?.to_owned())
}

#[test]
fn a_pod_has_longer_to_end_than_its_worker_may_take() -> Result<()> {
    let longest = longest_end(&settings(&worker_settings()?, &[])?)?;
    for workload in workloads()? {
        let pod = at(&workload, "/spec/template/spec")?;
        let grace = at(pod, "/terminationGracePeriodSeconds")?.as_u64();
        ensure!(grace.is_some_and(|grace| grace > longest), "{grace:?} for {longest}");
        ensure!(pod.pointer("/containers/0/command").is_none(), "the image starts no shell");
    }
    Ok(())
}

#[test]
fn workers_are_told_who_and_where_they_are_and_find_their_settings() -> Result<()> {
    for workload in workloads()? {
        let pod = at(&workload, "/spec/template/spec")?;
        let container = at(pod, "/containers/0")?;
        let variables = at(container, "/env")?.as_array().context("variables")?;
        let from = |name: &str| {
            let found = variables.iter().find(|it| it["name"] == name).context(name.to_owned())?;
            text(found, "/valueFrom/fieldRef/fieldPath")
        };
        ensure!(from("POD_NAME")? == "metadata.name");
        ensure!(from("KCL_ZONE")? == "metadata.labels['topology.kubernetes.io/zone']");
        let given = texts(at(container, "/args")?);
        arguments(&given)?;
        // Each file that it is told of is mounted, from a map that has it.
        for argument in given.iter().filter_map(|it| it.split_once("=/")) {
            let (folder, name) = argument.1.rsplit_once('/').context("a folder")?;
            let mounts = at(container, "/volumeMounts")?.as_array().context("mounts")?;
            let mount = mounts.iter().find(|it| it["mountPath"] == format!("/{folder}"));
            let mount = mount.with_context(|| format!("nothing is mounted at /{folder}"))?;
            ensure!(mount.get("subPath").is_none(), "what is mounted so never changes");
            let volumes = at(pod, "/volumes")?.as_array().context("volumes")?;
            let volume = volumes.iter().find(|it| it["name"] == mount["name"]);
            let map = text(volume.context("a volume")?, "/configMap/name")?;
            let maps = ["settings.yaml", "mapping.yaml"].map(|it| of_kind(it, "ConfigMap"));
            let holds =
                |it: &Value| it["metadata"]["name"] == map && it["data"].get(name).is_some();
            ensure!(maps.iter().flatten().any(holds), "no ConfigMap {map} has {name}");
        }
    }
    Ok(())
}

#[test]
fn probes_ask_what_the_worker_serves() -> Result<()> {
    let address = settings(&worker_settings()?, &[])?.metrics_address()?.context("no metrics")?;
    ensure!(address.ip().is_unspecified(), "{address} is not reached from outside the pod");
    for workload in workloads()? {
        let container = at(&workload, "/spec/template/spec/containers/0")?;
        ensure!(text(container, "/ports/0/name")? == "metrics");
        ensure!(*at(container, "/ports/0/containerPort")? == address.port());
        for (probe, path) in
            [("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")]
        {
            let asked = at(container, &format!("/{probe}Probe/httpGet"))?;
            ensure!(asked["path"] == path && asked["port"] == "metrics", "{asked}");
        }
        let failures = at(container, "/livenessProbe/failureThreshold")?.as_u64();
        ensure!(failures >= Some(3), "a machine that stood still may miss one");
        let port = "/spec/template/metadata/annotations/prometheus.io~1port";
        ensure!(text(&workload, port)? == address.port().to_string());
    }
    Ok(())
}

#[test]
fn the_published_map_names_the_pods_of_the_stateful_set() -> Result<()> {
    let set = of_kind("statefulset.yaml", "StatefulSet")?;
    let first = at(&set, "/spec/ordinals/start")?.as_u64().context("a number")?;
    let count = at(&set, "/spec/replicas")?.as_u64().context("a number")?;
    let name = text(&set, "/metadata/name")?;
    let pods: Vec<String> = (first..first + count).map(|it| format!("{name}-{it}")).collect();
    ensure!(pods == ["worker-1", "worker-2", "worker-3"], "{pods:?}");
    let map = of_kind("mapping.yaml", "ConfigMap")?;
    let rules = shard_mapping(text(&map, "/data/mapping")?)?;
    ensure!(rules.len() == 4, "{rules:?}");
    for rule in rules {
        ensure!(matches!(rule.target, Target::Shard(_)));
        ensure!(pods.iter().any(|pod| pod == rule.worker.as_str()), "{rule:?}");
    }
    Ok(())
}

#[test]
fn selectors_select_the_pods() -> Result<()> {
    let budget = of_kind("disruption.yaml", "PodDisruptionBudget")?;
    ensure!(*at(&budget, "/spec/maxUnavailable")? == 1);
    ensure!(text(&budget, "/spec/unhealthyPodEvictionPolicy")? == "AlwaysAllow");
    let service = of_kind("statefulset.yaml", "Service")?;
    for workload in workloads()? {
        let labels = at(&workload, "/spec/template/metadata/labels")?;
        let selects = |selector: &Value| {
            let wanted = selector.as_object().context("a selector")?;
            ensure!(!wanted.is_empty(), "it selects everything");
            ensure!(wanted.iter().all(|(key, value)| labels.get(key) == Some(value)), "{wanted:?}");
            Ok(())
        };
        selects(at(&workload, "/spec/selector/matchLabels")?)?;
        selects(at(&budget, "/spec/selector/matchLabels")?)?;
        selects(at(&service, "/spec/selector")?)?;
        let spread = at(&workload, "/spec/template/spec/topologySpreadConstraints")?;
        for constraint in spread.as_array().context("constraints")? {
            selects(at(constraint, "/labelSelector/matchLabels")?)?;
        }
        ensure!(text(spread, "/0/topologyKey")? == "topology.kubernetes.io/zone");
    }
    Ok(())
}
