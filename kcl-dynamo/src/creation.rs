//! How a table is created.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput,
        ScalarAttributeType, Tag,
    },
};

use crate::layout::{PK, SK};

/// How a table that has to be created is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Billing {
    /// By the request.
    #[default]
    OnDemand,
    /// By units a second, used or not.
    Provisioned {
        /// Read units a second.
        read: u32,
        /// Write units a second.
        write: u32,
    },
}

/// What a table is to be like, if it has to be created.
#[derive(Clone, Debug, Default)]
pub(crate) struct Creation {
    pub(crate) billing: Billing,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) point_in_time_recovery: bool,
    pub(crate) deletion_protection: bool,
}

impl Creation {
    /// The request that creates it.
    pub(crate) fn apply(
        &self,
        mut request: CreateTableFluentBuilder,
    ) -> Result<CreateTableFluentBuilder, BuildError> {
        for (name, part) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()?;
            let key = KeySchemaElement::builder().attribute_name(name).key_type(part).build()?;
            request = request.attribute_definitions(attribute).key_schema(key);
        }
        for (key, value) in &self.tags {
            request = request.tags(Tag::builder().key(key).value(value).build()?);
        }
        if self.deletion_protection {
            request = request.deletion_protection_enabled(true);
        }
        Ok(match self.billing {
            Billing::OnDemand => request.billing_mode(BillingMode::PayPerRequest),
            Billing::Provisioned { read, write } => {
                let units = ProvisionedThroughput::builder()
                    .read_capacity_units(read.into())
                    .write_capacity_units(write.into())
                    .build()?;
                request.billing_mode(BillingMode::Provisioned).provisioned_throughput(units)
            }
        })
    }
}
