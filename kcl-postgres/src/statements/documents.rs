//! The statements of writes on documents.

use kcl_core::lease::{DeleteDoc, PutDoc};

use super::Conditional;
use crate::codec::int;

pub(crate) fn put_doc(put: &PutDoc) -> Conditional {
    const FIRST: &str = "insert into {s}.document (application, name, version, body) \
        values ($1, $2, 1, $3) on conflict do nothing returning {row}";
    const NEXT: &str = "update {s}.document set version = version + 1, body = $3 \
        where application = $1 and name = $2 and version = $4 returning {row}";
    let body = put.body.to_vec();
    match put.seen {
        None => Conditional::new(FIRST, |statement| statement.bind(body)),
        Some(seen) => Conditional::new(NEXT, move |statement| statement.bind(body).bind(int(seen))),
    }
}

pub(crate) fn delete_doc(delete: &DeleteDoc) -> Conditional {
    const SQL: &str = "delete from {s}.document where application = $1 and name = $2 \
        and version = $3 returning {row}";
    let seen = int(delete.seen);
    Conditional::new(SQL, move |statement| statement.bind(seen))
}
