mod fleets;
mod progress;
mod unknown;
mod world;
