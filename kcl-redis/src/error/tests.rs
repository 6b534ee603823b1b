//! The kind of each error.

use std::io;

use redis::parse_redis_value;

use super::*;

const WRITE: Call<'_> =
    Call { op: "acquire", location: "redis://cache:6379", row: "@planner", effect: Effect::Writes };
const READ: Call<'_> = Call { effect: Effect::Reads, ..WRITE };

/// An error as the server sends it.
fn said(line: &str) -> RedisError {
    let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
    value.extract_error().unwrap_err()
}

fn broken(kind: io::ErrorKind) -> RedisError {
    io::Error::from(kind).into()
}

#[test]
fn a_write_without_an_answer_may_have_been_applied_and_a_read_has_not() {
    for kind in [io::ErrorKind::TimedOut, io::ErrorKind::BrokenPipe, io::ErrorKind::UnexpectedEof] {
        assert_eq!(WRITE.failed(&broken(kind)).kind, StoreErrorKind::Unknown);
        assert_eq!(READ.failed(&broken(kind)).kind, StoreErrorKind::Unavailable);
        assert_eq!(
            WRITE.unreached(&broken(kind), Duration::from_secs(1)).kind,
            StoreErrorKind::Unavailable
        );
    }
}

#[test]
fn answers_say_what_to_do() {
    use StoreErrorKind::{Denied, Misconfigured, Unavailable};
    for (line, kind, part) in [
        ("NOAUTH Authentication required.", Denied, "`credentials`"),
        ("WRONGPASS invalid username-password pair or user is disabled.", Denied, "username"),
        ("NOPERM this user has no permissions to run the 'info' command", Denied, "rights"),
        (
            "ERR The user executing the script can't run this command or subcommand script: 08be",
            Denied,
            "rights",
        ),
        (
            "ERR The user executing the script can't access at least one of the keys mentioned",
            Denied,
            "rights",
        ),
        ("LOADING Redis is loading the dataset in memory", Unavailable, "loading"),
        ("CLUSTERDOWN The cluster is down", Unavailable, "down"),
        ("MASTERDOWN Link with MASTER is down", Unavailable, "MASTER"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", Unavailable, "rehashing"),
        ("READONLY You can't write against a read only replica.", Unavailable, "the primary"),
        ("NOREPLICAS Not enough good replicas to write.", Unavailable, "min-replicas"),
        ("ERR max number of clients reached", Unavailable, "maxclients"),
        ("OOM command not allowed when used memory > 'maxmemory'.", Misconfigured, "maxmemory"),
        ("MISCONF Redis is configured to save RDB snapshots", Misconfigured, "disk"),
        ("WRONGTYPE Operation against a key holding the wrong kind", Misconfigured, "wrong kind"),
        ("ERR unknown command 'EVALSHA'", Misconfigured, "EVALSHA"),
    ] {
        let failed = WRITE.failed(&said(line));
        assert_eq!(failed.kind, kind, "{line}");
        let cause = failed.source.as_ref().unwrap().to_string();
        assert!(cause.contains(part), "{cause}");
        assert_eq!(failed.to_string().split(" failed").next(), Some(WHERE));
    }
}

const WHERE: &str = "acquire of @planner at redis://cache:6379";

#[test]
fn a_replica_is_waited_for_while_a_worker_runs_and_refused_at_the_start() {
    let replica = said("READONLY You can't write against a read only replica.");
    let start = Call { op: PREPARE, ..WRITE };
    assert_eq!(WRITE.unreached(&replica, Duration::from_secs(1)).kind, StoreErrorKind::Unavailable);
    let refused = start.unreached(&replica, Duration::from_secs(1));
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    for (line, lost) in [
        ("READONLY You can't write against a read only replica.", true),
        ("MASTERDOWN Link with MASTER is down", true),
        ("LOADING Redis is loading the dataset in memory", true),
        // These concern one slot only, or last for a moment only.
        ("MOVED 7 cache:6380", false),
        ("TRYAGAIN Multiple keys request during rehashing of slot", false),
        ("BUSY Redis is busy running a script", false),
    ] {
        assert_eq!(lost_its_role(&said(line)), lost, "{line}");
    }
}
