//! Tests of the judge of the demo, on histories made by hand: `world` makes those with records.

mod deliveries;
mod fleets;
mod world;
