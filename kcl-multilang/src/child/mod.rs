//! A child process: started in a process group of its own, listened to all the time, ended with its
//! whole group, reaped.

mod alive;
mod executable;
mod listen;
mod place;
mod process;

pub use alive::Children;
pub use executable::{Executable, NotExecutable};
pub(crate) use place::Place;
pub(crate) use process::{Child, Identity};
