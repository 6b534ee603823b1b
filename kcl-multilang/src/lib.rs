//! Record processors in any language: each processor is a child process of a [`kcl_core`] worker.
//! There is one child for each shard. It speaks the protocol of the MultiLangDaemon of the Java KCL
//! on its standard input and output.
//!
//! [`ChildProcessors`] is a processor factory like any other: it works with every stream source and
//! every lease store. It stores no checkpoint by itself: only a child's request stores one.
//!
//! | module | its question |
//! |---|---|
//! | [`protocol`] | which bytes do the worker and the child exchange? |
//! | [`child`] | how does a child process start, live and end? |
//! | [`properties`] | which settings does the daemon's properties file give? |
//! | `processor` | what does the worker ask a child, and when does it give the child up? |
//! | `transcript` | which lines were exchanged, for a report of a bug? |

pub mod child;
mod processor;
pub mod properties;
pub mod protocol;
mod transcript;

pub use processor::{ChildProcessors, Options, StoreTrouble};
pub use transcript::Transcript;
