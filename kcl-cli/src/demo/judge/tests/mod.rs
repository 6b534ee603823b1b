mod deliveries;
mod fleets;
mod world;
