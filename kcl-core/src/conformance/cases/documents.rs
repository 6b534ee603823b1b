//! The writes of a document: put and delete.

use bytes::Bytes;

use crate::{
    conformance::{
        bench::Bench,
        failure::Check,
        samples::{doc_name, new_doc},
    },
    lease::{DeleteDoc, PutDoc},
};

/// A write names the version that it replaces, `None` for a new document, and is refused at any
/// other. So of two writers that read the same version, one is refused and reads again.
pub(super) async fn a_document_counts_its_versions(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let name = doc_name("placement")?;
    let write =
        |seen, body: &'static [u8]| PutDoc::new(name.clone(), seen, Bytes::from_static(body));
    // The document does not exist, so no version is right.
    script.refused(write(Some(0), b"zero")).await?;
    script.refused(write(Some(1), b"one")).await?;
    script.done(write(None, b"first")).await?;
    // It has version 1, so it is not new, and versions 0 and 2 are wrong.
    script.refused(write(None, b"again")).await?;
    script.refused(write(Some(0), b"stale")).await?;
    script.refused(write(Some(2), b"ahead")).await?;
    script.done(write(Some(1), b"second, longer")).await?;
    script.refused(write(Some(1), b"second, doubled")).await?;
    script.done(write(Some(2), b"third")).await
}

/// A deletion names the version that it saw. A document that is written again after it starts at
/// version 1. A document that was written since the read is kept.
pub(super) async fn a_document_is_deleted_at_the_version_seen(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let name = doc_name("assignment:worker")?;
    script.refused(DeleteDoc::new(name.clone(), 1)).await?;
    script.done(new_doc("assignment:worker", b"{}")?).await?;
    // A document whose name begins with the name of the first, which must stay.
    script.done(new_doc("assignment:worker-2", b"{}")?).await?;
    script.refused(DeleteDoc::new(name.clone(), 0)).await?;
    script.refused(DeleteDoc::new(name.clone(), 2)).await?;
    script.done(DeleteDoc::new(name.clone(), 1)).await?;
    script.refused(DeleteDoc::new(name, 1)).await?;
    script.done(new_doc("assignment:worker", b"[]")?).await
}

/// Empty bodies, zero bytes and bytes that are no UTF-8 come back as they were written. The store
/// must not interpret the body.
pub(super) async fn a_document_holds_any_bytes(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let bodies = [Bytes::new(), Bytes::from(every), Bytes::from_static(b"\0"), Bytes::new()];
    let name = doc_name("any")?;
    for (version, body) in (0..).zip(bodies) {
        let seen = (version > 0).then_some(version);
        script.done(PutDoc::new(name.clone(), seen, body)).await?;
    }
    Ok(())
}
