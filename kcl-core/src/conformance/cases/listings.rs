//! Listings: they must be complete over many pages, and strong ones must show every write.

use std::{collections::BTreeSet, future::Future, sync::Arc};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    conformance::{
        Failure,
        bench::Bench,
        failure::{Check, check, made, same},
        samples::{doc_name, full_lease, lease, lease_key, new_doc, session, session_id},
    },
    lease::{
        Delete, DeleteDoc, DocName, Document, EndSession, Ending, Forget, LeaseKey, PutDoc,
        WorkerId,
    },
    store::{Consistency, LeaseStore, LeaseStoreExt, StoreResult},
};

/// Enough rows for several pages of every store, and for more than a megabyte.
const MANY: u64 = 2_500;

/// The number of writes under way at once.
const AT_ONCE: usize = 32;

/// Runs `write` for every number below `count`, [`AT_ONCE`] at a time.
async fn fill<W, F>(store: &Arc<dyn LeaseStore>, count: u64, write: W) -> Check
where
    W: Fn(Arc<dyn LeaseStore>, u64) -> F + Clone + Send + 'static,
    F: Future<Output = Check> + Send,
{
    let mut tasks = JoinSet::new();
    for lane in (0..count).take(AT_ONCE) {
        let (store, write) = (store.clone(), write.clone());
        tasks.spawn(async move {
            for n in (lane..count).step_by(AT_ONCE) {
                write(store.clone(), n).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// Fails unless `listed` holds exactly the rows in `expected`, each once.
fn exactly<K: Ord + std::fmt::Debug>(listed: Vec<K>, expected: &BTreeSet<K>) -> Check {
    let count = listed.len();
    let listed: BTreeSet<K> = listed.into_iter().collect();
    check(listed.len() == count, || format!("{} rows were listed twice", count - listed.len()))?;
    let missing: Vec<_> = expected.difference(&listed).take(5).collect();
    let foreign: Vec<_> = listed.difference(expected).take(5).collect();
    check(missing.is_empty() && foreign.is_empty(), || {
        format!("{count} of {} listed; missing {missing:?}, foreign {foreign:?}", expected.len())
    })
}

/// A strong listing by one client shows every write and every deletion that another client has seen
/// acknowledged. The planner treats a lease as missing, and a session as gone, if a strong listing
/// lacks it.
pub(super) async fn listings_see_every_acknowledged_write(bench: Bench) -> Check {
    let (writer, reader) = (bench.store().await?, bench.store().await?);
    for n in 0..20 {
        let id = session_id(&format!("worker-{n}"), 1)?;
        made(writer.register(session(id.clone())?).await?.value)?;
        let ids: Vec<_> = ids_of(reader.as_ref()).await?;
        check(ids.contains(&id), || format!("{id} was registered and is not listed: {ids:?}"))?;
        let lease = lease(lease_key(n)?)?;
        made(writer.create(lease.clone()).await?)?;
        let leases = reader.all_leases().await?;
        check(leases.contains(&lease), || format!("{} was created and is not listed", lease.key))?;
        let put = new_doc(&format!("doc-{n}"), b"body")?;
        let doc = made(writer.put_doc(put).await?)?;
        let docs = reader.all_docs().await?;
        check(docs.contains(&doc), || format!("doc-{n} was written and is not listed"))?;
        // Deletes the rows again. The next listing must not show them.
        made(writer.end_session(EndSession::new(id.clone(), Ending::Leave)).await?)?;
        made(writer.forget(Forget::new(id.clone())).await?)?;
        made(writer.delete(Delete::of_gone_stream(lease.key.clone(), lease.epoch)).await?)?;
        made(writer.delete_doc(DeleteDoc::new(doc_name(&format!("doc-{n}"))?, 1)).await?)?;
        let ids = ids_of(reader.as_ref()).await?;
        check(ids.is_empty(), || format!("{ids:?} were forgotten and are listed"))?;
        let left = (reader.all_leases().await?.len(), reader.all_docs().await?.len());
        same("the leases and documents listed after their deletion", &left, &(0, 0))?;
    }
    Ok(())
}

/// The ids of all sessions, by a strong listing.
async fn ids_of(store: &dyn LeaseStore) -> StoreResult<Vec<crate::lease::SessionId>> {
    let sessions = store.all_sessions(Consistency::Strong).await?;
    Ok(sessions.into_iter().map(|session| session.id).collect())
}

/// An eventual read may be late, but shows the row after some time. Workers use eventual reads
/// where an old row does no harm, because they cost less.
pub(super) async fn an_eventual_read_sees_a_write_in_the_end(bench: Bench) -> Check {
    const TRIES: usize = 10_000;
    let (writer, reader) = (bench.store().await?, bench.store().await?);
    let id = session_id("worker", 1)?;
    let row = made(writer.register(session(id.clone())?).await?.value)?;
    for _ in 0..TRIES {
        let seen = reader.session(&id, Consistency::Eventual).await?;
        let listed = reader.all_sessions(Consistency::Eventual).await?;
        if seen.as_ref() == Some(&row) && listed.first() == Some(&row) {
            return Ok(());
        }
    }
    Err(Failure::new(format!("{TRIES} eventual reads did not see {row:?}")))
}

/// DynamoDB, for example, ends a page at 1 MB. A lease that is not listed would be run by no
/// worker.
pub(super) async fn leases_are_listed_past_a_page_and_a_megabyte(bench: Bench) -> Check {
    let store = bench.store().await?;
    fill(&store, MANY, |store, n| async move {
        let owner = session_id("a-worker-with-a-name-of-some-length", u128::from(n))?;
        made(store.create(full_lease(lease_key(n)?, owner)?).await?)?;
        Ok(())
    })
    .await?;
    let listed = store.all_leases().await?;
    // Compares some of the listed rows with single reads.
    for lease in listed.iter().step_by(97) {
        let read = store.lease(&lease.key).await?;
        same(format_args!("{} as read and as listed", lease.key), &read.as_ref(), &Some(lease))?;
    }
    let keys = (0..MANY).map(lease_key).collect::<Result<_, _>>()?;
    exactly(listed.into_iter().map(|lease| lease.key).collect(), &keys)
}

/// An eventual listing may lack rows, but lists none that does not exist. A session that a strong
/// listing lacks counts as ended.
pub(super) async fn sessions_are_listed_past_a_page(bench: Bench) -> Check {
    let id = |n: u64| session_id(&format!("worker-{n}"), u128::from(n));
    let store = bench.store().await?;
    fill(&store, MANY, move |store, n| async move {
        made(store.register(session(id(n)?)?).await?.value)?;
        Ok(())
    })
    .await?;
    for consistency in [Consistency::Strong, Consistency::Eventual] {
        let listed = store.all_sessions(consistency).await?;
        let expected = (0..MANY).map(id).collect::<Result<_, _>>()?;
        if consistency == Consistency::Strong {
            exactly(listed.into_iter().map(|session| session.id).collect(), &expected)?;
        } else {
            check(listed.len() as u64 <= MANY, || format!("{} sessions", listed.len()))?;
        }
    }
    Ok(())
}

/// Bodies come back whole in a listing. A body that is cut could not be decoded.
pub(super) async fn documents_are_listed_past_a_megabyte(bench: Bench) -> Check {
    const LARGE: u64 = 8;
    let store = bench.store().await?;
    fill(&store, LARGE, |store, n| async move {
        let body = Bytes::from(vec![b'a' + u8::try_from(n % 26)?; Document::MAX_BODY]);
        made(store.put_doc(PutDoc::new(doc_name(&format!("large-{n}"))?, None, body)).await?)?;
        Ok(())
    })
    .await?;
    fill(&store, 200, |store, n| async move {
        made(store.put_doc(new_doc(&format!("small-{n}"), b"{}")?).await?)?;
        Ok(())
    })
    .await?;
    let listed = store.all_docs().await?;
    for doc in listed.iter().filter(|doc| doc.name.as_str().starts_with("large")) {
        let whole = doc.body.len() == Document::MAX_BODY
            && doc.body.windows(2).all(|pair| pair[0] == pair[1]);
        check(whole, || format!("{} was listed with {} bytes", doc.name, doc.body.len()))?;
    }
    let large = (0..LARGE).map(|n| doc_name(&format!("large-{n}")));
    let small = (0..200).map(|n| doc_name(&format!("small-{n}")));
    let expected: BTreeSet<DocName> = large.chain(small).collect::<Result<_, _>>()?;
    exactly(listed.into_iter().map(|doc| doc.name).collect(), &expected)
}

/// Deletes and creates rows between the pages. Finds a cursor that counts rows instead of naming
/// the last key. Rows are created and deleted at any time, so a listing is never alone.
pub(super) async fn a_listing_holds_what_stays_while_rows_come_and_go(bench: Bench) -> Check {
    // More than a megabyte, and more than a thousand rows.
    const ROWS: u64 = 1_600;
    let fat = |n: u64| full_lease(lease_key(n)?, session_id(&"w".repeat(WorkerId::MAX_LENGTH), 1)?);
    let store = bench.store().await?;
    fill(&store, ROWS, move |store, n| async move {
        made(store.create(fat(n)?).await?)?;
        Ok(())
    })
    .await?;
    // Rows with even numbers stay; rows with odd numbers are deleted between pages.
    let mut going = (1..ROWS).step_by(2);
    let mut listed: Vec<LeaseKey> = Vec::new();
    let mut from = None;
    loop {
        let page = store.leases(from).await?;
        listed.extend(page.items.into_iter().map(|lease| lease.key));
        for n in going.by_ref().take(200) {
            let gone = fat(n)?;
            made(store.delete(Delete::of_gone_stream(gone.key, gone.epoch)).await?)?;
            made(store.create(lease(lease_key(ROWS + n)?)?).await?)?;
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let stayed = (0..ROWS).step_by(2).map(lease_key).collect::<Result<BTreeSet<_>, _>>()?;
    listed.retain(|key| stayed.contains(key));
    exactly(listed, &stayed)
}
