mod cases;
mod histories;
mod world;
