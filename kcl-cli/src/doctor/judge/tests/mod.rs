mod fleets;
mod progress;
mod screen;
mod unknown;
pub(crate) mod world;
