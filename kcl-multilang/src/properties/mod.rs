//! The properties file of the MultiLangDaemon: what stands in it, and what becomes of it here.

mod convert;
mod credentials;
mod grammar;
#[cfg(test)]
mod page;
mod table;

pub use convert::{Converted, Told, Verdict, convert};
pub use grammar::{InvalidProperties, Property, parse};
pub use table::{Does, Row, TABLE};
