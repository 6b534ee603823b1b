mod fleets;
mod marks;
mod progress;
mod screen;
mod told;
mod unknown;
pub(crate) mod world;
