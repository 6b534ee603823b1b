//! Tests that the settings accept and refuse the values that `facts` names.

use std::collections::BTreeSet;

use super::{declared::settings, facts::ALL};
use crate::{
    config::{Config, Environment, SettingsArgs},
    connect, produce,
    store_url::StoreUrl,
};

#[test]
fn every_setting_has_its_facts_and_no_other() {
    let declared: Vec<String> = settings().into_iter().map(|it| it.path).collect();
    let told: Vec<&str> = ALL.iter().map(|facts| facts.path).collect();
    assert_eq!(told, declared);
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "none twice");
}

/// Loads a configuration that sets only this value, and makes all that the commands make of it.
///
/// # Errors
/// The value is refused at some step.
fn set(path: &str, value: &str) -> anyhow::Result<()> {
    let set = ["kinesis.stream_name=orders", "consumer.application_name=indexer"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("{path}={value}")]);
    let args = SettingsArgs { set: set.collect(), ..SettingsArgs::default() };
    let config = Config::load(&args, &Environment::default())?;
    config.worker_settings()?;
    config.metrics_address()?;
    connect::source(&config)?;
    StoreUrl::of(&config)?;
    produce::batch_size(&config.producer)?;
    Ok(())
}

#[test]
fn what_is_at_a_limit_is_taken_and_what_is_beyond_is_refused_by_the_settings_name() {
    for facts in ALL {
        for value in facts.taken {
            let taken = set(facts.path, value);
            assert!(taken.is_ok(), "{} = {value}: {:#}", facts.path, taken.unwrap_err());
        }
        let name = facts.path.rsplit('.').next().unwrap();
        for value in facts.refused {
            let Err(refused) = set(facts.path, value) else {
                panic!("{} = {value} is not refused", facts.path)
            };
            let said = format!("{refused:#}");
            let is_named = said.contains(name) || said.contains(value);
            assert!(is_named, "{} = {value}: {said}", facts.path);
        }
    }
}
