mod fleets;
mod marks;
mod progress;
mod screen;
mod unknown;
mod world;
