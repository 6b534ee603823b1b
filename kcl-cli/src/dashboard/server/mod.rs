//! The HTTP server of the dashboard: HTTP/1.1 without TLS, within limits.
//!
//! A request passes `serve`, `route`, `guard` and `answer` in this order. Nothing of an application
//! is computed or looked up before the guard has let the request pass.
//!
//! | part | its question |
//! |---|---|
//! | `serve` | how many connections, how large a request? |
//! | `guard` | who may ask what? Pure |
//! | `route` | what does a path ask for? Pure |
//! | `answer` | what is the answer? |
//! | `events` | what changes while a page watches? |
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
