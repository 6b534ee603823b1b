//! Tests of the judges on readings made by hand: `world` makes them.

mod fleets;
mod marks;
mod progress;
mod screen;
mod told;
mod unknown;
pub(crate) mod world;
