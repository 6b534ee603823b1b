//! Tests of the verdict on rules, and of changes of rules.

use std::time::Duration;

use kcl_core::{
    assignment::placement::{Origin, shard_mapping},
    env::WallTime,
    lease::{DocName, PutDoc, Write},
    placing::NotPlaced,
};
use kcl_memory::MemoryStore;

use super::*;
use crate::{
    outlook::document,
    picture::testing::{HOUR, name, picture, row, session, shard},
};

fn rules(pairs: &[(usize, &str)]) -> PlacementRules {
    let pairs: Vec<String> =
        pairs.iter().map(|(number, worker)| format!("{}:{worker}", name(*number))).collect();
    let rules = shard_mapping(&pairs.join(",")).unwrap();
    PlacementRules::new(rules, Uncovered::Balance).unwrap()
}

fn verdict(picture: &Picture, rules: &PlacementRules) -> Verdict {
    Verdict::of(picture, rules, &document(&rules.clone().into()).unwrap())
}

fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    verdict.findings.iter().map(|finding| finding.kind).collect()
}

#[tokio::test]
async fn what_would_move_is_what_the_planner_would_move() {
    let picture = picture(&MemoryStore::new("indexer")).await;
    let judged = verdict(&picture, &rules(&[(0, "worker-2"), (1, "worker-1"), (2, "worker-1")]));
    let moved: Vec<_> = judged
        .moves
        .iter()
        .map(|it| (it.shard.as_str(), it.from.as_deref(), it.to.as_str()))
        .collect();
    let (first, last) = (name(0), name(3));
    let from = Some("worker-1");
    assert_eq!(moved, [(first.as_str(), from, "worker-2"), (last.as_str(), from, "worker-2")]);
    assert_eq!((kinds(&judged), judged.unread.len()), (Vec::new(), 0));
    assert_eq!(judged.rules[0].shards, [name(0)]);
}

#[tokio::test]
async fn each_thing_that_is_wrong_with_rules_is_found() {
    let mut there = picture(&MemoryStore::new("indexer")).await;
    let found =
        |picture: &Picture, pairs: &[(usize, &str)]| kinds(&verdict(picture, &rules(pairs)));
    assert_eq!(found(&there, &[(0, "worker-1")]), Vec::<&str>::new());
    assert_eq!(found(&there, &[(7, "worker-1")]), ["unknown-shard"]);
    assert_eq!(found(&there, &[(9, "worker-1")]), ["closed-shard"]);
    assert_eq!(found(&there, &[(0, "worker-3?")]), ["worker-not-alive"], "others read it");
    assert_eq!(found(&there, &[(0, "worker-3")]), ["worker-not-alive", "unread"]);
    there.settings.limits.per_worker = Some(2);
    let three = [(0, "worker-1"), (1, "worker-1"), (2, "worker-1")];
    assert_eq!(found(&there, &three), ["above-limit", "unread"]);
    there.settings.limits.per_worker = None;
    there.living[0].capacity = 2;
    assert_eq!(found(&there, &three), ["above-limit", "unread"], "it says so itself");
    there.living[0].capacity = 0;
    there.living.push(session("orders-7d9c5bf8b5-x2x7k"));
    assert_eq!(found(&there, &[(0, "worker-1")]), ["random-name"]);
    assert_eq!(found(&there, &[]), Vec::<&str>::new(), "without rules names may be any");
}

#[tokio::test]
async fn a_rule_of_a_shard_that_ended_is_right_as_long_as_its_children_follow_it() {
    let mut there = picture(&MemoryStore::new("indexer")).await;
    let mut child = shard(11, false);
    child.parents = vec![name(9).parse().unwrap()];
    there.rows.push(row(&child, "worker-1"));
    if let Ok(view) = &mut there.listed {
        view.shards.push(child);
    }
    let judged = verdict(&there, &rules(&[(9, "worker-2")]));
    assert_eq!(kinds(&judged), Vec::<&str>::new());
    assert_eq!(judged.rules[0].shards, [name(11)]);
    let moved: Vec<&str> = judged.moves.iter().map(|it| it.shard.as_str()).collect();
    assert!(moved.contains(&name(11).as_str()), "{moved:?}");
}

#[tokio::test]
async fn a_shard_that_nobody_reads_says_since_when_and_warns_at_half_of_the_retention() {
    let mut there = picture(&MemoryStore::new("indexer")).await;
    let hours_ago = |hours| Some(WallTime::from_millis((1_000 - hours) * HOUR));
    let gone = rules(&[(0, "worker-3")]);
    for (hours, expected) in [
        (11, vec!["worker-not-alive", "unread"]),
        (12, { vec!["worker-not-alive", "unread", "retention"] }),
    ] {
        there.rows[0].progress.arrival = hours_ago(hours);
        let judged = verdict(&there, &gone);
        assert_eq!(kinds(&judged), expected, "{hours} h");
        assert_eq!(judged.unread[0].since_ms, Some(hours * HOUR));
        assert_eq!(judged.unread[0].retention_ms, Some(24 * HOUR));
    }
    // The retention of a stream that could not be described is unknown.
    if let Some(stream) = &mut there.stream {
        stream.retention = Duration::ZERO;
    }
    assert_eq!(verdict(&there, &gone).unread[0].retention_ms, None);
}

#[tokio::test]
async fn without_a_listing_no_shard_is_called_unknown_and_a_check_has_no_verdict() {
    let mut there = picture(&MemoryStore::new("indexer")).await;
    there.listed = Err("denied".to_owned());
    let judged = verdict(&there, &rules(&[(7, "worker-1")]));
    assert_eq!(kinds(&judged), Vec::<&str>::new());
    assert!(judged.unknown[0].contains("denied"), "{judged:?}");
    let refused = check(&there, None, true).unwrap_err().to_string();
    assert!(refused.contains("no verdict"), "{refused}");
}

#[tokio::test]
async fn a_change_is_put_only_over_what_it_was_shown_against() {
    let store = MemoryStore::new("indexer");
    let (first, second) = (picture(&store).await, picture(&store).await);
    let consent = Consent { yes: true, dry_run: false };
    let made = |worker| Placement::default().commanded(rules(&[(0, worker)]), "a test", first.now);
    let put = async |picture: &Picture, worker, consent| {
        change(picture, made(worker), "placement set", consent, true, &store).await
    };
    let dry = Consent { dry_run: true, ..consent };
    assert!(put(&first, "worker-1", dry).await.unwrap());
    assert!(placing::read(&store).await.unwrap().placement.is_none(), "nothing was changed");
    assert!(put(&first, "worker-1", consent).await.unwrap());
    let raced = put(&second, "worker-2", consent).await.unwrap_err();
    assert!(matches!(raced.downcast_ref(), Some(NotPlaced::Raced)), "{raced:#}");
    let stands = placing::read(&store).await.unwrap().placement.unwrap();
    assert_eq!(stands.rules.rules()[0].worker.as_str(), "worker-1");
    assert!(matches!(stands.origin, Origin::Command { .. }));
}

/// The test has no terminal: the question fails.
#[tokio::test]
async fn without_consent_nothing_is_changed() {
    let store = MemoryStore::new("indexer");
    let there = picture(&store).await;
    let consent = Consent { yes: false, dry_run: false };
    let placement = Placement::from(rules(&[(0, "worker-1")]));
    let refused = change(&there, placement, "placement set", consent, true, &store).await;
    assert!(refused.unwrap_err().to_string().contains("nothing was changed"));
    assert!(placing::read(&store).await.unwrap().placement.is_none());
}

#[tokio::test]
async fn rules_that_make_no_sense_are_edited_by_nobody_and_can_be_replaced() {
    let store = MemoryStore::new("indexer");
    let put = PutDoc::new(DocName::placement(), None, "{\"rules\": 7}".into());
    assert!(matches!(store.put_doc(put).await.unwrap(), Write::Done(_)));
    let there = picture(&store).await;
    let pair = [format!("{}:worker-1", name(0))];
    let refused = set(&there, &pair, &[], None).unwrap_err().to_string();
    assert!(refused.contains("kcl placement apply FILE"), "{refused}");
    assert!(!check(&there, None, true).unwrap(), "a check finds it");
    let file = std::env::temp_dir().join(format!("kcl-placement-{}", std::process::id()));
    std::fs::write(&file, pair[0].as_bytes()).unwrap();
    let next = applied(&there, &file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let consent = Consent { yes: true, dry_run: false };
    let next = Placement::default().commanded(next, "a test", there.now);
    assert!(change(&there, next, "placement apply", consent, true, &store).await.unwrap());
    assert!(placing::read(&store).await.unwrap().placement.is_some());
}

#[tokio::test]
async fn an_edit_that_asks_for_nothing_is_refused_with_what_may_be_asked() {
    let there = picture(&MemoryStore::new("indexer")).await;
    let refused = set(&there, &[], &[], None).unwrap_err().to_string();
    assert!(refused.contains("SHARD:WORKER"), "{refused}");
    let refused = unset(&there, &[], &[], false).unwrap_err().to_string();
    assert!(refused.contains("--all"), "{refused}");
}

#[tokio::test]
async fn text_and_json_say_the_same() {
    let there = picture(&MemoryStore::new("indexer")).await;
    let rules = rules(&[(0, "worker-3"), (1, "worker-2?")]);
    let stated = Placement::default().commanded(rules.clone(), "a test", there.now);
    let judged = verdict(&there, &rules);
    let text = show::text("placement show", &there, Some(&stated), &rules, &judged);
    for part in [
        "placement show: application indexer in memory:\n",
        "rules: a test, 1970-02-11T16:00:00.000Z: maps that workers declare do not count",
        "shards that no rule covers: balance",
        "worker-3  NO     require  shardId-000000000000",
        "worker-2  yes    prefer   shardId-000000000001",
        "shardId-000000000001  worker-1  worker-2",
        "! worker-not-alive: worker-3",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let json = show::json("placement show", &there, Some(&stated), &rules, &judged).unwrap();
    assert_eq!(json["rules"][0]["worker"], "worker-3");
    assert_eq!(json["rules"][0]["alive"], false);
    assert_eq!(json["moves"][0]["to"], "worker-2");
    assert_eq!(json["unread"][0]["shard"], name(0));
    assert_eq!(json["origin"]["command"]["by"], "a test");
    assert_eq!(json["findings"][0]["kind"], "worker-not-alive");
}
