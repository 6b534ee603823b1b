mod experiment;
mod marks;
mod optimum;
mod properties;
mod small_worlds;
mod weighted;
mod worlds;
