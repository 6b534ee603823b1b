//! Tests of the layers of settings, of unknown keys, and of the errors.

use std::time::Duration;

use super::{model::START, *};

/// A settings file of another consumer, with the same structure.
const FILE: &str = include_str!("../../../tests/fixtures/poc.yaml");

fn load(file: &str, environment: &[(&str, &str)], args: &SettingsArgs) -> anyhow::Result<Config> {
    let mut tree = Tree::default();
    tree.lay("settings.yaml", yaml::parse("settings.yaml", "", file)?)?;
    tree.lay("the environment", Environment::of(environment).layer()?)?;
    tree.lay("the command line", flags(args)?)?;
    tree.read()
}

fn set(settings: &[&str]) -> SettingsArgs {
    let set = settings.iter().map(|setting| (*setting).to_owned()).collect();
    SettingsArgs { set, ..SettingsArgs::default() }
}

fn refused(file: &str, settings: &[&str]) -> String {
    format!("{:#}", load(file, &[], &set(settings)).unwrap_err())
}

#[test]
fn the_existing_shape_is_read_as_it_is() {
    let config = load(FILE, &[], &set(&[])).unwrap();
    assert_eq!(config.stream().unwrap().short(), "orders");
    assert_eq!(config.application().unwrap(), "indexer");
    assert_eq!(config.kinesis_endpoint(), Some("http://127.0.0.1:4566"));
    assert_eq!(config.dynamodb_endpoint(), Some("http://127.0.0.1:4566"));
    assert_eq!(config.static_credentials().unwrap(), Some(("AKIA", "hunter2")));
    assert_eq!(config.poll_interval(), Some(Duration::from_millis(250)));
    assert_eq!(config.consumer.assignment_mode, AssignmentMode::Kcl);
    assert_eq!(config.consumer.worker_id.as_deref(), Some("w1"));
    assert_eq!(config.consumer.max_records, Some(500));
    assert!(config.worker_settings().unwrap().delivery.empty_batches);
    let producer = &config.producer;
    assert_eq!((producer.batch_size, producer.total_messages), (50, Some(0)));
}

#[test]
fn of_a_setting_that_only_others_have_it_is_said_what_is_there_instead() {
    let assigned = "assigned_shards: [shardId-000000000000]";
    for consumer in [assigned.to_owned(), format!("assignment_mode: manual, {assigned}")] {
        let shards = refused(&format!("consumer: {{{consumer}}}"), &[]);
        assert!(shards.contains("`consumer.assigned_shards`") && shards.contains("shard_mapping"));
    }
    let some = refused("kinesis: {shard_ids: [shardId-000000000000]}", &[]);
    assert!(some.contains("`all` or nothing") && some.contains("kcl leases pause"), "{some}");
}

#[test]
fn a_shard_that_a_file_maps_twice_is_named_with_the_line() {
    let said = refused("consumer:\n  shard_mapping:\n    shard-0: a\n    shard-0: b\n", &[]);
    assert!(said.contains("settings.yaml") && said.contains("line 4"), "{said}");
    assert!(said.contains("shard-0: remove one of the two") && !said.contains("Options"), "{said}");
}

#[test]
fn the_environment_overrides_the_file_and_flags_override_both() {
    let environment = [
        ("APP_NAME", "from-environment"),
        ("POD_NAME", "pod-0"),
        ("STREAM_NAME", ""),
        ("KCL_ZONE", "eu-west-1a"),
        ("KCL_COORDINATION__SESSION_TIMEOUT", "12s"),
        ("KCL_COORDINATION__CLOCK_GUARD", "600ms"),
    ];
    let args = SettingsArgs {
        region: Some("eu-central-1".to_owned()),
        ..set(&["coordination.session_timeout=9s", "consumer.worker_id=w9"])
    };
    let config = load(FILE, &environment, &args).unwrap();
    assert_eq!(config.application().unwrap(), "from-environment");
    assert_eq!(config.stream().unwrap().short(), "orders");
    assert_eq!(config.consumer.worker_id.as_deref(), Some("w9"));
    assert_eq!(config.aws.region.as_deref(), Some("eu-central-1"));
    assert_eq!(config.coordination.zone, Some("eu-west-1a".parse().unwrap()));
    assert_eq!(config.coordination.session_timeout, Duration::from_secs(9));
    assert_eq!(config.coordination.clock_guard, Duration::from_millis(600));
}

#[test]
fn the_endpoint_of_one_service_is_stronger_unless_it_comes_from_further_below() {
    let one = "{aws: {endpoint: http://a}, kinesis: {endpoint: http://k}}";
    let config = load(one, &[], &set(&[])).unwrap();
    assert_eq!(config.kinesis_endpoint(), Some("http://k"));
    assert_eq!(config.dynamodb_endpoint(), Some("http://a"));
    let variable = [("AWS_ENDPOINT_URL_DYNAMODB", "http://d")];
    let config = load(one, &variable, &set(&[])).unwrap();
    assert_eq!(config.dynamodb_endpoint(), Some("http://d"));
    let flag = SettingsArgs { endpoint: Some("http://all".to_owned()), ..set(&[]) };
    let config = load(one, &variable, &flag).unwrap();
    assert_eq!(config.kinesis_endpoint(), Some("http://all"));
    assert_eq!(config.dynamodb_endpoint(), Some("http://all"));
}

#[test]
fn cloudwatch_is_where_its_own_endpoint_says_or_the_common_one() {
    let endpoint = |environment: &[(&str, &str)], args: &SettingsArgs| {
        let file = "{aws: {endpoint: http://a}, cloudwatch: {endpoint: http://c}}";
        load(file, environment, args).unwrap().cloudwatch_endpoint().map(str::to_owned)
    };
    assert_eq!(endpoint(&[], &set(&[])).as_deref(), Some("http://c"));
    let variable = [("AWS_ENDPOINT_URL_CLOUDWATCH", "http://v")];
    assert_eq!(endpoint(&variable, &set(&[])).as_deref(), Some("http://v"));
    let flag = SettingsArgs { cloudwatch_endpoint: Some("http://f".to_owned()), ..set(&[]) };
    assert_eq!(endpoint(&variable, &flag).as_deref(), Some("http://f"));
    let common = SettingsArgs { endpoint: Some("http://all".to_owned()), ..set(&[]) };
    assert_eq!(endpoint(&variable, &common).as_deref(), Some("http://all"));
    let nowhere = load("", &[], &set(&[])).unwrap();
    assert_eq!(nowhere.cloudwatch_endpoint(), None);
}

#[test]
fn cloudwatch_is_sent_nothing_unless_that_is_asked_for_and_odd_settings_are_named() {
    assert!(!load("", &[], &set(&[])).unwrap().metrics.cloudwatch.enabled);
    let environment =
        [("KCL_METRICS__CLOUDWATCH__ENABLED", "true"), ("KCL_METRICS__CLOUDWATCH__NAMES", "kcl")];
    let config = load("", &environment, &set(&["metrics.cloudwatch.period=30s"])).unwrap();
    let cloudwatch = &config.metrics.cloudwatch;
    assert!(cloudwatch.enabled && cloudwatch.period == Duration::from_secs(30));
    assert_eq!(cloudwatch.names, CloudwatchNames::Kcl);
    for odd in ["names: java", "level: all", "period: soon", "enabled: maybe"] {
        let refusal = refused(&format!("metrics: {{cloudwatch: {{{odd}}}}}"), &[]);
        let key = odd.split(':').next().unwrap();
        assert!(refusal.contains(&format!("`metrics.cloudwatch.{key}`")), "{refusal}");
    }
    assert!(refused("metrics: {cloudwatch: {name: kcl}}", &[]).contains("`names`"));
}

#[test]
fn a_profile_is_what_settings_start_from() {
    let config = load("profile: fast", &[], &set(&["coordination.session_timeout=4s"])).unwrap();
    assert_eq!(config.profile, Profile::Fast);
    assert_eq!(config.coordination.session_timeout, Duration::from_secs(4));
    assert_eq!(config.coordination.heartbeat_interval, Duration::from_millis(750));
    assert!(refused("profile: quick", &[]).contains("`default` or `fast`"));
}

#[test]
fn a_key_that_does_not_exist_is_refused_with_the_nearest_that_does() {
    let error = refused("consumer: {aplication_name: x}", &[]);
    assert_eq!(
        error,
        "settings.yaml: there is no setting `consumer.aplication_name`: \
         did you mean `application_name`?"
    );
    assert!(refused("", &["coordination.session_timout=1s"]).contains("`session_timeout`"));
    assert!(refused("", &["coordination.zone=a b"]).contains("zone"));
    assert!(refused("shards: 7", &[]).contains("expected one of aws, "));
}

#[test]
fn a_value_that_makes_no_sense_is_named_by_its_path() {
    let error = refused("coordination: {session_timeout: soon}", &[]);
    assert!(error.contains("`coordination.session_timeout`"), "{error}");
    let error = refused("consumer: {max_records: many}", &[]);
    assert!(error.contains("`consumer.max_records`"), "{error}");
    assert!(refused("kinesis: [stream", &[]).contains("settings.yaml is no valid YAML"));
    assert!(refused("- a list", &[]).contains("expected settings by name"));
    assert!(refused("", &["no-value"]).contains("PATH=VALUE"));
}

#[test]
fn a_duration_that_is_none_is_refused_with_an_example() {
    for given in ["soon", "6"] {
        let error = refused(&format!("coordination: {{session_timeout: {given}}}"), &[]);
        assert!(error.contains("`1500ms`, `6s` or `2m`"), "{error}");
    }
}

#[test]
fn a_setting_that_is_text_stays_the_text_that_was_written() {
    for written in ["007", "0x1f", "1e3", "true", "no", "12", "'012'", "2026-01-31"] {
        let text = written.trim_matches('\'');
        let in_file = format!("consumer: {{worker_id: {written}, application_name: {written}}}");
        let config = load(&in_file, &[], &set(&[])).unwrap();
        assert_eq!(config.consumer.worker_id.as_deref(), Some(text), "in a file");
        assert_eq!(config.consumer.application_name.as_deref(), Some(text), "in a file");
        let by_flag = set(&[&format!("consumer.worker_id={written}")]);
        let config = load("", &[("KCL_CONSUMER__APPLICATION_NAME", written)], &by_flag).unwrap();
        assert_eq!(config.consumer.worker_id.as_deref(), Some(text), "by a flag");
        assert_eq!(config.consumer.application_name.as_deref(), Some(text), "by a variable");
    }
    let nothing = load("consumer: {worker_id: , application_name: ~}", &[], &set(&[])).unwrap();
    assert_eq!(nothing, Config::default());
    let error = refused("consumer: {worker_id: [a, b]}", &[]);
    assert!(error.contains("`consumer.worker_id`") && error.contains("string"), "{error}");
}

#[test]
fn every_setting_that_is_text_is_kept_as_such() {
    for path in yaml::TEXTS.into_iter().filter(|path| *path != START) {
        let config = load("", &[], &set(&[&format!("{path}=007")])).unwrap();
        let tree = serde_json::to_value(&config).unwrap();
        let found = path.split('.').fold(&tree, |node, key| &node[key]);
        assert_eq!(found, "007", "{path}");
    }
}

#[test]
fn a_file_takes_every_start_that_the_flag_takes_and_its_refusal_names_them() {
    use kcl_core::{env::WallTime, settings::InitialPosition};
    let at = InitialPosition::AtTimestamp(WallTime::from_millis(1_769_850_000_000));
    let cases = [
        ("trim-horizon", InitialPosition::TrimHorizon),
        ("TRIM_HORIZON", InitialPosition::TrimHorizon),
        ("LATEST", InitialPosition::Latest),
        ("2026-01-31T09:00:00Z", at),
        ("1769850000", at),
        ("1769850000000", at),
    ];
    for (text, expected) in cases {
        let file = format!("coordination:\n  initial_position: {text}\n");
        let config = load(&file, &[], &set(&[])).unwrap();
        assert_eq!(config.coordination.initial_position, expected, "{text}");
        let by_flag = set(&[&format!("coordination.initial_position={text}")]);
        let config = load("", &[], &by_flag).unwrap();
        assert_eq!(config.coordination.initial_position, expected, "{text}");
    }
    for refused_one in ["earliest", "at-timestamp", "{at-timestamp: 5}", "[latest]", ""] {
        let file = format!("coordination:\n  initial_position: {refused_one}\n");
        let error = refused(&file, &[]);
        assert!(error.contains("`coordination.initial_position`"), "{error}");
        assert!(error.contains(crate::start_at::ACCEPTED), "{error}");
    }
}

#[test]
fn the_region_of_an_arn_is_kinesis_region_and_another_one_is_refused() {
    let arn = "arn:aws:kinesis:ap-south-1:123456789012:stream/orders";
    let file = format!("{{aws: {{region: eu-west-1}}, kinesis: {{stream_name: '{arn}'}}}}");
    let config = load(&file, &[], &set(&[])).unwrap();
    assert_eq!(config.kinesis_region().unwrap().as_deref(), Some("ap-south-1"));
    config.refuse_other_region(None).unwrap();
    config.refuse_other_region(Some("ap-south-1")).unwrap();
    let refused = config.refuse_other_region(Some("eu-west-1")).unwrap_err().to_string();
    assert!(refused.contains("--region eu-west-1") && refused.contains(arn), "{refused}");
    let named = load(FILE, &[], &set(&[])).unwrap();
    assert_eq!(named.kinesis_region().unwrap().as_deref(), Some("eu-west-1"));
    named.refuse_other_region(Some("us-east-1")).unwrap();
    let odd = load("kinesis: {stream_name: 'a/b'}", &[], &set(&[])).unwrap();
    assert!(odd.stream().unwrap_err().to_string().contains("arn:aws"));
}

#[test]
fn an_empty_file_and_empty_sections_say_nothing() {
    assert_eq!(load("# nothing\n", &[], &set(&[])).unwrap(), Config::default());
    assert_eq!(load("aws:\nconsumer:\n", &[], &set(&[])).unwrap(), Config::default());
}

#[test]
fn a_mapping_in_the_environment_takes_the_place_of_one_in_the_file_whole() {
    let file = "consumer: {shard_mapping: {shardId-0: 007, shardId-1: w2?}}";
    let mapping = |environment: &[(&str, &str)]| {
        load(file, environment, &set(&[])).unwrap().consumer.shard_mapping
    };
    let of_file = serde_json::json!({"shardId-0": "007", "shardId-1": "w2?"});
    assert_eq!(mapping(&[]), Some(of_file.clone()), "names are text");
    assert_eq!(mapping(&[("SHARD_MAPPING", " \n")]), Some(of_file));
    let of_variable = mapping(&[("SHARD_MAPPING", "shardId-7:w7\n")]);
    assert_eq!(of_variable, Some("shardId-7:w7\n".into()));
    assert!(refused("consumer: {shard_mapping: {a: w1, a: w2}}", &[]).contains("duplicate"));
}

#[test]
fn the_pods_name_is_no_setting_and_so_stronger_than_none() {
    let pod = [("POD_NAME", "pod-0")];
    let named = load("consumer: {worker_id: w1}", &pod, &set(&[])).unwrap();
    assert_eq!(named.consumer.worker_id.as_deref(), Some("w1"));
    // Without a setting the worker itself reads POD_NAME.
    assert_eq!(load("", &pod, &set(&[])).unwrap().consumer.worker_id, None);
}

#[test]
fn settings_that_contradict_each_other_are_refused_with_the_numbers() {
    let config = load("", &[], &set(&["coordination.heartbeat_interval=3s"])).unwrap();
    let error = config.worker_settings().unwrap_err().to_string();
    assert!(error.contains("3s") && error.contains("6s"), "{error}");
}

#[test]
fn no_secret_is_shown() {
    let config = load(FILE, &[], &set(&[])).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let half = load("aws: {secret_key: hunter2}", &[], &set(&[])).unwrap();
    let error = half.static_credentials().unwrap_err().to_string();
    assert!(error.contains("access_key") && !error.contains("hunter2"), "{error}");
}

#[test]
fn metrics_are_served_where_a_port_or_an_address_says_and_nowhere_without_one() {
    let address = |text: &str| {
        let file = format!("metrics: {{listen: {text}}}");
        let config = load(&file, &[], &set(&[]))?;
        config.metrics_address().map(|address| address.map(|it| it.to_string()))
    };
    assert_eq!(address("9464").unwrap().as_deref(), Some("127.0.0.1:9464"));
    assert_eq!(address("0.0.0.0:9464").unwrap().as_deref(), Some("0.0.0.0:9464"));
    assert_eq!(load("", &[], &set(&[])).unwrap().metrics_address().unwrap(), None);
    let environment = [("KCL_METRICS__LISTEN", "8080")];
    let config = load("", &environment, &set(&[])).unwrap();
    assert_eq!(config.metrics_address().unwrap().unwrap().to_string(), "127.0.0.1:8080");
    let refused = format!("{:#}", address("everywhere").unwrap_err());
    assert!(refused.contains("metrics.listen") && refused.contains("0.0.0.0:9464"), "{refused}");
}
