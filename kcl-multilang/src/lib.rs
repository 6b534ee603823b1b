//! Record processors in any language: each is a child process of a [`kcl_core`] worker, one for
//! each shard, that speaks the protocol of the MultiLangDaemon of the Java KCL on its standard
//! input and output.
//!
//! [`ChildProcessors`] is a processor factory like any other: a worker of whatever stream and lease
//! store runs it.
//!
//! | module | its question |
//! |---|---|
//! | [`protocol`] | which bytes are said and heard? |
//! | [`child`] | how does a child live, and end? |
//! | [`properties`] | what does the daemon's properties file come to here? |
//! | `processor` | what is it asked, and what becomes of its lease? |
//! | `transcript` | what was said, for a report of a bug? |

pub mod child;
mod processor;
pub mod properties;
pub mod protocol;
mod transcript;

pub use processor::{ChildProcessors, Options, StoreTrouble};
pub use transcript::Transcript;
