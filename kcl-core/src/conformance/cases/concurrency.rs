//! Concurrent histories: for whatever happened, some order of the calls must explain every answer.

use crate::conformance::{
    Failure,
    bench::Bench,
    draw::Drawer,
    failure::{Check, check, shown},
    history::{Habits, record},
    linear::{Seen, explain, story},
};

/// The number of histories of each row.
const ROUNDS: u64 = 6;

/// Records histories of every row and searches for an order that explains each. A history that is
/// explained goes to the suite's judge, too.
async fn explained(bench: Bench, drops_one_in: u64) -> Check {
    let twice = bench.capabilities().unreliable;
    // Writes that may land at any time multiply the orders to be searched.
    let (clients_each, calls) = if twice { (3, 6) } else { (4, 8) };
    let habits = Habits { calls, drops_one_in };
    let (mut answered, mut called) = (0, 0);
    for round in 0..ROUNDS {
        let mut clients = Vec::new();
        for _ in 0..clients_each {
            clients.push(bench.neighbour(&format!("-{round}")).await?);
        }
        let keys = Drawer::new(bench.rng(0))?.keys().to_vec();
        for (row, key) in (0..).zip(keys) {
            let stream = |client| 1_000 * round + 10 * row + client;
            let drawers = (0..clients_each).map(|client| Drawer::new(bench.rng(stream(client))));
            let drawers = drawers.collect::<Result<_, _>>()?;
            let events = record(&clients, drawers, &key, habits).await?;
            answered += events.iter().filter(|event| event.seen != Seen::Unknown).count();
            called += calls * clients.len();
            let explained = explain(&events, twice).map_err(Failure::new);
            let judged = explained.and_then(|changes| {
                bench
                    .judge(&changes)
                    .map_err(|why| Failure::new(format!("{why}\n    calls:{}", story(&events))))
            });
            judged.map_err(|why| why.during(format_args!("round {round}, {}", shown(&key))))?;
        }
    }
    // A history of calls without answers proves little.
    check(answered * 2 > called, || format!("only {answered} of {called} calls were answered"))
}

/// Finds a write that is not atomic, and a strong read that returns an old row. Such an order
/// exists for every history if each row is linearizable.
pub(super) async fn concurrent_histories_have_an_order_that_explains_them(bench: Bench) -> Check {
    explained(bench, 0).await
}

/// Drops one call in four half way. Finds a client whose next answer belongs to the dropped call.
pub(super) async fn dropped_calls_leave_the_others_right(bench: Bench) -> Check {
    explained(bench, 4).await
}
