//! The suites against stores and sources with planted bugs: each must be found, by the cases that
//! name it.

mod sources;
mod stores;
