mod fleets;
mod progress;
mod screen;
mod unknown;
mod world;
