//! A child process: how a worker finds the program, starts it, reads its output, and ends it.
//!
//! - [`Executable`] is the program.
//! - `Child` is one running child: the worker writes to it and receives its messages. A dropped
//!   `Child` is killed.
//! - [`Children`] lists the children of a worker that are not reaped yet.
//!
//! Each child has a process group of its own. The group is killed with the child, so that a
//! program which the child started does not survive it. A task reads the child's standard output
//! and standard error all the time, also while the worker waits for something else.

mod alive;
mod executable;
mod listen;
mod place;
mod process;

pub use alive::Children;
pub use executable::{Executable, NotExecutable};
pub(crate) use place::Place;
pub(crate) use process::{Child, Identity};
