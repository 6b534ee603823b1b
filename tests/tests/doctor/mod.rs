//! `kcl doctor` beside real fleets, streams and stores, in health and in trouble.

mod healthy;
mod look;
mod sick;
mod told;
mod unanswered;
