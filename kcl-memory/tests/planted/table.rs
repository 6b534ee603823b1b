//! The table of docs/PLANTED.md: which bug is noticed by what, and how often each mark is reached.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use kcl_core::planted::{Mark, Plant};

use super::{
    kill::{Killer, Known, SEEDS, Verdict, try_all},
    marks,
};

/// Set to write the tables instead of comparing them.
const WRITE: &str = "KCL_WRITE_TABLES";

/// Names bugs, with commas: only those are tried, and no table is compared.
const CHOSEN: &str = "KCL_PLANT";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/PLANTED.md")
}

/// The table of bugs. Which seed it was changes with any change of the code: that column is not
/// compared.
fn bugs(verdicts: &[Verdict]) -> String {
    let mut table = String::from("| rule | bug | noticed by | seeds |\n|---|---|---|---|\n");
    for verdict in verdicts {
        let Some(killer) = &verdict.killer else { continue };
        let plant = verdict.plant;
        let seeds = match killer {
            Killer::Seed(seed, _) => seed + 1,
            _ => SEEDS,
        };
        let (rule, what) = (plant.rule(), plant.what());
        writeln!(table, "| {rule} | `{plant:?}`: {what} | {killer} | {seeds} |").unwrap();
    }
    table
}

fn branches(census: &[(Mark, u64, u64)]) -> String {
    let mut table = String::from("| rule | branch | seeds | directed |\n|---|---|---|---|\n");
    for (mark, seeds, directed) in census {
        let (rule, what) = (mark.rule(), mark.what());
        writeln!(table, "| {rule} | `{mark:?}`: {what} | {seeds} | {directed} |").unwrap();
    }
    table
}

/// What stands between the two comments that frame a table.
fn framed<'a>(text: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let (begin, end) =
        (format!("<!-- {name}: written by `make mutants-table` -->\n\n"), "\n<!-- end -->");
    let from = text.find(&begin).expect("the frame of the table") + begin.len();
    let to = from + text[from..].find(end).expect("the end of the frame");
    (&text[..from], &text[from..to], &text[to..])
}

/// The table without its last `columns`, which are figures that any change of the code changes.
fn without_figures(table: &str, columns: usize) -> Vec<String> {
    let cut = |line: &str| {
        let cells: Vec<&str> = line.trim_end_matches('|').split('|').collect();
        cells[..cells.len().saturating_sub(columns)].join("|").trim().to_owned()
    };
    table.lines().map(cut).collect()
}

/// What the stored table says noticed a bug. Nothing, if the table is to be written anew.
fn known(plant: Plant) -> Option<Known> {
    if std::env::var_os(WRITE).is_some() {
        return None;
    }
    let text = fs::read_to_string(path()).unwrap();
    let (_, stored, _) = framed(&text, "bugs");
    let begins = format!("| {} | `{plant:?}`: ", plant.rule());
    let row = stored.lines().find(|line| line.starts_with(&begins))?;
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let (by, seeds) = (cells.get(3)?, cells.get(4)?);
    Some(Known { by: (*by).to_owned(), seed: seeds.parse::<u64>().ok()?.checked_sub(1)? })
}

fn compare_or_write(name: &str, table: &str, columns: usize) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let text = fs::read_to_string(path()).unwrap();
    let (before, stored, after) = framed(&text, name);
    if std::env::var_os(WRITE).is_some() {
        return fs::write(path(), format!("{before}{table}{after}")).unwrap();
    }
    let (stored, now) = (without_figures(stored, columns), without_figures(table, columns));
    let differs: Vec<&String> = now.iter().filter(|line| !stored.contains(line)).collect();
    assert!(
        stored == now,
        "docs/PLANTED.md is not what was found; `make mutants-table` writes it. New: {differs:#?}"
    );
}

/// Every bug is noticed, by what docs/PLANTED.md says.
#[test]
fn every_bug_is_noticed() {
    let chosen = std::env::var(CHOSEN).ok();
    let is_chosen = |plant: &&Plant| match &chosen {
        Some(names) => names.split(',').any(|name| format!("{plant:?}") == name),
        None => true,
    };
    let plants = Plant::ALL.iter().filter(is_chosen).map(|plant| (*plant, known(*plant)));
    let verdicts = try_all(&plants.collect::<Vec<_>>());
    let survivors: Vec<_> = verdicts
        .iter()
        .filter(|verdict| verdict.killer.is_none())
        .map(|verdict| verdict.plant)
        .collect();
    println!("{}", bugs(&verdicts));
    assert!(survivors.is_empty(), "nothing notices {survivors:?}");
    if chosen.is_none() {
        compare_or_write("bugs", &bugs(&verdicts), 1);
    }
}

/// The healthy code passes all that notices bugs, and reaches every mark meanwhile.
#[test]
fn every_mark_is_reached_and_the_healthy_code_is_not_noticed() {
    let census = marks::census();
    let missed: Vec<Mark> = census
        .iter()
        .filter(|(_, seeds, directed)| seeds + directed == 0)
        .map(|(mark, _, _)| *mark)
        .collect();
    println!("{}", branches(&census));
    assert!(missed.is_empty(), "never reached: {missed:?}");
    compare_or_write("marks", &branches(&census), 2);
}
