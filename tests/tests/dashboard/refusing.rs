//! Whom a dashboard refuses.

use anyhow::{Result, ensure};
use kcl_tests::dashboard::{Dashboard, command};
use serde_json::json;

use crate::fleet::stage::{self, Servers, Stage};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_name_another_sites_page_and_a_change_that_was_not_allowed_are_refused()
-> Result<()> {
    let stage = Stage::new(Servers::InProcess, "dashboard-refused", 1).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &[])?;
    let get = |headers: &[(&str, &str)]| dashboard.send("GET", "/apps.json", headers, "");
    ensure!(get(&[])?.status == 200);
    for host in ["evil.example", "127.0.0.1.evil.example:80", "10.1.2.3"] {
        let refused = get(&[("Host", host)])?;
        ensure!(refused.status == 403 && refused.error().contains("--host"), "{host}: {refused:?}");
        ensure!(!refused.body.contains(host), "nothing of the request is in the answer");
    }
    ensure!(dashboard.send("GET", "/", &[("Host", "evil.example")], "")?.status == 403);
    for headers in [[("Sec-Fetch-Site", "cross-site")], [("Origin", "http://evil.example")]] {
        ensure!(get(&headers)?.status == 403, "{headers:?}");
    }
    let act = "/app/dashboard-refused/act/freeze";
    let body = json!({ "confirm": "dashboard-refused" });
    let refused = dashboard.post(act, &body)?;
    ensure!(refused.status == 403 && refused.error().contains("--allow-changes"), "{refused:?}");
    let preview = dashboard.post(&format!("{act}/preview"), &body)?;
    ensure!(preview.status == 403, "{preview:?}");
    let allowing = Dashboard::start(&stage.fleet.launch, &["--allow-changes"])?;
    let post = |headers: &[(&str, &str)]| allowing.send("POST", act, headers, &body.to_string());
    for site in ["cross-site", "same-site", "none"] {
        ensure!(post(&[JSON, ("Sec-Fetch-Site", site)])?.status == 403, "{site}");
    }
    ensure!(post(&[JSON, ("Origin", "http://evil.example")])?.status == 403);
    ensure!(post(&[("Content-Type", "text/plain")])?.status == 415);
    ensure!(post(&[JSON, ("Host", "evil.example")])?.status == 403);
    let large = "x".repeat(20_000);
    ensure!(allowing.send("POST", act, &[JSON], &large)?.status == 413);
    ensure!(allowing.send("POST", act, &[JSON], "{")?.status == 400);
    ensure!(allowing.send("DELETE", "/apps.json", &[], "")?.status == 405);
    for path in ["/../../etc/passwd", "/assets/x/main.js", "/app/dashboard-refused/none.json"] {
        ensure!(allowing.get(path)?.status == 404, "{path}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_without_the_token_and_nobody_else_is_reached_without_one() -> Result<()> {
    let stage = Stage::new(Servers::InProcess, "dashboard-token", 1).await?;
    let open = command(&stage.fleet.launch, &["--listen", "0.0.0.0:0"]);
    let output = stage::run(open).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains("--token-file"), "{said}");
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "short")?;
    let path = file.path().display().to_string();
    let with = ["--listen", "0.0.0.0:0", "--token-file", path.as_str()];
    let output = stage::run(command(&stage.fleet.launch, &with)).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains("16 or more"), "{said}");
    std::fs::write(file.path(), format!("{TOKEN}\n"))?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &with)?;
    ensure!(dashboard.get("/")?.status == 200, "the page asks for the token");
    for path in ["/apps.json", "/events", "/app/dashboard-token/shards.json"] {
        let refused = dashboard.get(path)?;
        ensure!(refused.status == 401, "{path}: {refused:?}");
        ensure!(refused.head.contains("www-authenticate: bearer"), "{refused:?}");
        let wrong = ("Authorization", "Bearer 0123456789abcdef0123456789abcdeX");
        ensure!(dashboard.send("GET", path, &[wrong], "")?.status == 401, "{path}");
    }
    let right = format!("Bearer {TOKEN}");
    let answer = dashboard.send("GET", "/apps.json", &[("Authorization", &right)], "")?;
    ensure!(answer.status == 200, "{answer:?}");
    ensure!(!dashboard.end()?.contains(TOKEN), "it is in no log");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_in_use_and_arguments_that_cannot_work_are_named() -> Result<()> {
    let stage = Stage::new(Servers::InProcess, "dashboard-odd", 1).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &[])?;
    for (arguments, says) in [
        (&["--listen", dashboard.address.as_str()][..], "cannot listen on"),
        (&["--listen", "everywhere"], "--listen"),
        (&["--every", "0"], "--every 0"),
        (&["--app", "dashboard-odd"], "given twice"),
    ] {
        let output = stage::run(command(&stage.fleet.launch, arguments)).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1) && said.contains(says), "{arguments:?}: {said}");
    }
    Ok(())
}
