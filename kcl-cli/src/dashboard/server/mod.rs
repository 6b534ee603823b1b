//! HTTP: connections within limits, requests that may be answered, and their answers.
//!
//! | part | its question |
//! |---|---|
//! | `serve` | who is connected? |
//! | `guard` | who may ask what? Pure |
//! | `route` | what does a path ask for? Pure |
//! | `answer` | what is it answered? |
//! | `events` | what is told bit by bit? |
//! | `respond` | which headers does each answer have? |

mod answer;
mod events;
mod guard;
pub(crate) mod respond;
mod route;
mod serve;

pub(crate) use self::{
    guard::{Guard, Token},
    serve::{bind, serve},
};
