//! The lease store in memory.

mod clock;
mod memory;
mod rows;
mod server;
mod wakeups;

pub use memory::MemoryStore;
pub use server::MemoryServer;

#[cfg(test)]
mod tests;
