//! A real Prometheus, a real worker: the rules and the board of `deploy/` find what they ask for.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kcl_tests::servers::Prometheus;
use serde_json::Value;

use super::{
    metrics::address_of,
    stage::{Servers, Stage, pause},
};

/// The application, and its stream.
const NAME: &str = "prometheus";

/// What a worker to which nothing bad happens tells nothing of.
const SELDOM: &[&str] = &[
    // By outcome, reason, kind or step: absent until the first.
    "kcl_cloudwatch_data_total",
    "kcl_leases_lost_total",
    "kcl_processor_failures_total",
    "kcl_throttles_total",
    "kcl_troubles_total",
    // Once what arrives has been measured for a while, and the planner has told what that needs.
    "kcl_desired_workers",
    // Of shards that nobody may read.
    "kcl_unread_age_max_seconds",
    // While the processor has a batch, which is for a moment only.
    "kcl_batch_age_max_seconds",
];

fn deployed(file: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// What the board asks, with its variables filled in.
fn of_the_board() -> Result<Vec<String>> {
    let board: Value = serde_json::from_str(&deployed("grafana/kcl.json")?)?;
    let panels = board["panels"].as_array().context("no panels")?;
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions = targets.filter_map(|target| target["expr"].as_str());
    let filled = expressions.map(|expression| {
        let expression = expression.replace("$application", NAME).replace("$stream", NAME);
        expression.replace("$__rate_interval", "10s")
    });
    Ok(filled.collect())
}

/// The names of the recording rules.
fn recorded(rules: &str) -> Vec<String> {
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
    names.map(str::to_owned).collect()
}

/// Asks until each of these has a series.
async fn until_all_are_there(server: &Prometheus, expressions: &[String]) -> Result<()> {
    let mut missing = Vec::new();
    for _ in 0..120 {
        missing.clear();
        for expression in expressions {
            if server.query(expression)?.is_empty() {
                missing.push(expression);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        pause(500).await;
    }
    bail!("nothing has come within a minute of {missing:#?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_and_board_find_what_they_ask_for_and_no_alert_is_raised_by_a_healthy_worker()
-> Result<()> {
    let mut stage = Stage::with(Servers::InProcess, NAME, 2, |launch| {
        let mut launch = launch.with(&["--metrics", "0"]);
        launch.log = "warn,kcl_core=debug,kcl_cli=info".to_owned();
        launch
    })
    .await?;
    stage.producer.put(60).await?;
    stage.fleet.start("a")?;
    let address = address_of(&stage, "a").await?;
    stage.until_delivered().await?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> Result<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    // As the file says that it is made one's own.
    let renamed = deployed("prometheus/vmware-go-kcl.yaml")?.replace("APPLICATION", NAME);
    let alerts = file("alerts.yaml", &deployed("prometheus/alerts.yaml")?)?;
    let server = Prometheus::start(&address, &[alerts, file("renamed.yaml", &renamed)?])?;
    let is_seldom = |expression: &String| SELDOM.iter().any(|name| expression.contains(name));
    let (seldom, always): (Vec<_>, Vec<_>) = of_the_board()?.into_iter().partition(is_seldom);
    ensure!(seldom.len() == SELDOM.len() && always.len() > 40, "{seldom:?} {always:?}");
    until_all_are_there(&server, &always).await?;
    let names = recorded(&renamed);
    ensure!(names.len() > 20, "{names:?}");
    until_all_are_there(&server, &names).await?;
    for rule in server.rules()? {
        ensure!(rule["health"] == "ok", "{rule:#}");
    }
    let raised = server.query("ALERTS")?;
    ensure!(raised.is_empty(), "{raised:#?}");
    stage.fleet.leave("a").await
}
