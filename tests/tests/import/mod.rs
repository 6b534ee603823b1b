//! Leases of other libraries' tables: imported and exported by real processes, on real servers.

mod back;
mod beside;
mod broken;
mod odd;
mod over;
mod speed;
mod stage;
