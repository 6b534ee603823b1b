//! Sends requests for the rows of one application in one table.

use std::sync::Mutex;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::SdkError,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
    types::{
        AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
        error::ConditionalCheckFailedException,
    },
};
use kcl_core::{
    lease::Generation,
    store::{
        Consistency, Cursor, Page, StoreErrorKind, StoreResult, Write,
        codec::{BadRow, Row},
    },
};

use crate::{
    change::Change,
    codec::{decode, encode},
    connection::Connection,
    error::{Call, Effect, ServiceFault},
    layout::{Item, PK, SK, partition},
    send_probe::SendProbe,
};

/// The rows of one application in a table.
#[derive(Debug)]
pub(crate) struct Table {
    /// The application's name: a part of the partition key of every row.
    pub(crate) application: String,
    /// The name of the table.
    pub(crate) name: String,
    /// The endpoint or region, for messages.
    pub(crate) place: String,
    pub(crate) connection: Connection,
    /// The life of the table, as it was last read; the store's generation.
    pub(crate) life: Mutex<Generation>,
}

/// The server's answer to a conditional write.
enum Answer {
    /// The write was applied. Holds the item, if the request asked for it.
    Done(Option<Item>),
    /// The condition did not hold. Holds the item at that moment, if the server returned it.
    Refused(Option<Item>),
}

/// Sends a request with the conditions of a change. If the conditions do not hold, the answer has
/// the item as it is. A macro, because the request builders of the SDK have no common trait.
macro_rules! send {
    ($request:expr, $change:expr, $probe:expr) => {{
        let mut request = $request
            .condition_expression($change.condition())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        for (placeholder, value) in $change.values {
            request = request.expression_attribute_values(placeholder, value);
        }
        request.customize().interceptor($probe).send().await
    }};
}

impl Table {
    /// Writes a whole row, under the conditions of `change`. Replaces the item, with all attributes
    /// that it had.
    pub(crate) async fn put<R: Row>(
        &self,
        op: &'static str,
        row: R,
        change: Change,
    ) -> StoreResult<Write<R>> {
        let key = R::key_text(row.key());
        let call = self.call(op, &key, Effect::Writes);
        let mut item = encode(&row);
        item.extend(self.key_of::<R>(&key));
        let client = self.connection.client().await;
        let request = client.put_item().table_name(&self.name).set_item(Some(item));
        let sent = send!(request, change, call.probe.clone());
        match answer(&call, sent.map(|_| None))? {
            Answer::Done(_) => Ok(Write::Done(row)),
            Answer::Refused(item) => self.refused(&call, item).await,
        }
    }

    /// Changes an existing row, under the conditions of `change`. Attributes that the change does
    /// not name stay as they are.
    pub(crate) async fn update<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        change: Change,
    ) -> StoreResult<Write<R>> {
        let key = R::key_text(key);
        let call = self.call(op, &key, Effect::Writes);
        let client = self.connection.client().await;
        let request = client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(self.key_of::<R>(&key)))
            .update_expression(change.update())
            .return_values(ReturnValue::AllNew);
        let sent = send!(request, change, call.probe.clone());
        self.settle(&call, sent.map(|output| output.attributes)).await
    }

    /// Deletes a row, under the conditions of `change`.
    pub(crate) async fn remove<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        change: Change,
    ) -> StoreResult<Write<R>> {
        let key = R::key_text(key);
        let call = self.call(op, &key, Effect::Writes);
        let client = self.connection.client().await;
        let request = client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(self.key_of::<R>(&key)))
            .return_values(ReturnValue::AllOld);
        let sent = send!(request, change, call.probe.clone());
        self.settle(&call, sent.map(|output| output.attributes)).await
    }

    /// Reads a row.
    pub(crate) async fn get<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        consistency: Consistency,
    ) -> StoreResult<Option<R>> {
        let key = R::key_text(key);
        self.look(&self.call(op, &key, Effect::Reads), consistency).await
    }

    /// Reads the row of a call.
    async fn look<R: Row>(
        &self,
        call: &Call<'_>,
        consistency: Consistency,
    ) -> StoreResult<Option<R>> {
        let client = self.connection.client().await;
        let sent = client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(self.key_of::<R>(call.row)))
            .consistent_read(consistency == Consistency::Strong)
            .customize()
            .interceptor(call.probe.clone())
            .send()
            .await;
        let output = sent.map_err(|error| call.failed(&error))?;
        output.item.map(|item| read(call, &item)).transpose()
    }

    /// Lists rows of one kind: one page, which DynamoDB ends at 1 MB. The partition of a kind holds
    /// the rows of this application only, in the order of their keys.
    pub(crate) async fn query<R: Row>(
        &self,
        op: &'static str,
        from: Option<Cursor>,
        consistency: Consistency,
    ) -> StoreResult<Page<R>> {
        let call = self.call(op, "", Effect::Reads);
        let partition = AttributeValue::S(partition(R::KIND, &self.application));
        let client = self.connection.client().await;
        let sent = client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk=:pk")
            .expression_attribute_values(":pk", partition)
            .set_exclusive_start_key(from.map(|cursor| self.key_of::<R>(&cursor.0)))
            .consistent_read(consistency == Consistency::Strong)
            .customize()
            .interceptor(call.probe.clone())
            .send()
            .await;
        let output = sent.map_err(|error| call.failed(&error))?;
        let items = output.items.unwrap_or_default();
        let next = output.last_evaluated_key.map(|key| cursor_at(&call, &key)).transpose()?;
        Ok(Page::read(items.iter().map(decode), next))
    }

    /// The two key attributes of a row of this application.
    fn key_of<R: Row>(&self, key: &str) -> Item {
        let partition = partition(R::KIND, &self.application);
        [(PK, partition), (SK, key.to_owned())]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
            .into()
    }

    /// Describes a call for its errors, with a new probe.
    pub(crate) fn call<'a>(&'a self, op: &'static str, row: &'a str, effect: Effect) -> Call<'a> {
        let (table, place, probe) = (&*self.name, &*self.place, SendProbe::default());
        Call { op, table, place, row, effect, probe }
    }

    /// The result of a write whose request asked for the row. If the write was applied but the
    /// answer has no row, its outcome is unknown.
    async fn settle<R: Row, E: MayRefuse>(
        &self,
        call: &Call<'_>,
        sent: Result<Option<Item>, SdkError<E, HttpResponse>>,
    ) -> StoreResult<Write<R>> {
        match answer(call, sent)? {
            Answer::Done(Some(item)) => read(call, &item).map(Write::Done),
            Answer::Done(None) => {
                let why = "the server did a write and did not answer its row".to_owned();
                Err(call.error(StoreErrorKind::Unknown, why))
            }
            Answer::Refused(item) => self.refused(call, item).await,
        }
    }

    /// The result of a refused write. Without an item in the answer, the row is read: some servers
    /// return no item, and a missing item looks the same. If that read fails, its error is that of
    /// a read: the write was certainly not applied.
    async fn refused<R: Row>(&self, call: &Call<'_>, item: Option<Item>) -> StoreResult<Write<R>> {
        let row = match item {
            Some(item) => Some(read(call, &item)?),
            None => {
                let read = self.call(call.op, call.row, Effect::Reads);
                self.look(&read, Consistency::Strong).await?
            }
        };
        Ok(Write::Refused(row))
    }
}

/// Decodes an item. A bad item is an error about this call.
fn read<R: Row>(call: &Call<'_>, item: &Item) -> StoreResult<R> {
    decode(item).map_err(|bad: BadRow| call.error(StoreErrorKind::Corrupt, bad.to_string()))
}

/// Distinguishes a refusal from a failure.
fn answer<E: MayRefuse>(
    call: &Call<'_>,
    sent: Result<Option<Item>, SdkError<E, HttpResponse>>,
) -> StoreResult<Answer> {
    match sent {
        Ok(item) => Ok(Answer::Done(item)),
        Err(error) => match error.as_service_error().and_then(MayRefuse::refusal) {
            Some(refusal) => Ok(Answer::Refused(refusal.item().cloned())),
            None => Err(call.failed(&error)),
        },
    }
}

/// The cursor for the page after this key. A key without a sort key is an error, because a wrong
/// cursor could skip rows.
fn cursor_at(call: &Call<'_>, key: &Item) -> StoreResult<Cursor> {
    match key.get(SK) {
        Some(AttributeValue::S(key)) => Ok(Cursor(key.clone())),
        _ => {
            let why = "a page ends with a key that is none".to_owned();
            Err(call.error(StoreErrorKind::Corrupt, why))
        }
    }
}

/// The error of an operation with a condition.
trait MayRefuse: ServiceFault {
    /// The refusal, if the condition did not hold; `None` for any other error.
    fn refusal(&self) -> Option<&ConditionalCheckFailedException>;
}

macro_rules! may_refuse {
    ($($error:ident),*) => {
        $(impl MayRefuse for $error {
            fn refusal(&self) -> Option<&ConditionalCheckFailedException> {
                if let Self::ConditionalCheckFailedException(refusal) = self {
                    Some(refusal)
                } else {
                    None
                }
            }
        })*
    };
}

may_refuse!(PutItemError, UpdateItemError, DeleteItemError);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kcl_core::store::{LeaseStore, LeaseStoreExt};

    use super::*;
    use crate::{
        DynamoStore,
        fake::{FakeServer, Reply},
    };

    #[tokio::test]
    async fn a_page_that_says_that_there_are_more_without_a_key_is_an_error() {
        for body in [
            r#"{"Items":[],"LastEvaluatedKey":{}}"#,
            r#"{"Items":[],"LastEvaluatedKey":{"pk":{"S":"L/orders"}}}"#,
        ] {
            let server = FakeServer::start(move |_| Reply::Body(body)).await;
            let store = DynamoStore::builder("orders").client_config(server.config());
            let listed = store.build().unwrap().leases(None).await;
            assert_eq!(listed.unwrap_err().kind, StoreErrorKind::Corrupt, "{body}");
        }
    }

    #[tokio::test]
    async fn an_empty_page_with_a_key_is_not_the_last() {
        const MORE: &str =
            r#"{"Items":[],"LastEvaluatedKey":{"pk":{"S":"L/orders"},"sk":{"S":"@planner"}}}"#;
        let asked = AtomicUsize::new(0);
        let server = FakeServer::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::Body(MORE),
            _ => Reply::Body(r#"{"Items":[]}"#),
        })
        .await;
        let store = DynamoStore::builder("orders").client_config(server.config()).build().unwrap();
        assert!(store.all_leases().await.unwrap().is_empty());
        assert_eq!(server.asked(), ["Query", "Query"]);
    }
}
