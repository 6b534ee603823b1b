//! `deploy/compose.yaml`, and what it mounts. The types here say what of the compose format is
//! used: what they do not know is refused.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{arguments, document, file, longest_end, settings};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compose {
    name: String,
    /// What services share.
    #[serde(rename = "x-kcl")]
    shared: Value,
    services: BTreeMap<String, Service>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    image: String,
    build: Option<Build>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    depends_on: Value,
    #[serde(default)]
    profiles: Vec<String>,
    healthcheck: Option<Healthcheck>,
    stop_grace_period: Option<String>,
    restart: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    context: String,
    dockerfile: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Healthcheck {
    test: Vec<String>,
    interval: String,
    timeout: String,
    retries: u32,
}

/// Variables that the SDK of AWS reads, and the command does not.
const OF_THE_SDK: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

fn compose() -> Result<Compose> {
    Ok(serde_json::from_value(document("deploy/compose.yaml")?)?)
}

#[test]
fn services_are_what_they_should_be() -> Result<()> {
    let compose = compose()?;
    ensure!(compose.name == "kcl" && compose.shared.is_object());
    ensure!(compose.services["localstack"].image == "localstack/localstack:4.14.0");
    for (name, service) in &compose.services {
        let (_, tag) = service.image.rsplit_once(':').context("a tag")?;
        ensure!(tag.contains('.'), "{name}: {tag} is no one release");
        for port in &service.ports {
            ensure!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to the network");
        }
        for volume in &service.volumes {
            let path = volume.split(':').next().unwrap_or_default();
            let path = path.strip_prefix("./").with_context(|| volume.clone())?;
            ensure!(volume.ends_with(":ro") && file("deploy").join(path).exists(), "{volume}");
        }
        if let Some(check) = &service.healthcheck {
            ensure!(check.test[0] == "CMD" && check.retries > 0, "{name}: {check:?}");
            ensure!(check.interval.ends_with('s') && check.timeout.ends_with('s'));
        }
        let waits_for: Vec<(&str, Option<&str>)> = match &service.depends_on {
            Value::Array(names) => {
                names.iter().filter_map(|it| Some((it.as_str()?, None))).collect()
            }
            Value::Object(names) => {
                names.iter().map(|(name, how)| (name.as_str(), how["condition"].as_str())).collect()
            }
            _ => Vec::new(),
        };
        for (other, condition) in waits_for {
            let other = compose.services.get(other).with_context(|| format!("{name}: {other}"))?;
            let is_healthy = condition == Some("service_healthy");
            ensure!(
                !is_healthy || other.healthcheck.is_some(),
                "{name}: nobody says it is healthy"
            );
        }
    }
    Ok(())
}

#[test]
fn the_commands_and_settings_of_services_are_taken_by_the_command() -> Result<()> {
    let compose = compose()?;
    let ours = compose.services.iter().filter(|(_, service)| service.build.is_some());
    let mut seen = Vec::new();
    for (name, service) in ours {
        let build = service.build.as_ref().context("it is built")?;
        let context = file("deploy").join(&build.context);
        ensure!(context.join(&build.dockerfile).exists(), "{build:?}");
        let words: Vec<&str> = service.command.iter().map(String::as_str).collect();
        arguments(&words).with_context(|| name.clone())?;
        let store = service.environment.get("KCL_STORE").context("a store")?;
        let store = store.trim_start_matches("${KCL_STORE:-").trim_end_matches('}');
        let variables = service.environment.iter().map(|(name, value)| match name.as_str() {
            "KCL_STORE" => ("KCL_STORE", store),
            name => (name, value.as_str()),
        });
        let variables: Vec<_> = variables.collect();
        let config = settings("", &variables)?;
        for variable in &variables {
            let is_of_the_sdk = OF_THE_SDK.contains(&variable.0);
            let sets = || Ok::<_, anyhow::Error>(settings("", &[*variable])? != settings("", &[])?);
            ensure!(is_of_the_sdk || sets()?, "{name}: {} sets nothing", variable.0);
        }
        ensure!(config.stream()?.short() == "orders" && config.application()? == "order-indexer");
        ensure!(config.kinesis_endpoint() == Some("http://localstack:4566"));
        store.parse::<kcl_cli::store_url::StoreUrl>()?;
        if words.first() == Some(&"consume") {
            let grace = service.stop_grace_period.as_deref().and_then(|it| it.strip_suffix('s'));
            let grace: u64 = grace.context("a grace period in seconds")?.parse()?;
            ensure!(grace > longest_end(&config)?, "{grace}");
            ensure!(words.contains(&"0.0.0.0:9464") && service.restart.is_some());
        }
        seen.push((name.as_str(), service.profiles.is_empty()));
    }
    ensure!(seen == [("kcl", false), ("producer", true), ("stream", true), ("worker", true)]);
    Ok(())
}

/// What its comments tell to run, and other stores that they name.
#[test]
fn what_its_comments_say_can_be_done() -> Result<()> {
    let compose = compose()?;
    let text = std::fs::read_to_string(file("deploy/compose.yaml"))?;
    let comments: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("# ")).collect();
    let mut run = 0;
    for line in &comments {
        let Some((_, command)) = line.split_once("docker compose -f deploy/compose.yaml ") else {
            continue;
        };
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["run", "--rm", service, command @ ..] => {
                ensure!(compose.services[*service].build.is_some(), "{line}");
                arguments(command)?;
            }
            ["up", "--build", "--scale", scaled] => {
                let (service, count) = scaled.split_once('=').context("how many")?;
                ensure!(compose.services.contains_key(service) && count.parse::<u32>()? > 1);
                ensure!(compose.services[service].ports.is_empty(), "{service}: one port for all");
            }
            _ => bail!("{line}: who knows whether that works?"),
        }
        run += 1;
    }
    ensure!(run == 3, "{comments:?}");
    let stores = comments.iter().flat_map(|line| line.split_whitespace());
    let stores: Vec<_> = stores.filter_map(|word| word.strip_prefix("KCL_STORE=")).collect();
    ensure!(stores == ["redis://redis:6379", "dynamodb"], "{stores:?}");
    for store in stores {
        store.parse::<kcl_cli::store_url::StoreUrl>()?;
        let host = store.split_once("://").map(|(_, rest)| rest.split(':').next());
        let Some(host) = host.flatten() else { continue };
        ensure!(compose.services.contains_key(host), "{store}: nobody is there");
    }
    Ok(())
}

/// A file that a container is told of is there, from what is mounted.
#[test]
fn what_a_container_is_told_to_read_is_mounted() -> Result<()> {
    let mut read = Vec::new();
    for (name, service) in compose()?.services {
        for path in service.command.iter().filter_map(|it| it.split_once("=/")) {
            let path = format!("/{}", path.1);
            let mounts = service.volumes.iter().filter_map(|it| it.strip_suffix(":ro"));
            let mounts = mounts.filter_map(|it| it.split_once(':'));
            let here = mounts.into_iter().find_map(|(here, there)| {
                let below = path.strip_prefix(there)?.trim_start_matches('/');
                Some(file("deploy").join(here).join(below))
            });
            let here = here.with_context(|| format!("{name}: nothing is mounted for {path}"))?;
            ensure!(here.is_file(), "{name}: {}", here.display());
            read.push(name.clone());
        }
    }
    ensure!(read == ["prometheus"], "{read:?}");
    Ok(())
}

#[test]
fn prometheus_scrapes_the_workers_and_grafana_finds_the_board() -> Result<()> {
    let checked = Command::new("promtool")
        .args(["check", "config"])
        .arg(file("deploy/prometheus/prometheus.yaml"))
        .output()
        .context("promtool: `make servers` installs it")?;
    ensure!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let config = document("deploy/prometheus/prometheus.yaml")?;
    let scraped = &config["scrape_configs"][0]["dns_sd_configs"][0];
    let compose = compose()?;
    ensure!(compose.services.contains_key(scraped["names"][0].as_str().unwrap_or_default()));
    let worker = compose.services["worker"].command.join(" ");
    ensure!(worker.contains(&format!("0.0.0.0:{}", scraped["port"])), "{scraped}: {worker}");

    let provisioning = "deploy/grafana/provisioning";
    let sources = document(&format!("{provisioning}/datasources/prometheus.yaml"))?;
    ensure!(sources["datasources"][0]["url"] == "http://prometheus:9090", "{sources}");
    let boards = document(&format!("{provisioning}/dashboards/kcl.yaml"))?;
    let folder = boards["providers"][0]["options"]["path"].as_str().context("a path")?;
    let mounted = &compose.services["grafana"].volumes;
    ensure!(mounted.contains(&format!("./grafana/kcl.json:{folder}/kcl.json:ro")), "{mounted:?}");
    Ok(())
}
