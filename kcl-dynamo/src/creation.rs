//! The request that creates the table.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput,
        ScalarAttributeType, Tag,
    },
};

use crate::layout::{PK, SK};

/// The billing mode of a table that the store creates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Billing {
    /// Each request is paid for.
    #[default]
    OnDemand,
    /// Units per second are paid for, used or not. Each number is at least 1.
    Provisioned {
        /// Read units per second.
        read: u32,
        /// Write units per second.
        write: u32,
    },
}

/// The properties of a table that the store creates. An existing table keeps its own; only
/// point-in-time recovery is turned on for an existing table as well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Creation {
    pub(crate) billing: Billing,
    /// Names and values of the table's tags.
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) point_in_time_recovery: bool,
    pub(crate) deletion_protection: bool,
}

impl Creation {
    /// Completes the request that creates the table: keys, tags, protection and billing.
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
