//! What the suite needs to know of the store.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    conformance::StoreFactory,
    store::{LeaseStore, StoreResult},
};

use super::store::FileDatabase;

/// Opens stores in one file.
pub(crate) struct Files(pub(crate) Arc<FileDatabase>);

#[async_trait]
impl StoreFactory for Files {
    fn name(&self) -> String {
        "file".into()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        Ok(Arc::new(self.0.store(application)))
    }
}
