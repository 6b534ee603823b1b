//! Plans in files, and how to play them again.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{InvalidPlan, Plan};

/// Names a file with the one plan to play.
const PLAN: &str = "KCL_PLAN";
/// How many seeds to play instead of those the test says.
const SEEDS: &str = "KCL_SEEDS";

/// The plan in the file that the environment names, if it names one.
pub(super) fn plan() -> Option<Result<Plan, String>> {
    let file = env::var_os(PLAN)?;
    let file = Path::new(&file);
    let text = fs::read_to_string(file).map_err(|error| error.to_string());
    let plan = text.and_then(|text| text.parse().map_err(|error: InvalidPlan| error.to_string()));
    Some(plan.map_err(|error| format!("{PLAN}={}: {error}", file.display())))
}

/// How many seeds the environment wants, if it says so.
pub(super) fn seeds() -> Option<Result<u64, String>> {
    let seeds = env::var_os(SEEDS)?;
    let seeds = seeds.to_string_lossy();
    Some(seeds.parse().map_err(|_| format!("{SEEDS}={seeds}: expected a number of seeds")))
}

/// Writes a plan where the test's own files are; where, and the command that plays it.
pub(super) fn keep(plan: &Plan) -> (Option<PathBuf>, String) {
    let test = std::thread::current().name().unwrap_or("main").to_owned();
    let name = test.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let folder = folder();
    let file = folder.join(format!("{name}.plan"));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, plan.to_string()));
    let package = env::var("CARGO_PKG_NAME").map_or_else(|_| String::new(), |p| format!("-p {p} "));
    let file = written.is_ok().then_some(file);
    let shown = file.as_deref().map_or_else(|| "FILE".into(), Path::to_string_lossy);
    // On the main thread there is one test only, or nobody knows which.
    let filter = if test == "main" { String::new() } else { format!("{test} -- --exact") };
    let command = format!("{PLAN}={shown} cargo test {package}{filter}");
    (file, command)
}

/// `target/simulation` of the build that runs, or the folder for temporary files.
fn folder() -> PathBuf {
    let exe = env::current_exe().unwrap_or_default();
    let deps = exe.ancestors().find(|folder| folder.ends_with("deps"));
    let target = deps.and_then(|deps| deps.parent()?.parent());
    target.map_or_else(env::temp_dir, Path::to_path_buf).join("simulation")
}
