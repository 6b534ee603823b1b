mod fleets;
mod progress;
mod screen;
mod told;
mod unknown;
mod world;
