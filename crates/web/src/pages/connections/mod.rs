//! Services at providers that a person lets Latchkey use for them: connect, use,
//! disconnect. Apps that may use Latchkey for them are on the same page.

mod act;
mod show;
mod words;

pub(crate) use act::{complete, connect, disconnect};
pub(crate) use show::{index, service};
