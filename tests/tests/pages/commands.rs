//! Every `kcl …` that a page shows is read by the program's own parser.

use anyhow::{Result, ensure};
use clap::{Parser, error::ErrorKind};
use kcl_cli::cli::Cli;

use super::{blocks, pages, spans};

/// The words of a command, up to what the shell does with its output.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (it, Some(open)) if it == open => quote = None,
            ('>', None) if words.last().is_some_and(|word| word == "2") => {
                words.pop();
                break;
            }
            ('|' | '>' | '<' | '&' | ';' | '#', None) => break,
            (it, None) if it.is_whitespace() => words.push(String::new()),
            (it, _) => {
                if let Some(word) = words.last_mut() {
                    word.push(it);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is wrong with a command, if anything. Where it is only mentioned it may lack arguments.
fn refused(command: &str, is_mentioned: bool) -> Option<String> {
    let words = words(command);
    // `kcl` alone, and `kcl …`, are the program.
    if words.len() < 2 || words[1] == "…" {
        return None;
    }
    let error = Cli::try_parse_from(&words).err()?;
    let lacks = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::MissingSubcommand,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let said = error.to_string();
    let is_unfinished = lacks.contains(&error.kind()) || said.contains("a value is required");
    let is_fine = is_help || (is_mentioned && is_unfinished);
    (!is_fine).then_some(said)
}

#[test]
fn every_command_on_every_page_is_one_that_there_is() -> Result<()> {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, page) in pages()? {
        let shell = blocks(&page).into_iter().filter(|block| block.language == "sh");
        let lines: Vec<String> = shell
            .flat_map(|block| {
                block.text.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .filter(|line| line.starts_with("kcl "))
            .collect();
        let mentioned = spans(&page).into_iter().filter(|span| span.starts_with("kcl "));
        let all = lines.into_iter().map(|line| (line, false));
        for (command, is_mentioned) in all.chain(mentioned.map(|span| (span, true))) {
            seen += 1;
            if let Some(error) = refused(&command, is_mentioned) {
                wrong.push(format!("{name}: {command}: {error}"));
            }
        }
    }
    ensure!(seen > 100, "commands are not where they are looked for");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn a_command_that_there_is_not_is_noticed() {
    assert!(refused("kcl leases lst", true).is_some());
    assert!(refused("kcl doctor --wach", true).is_some());
    assert!(refused("kcl leases reset", false).is_some(), "it lacks its position");
    assert!(refused("kcl leases reset", true).is_none());
    assert!(refused("kcl consume --worker-id", true).is_none());
    assert!(refused("kcl consume --app 'a b' | jq . # comment", false).is_none());
    assert!(refused("kcl consume --app a 2>log", false).is_none());
}
