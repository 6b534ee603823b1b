//! Turns the properties file of the MultiLangDaemon into settings of this library.
//!
//! [`parse`] reads the file by Java's grammar, and [`convert`] looks each property up in [`TABLE`]:
//! it is mapped to a setting, accepted without an effect, or refused with a reason. Nothing is
//! dropped in silence: [`Converted::told`] has one entry for each property.

mod convert;
mod credentials;
mod grammar;
#[cfg(test)]
mod page;
mod table;

pub use convert::{Converted, Told, Verdict, convert};
pub use grammar::{InvalidProperties, Property, parse};
pub use table::{Does, Row, TABLE};
