//! Services at providers that people have connected: used, refreshed, ended.
//!
//! | step | where |
//! |---|---|
//! | the tokens are stored, encrypted | [`Connections::save`] |
//! | a call, with what was granted | [`Connections::list`], [`services`] |
//! | a new access token, for all who need it | `refresh` |
//! | the end: revoked there, deleted here | [`disconnect`], `revocation` |

mod calls;
pub mod disconnect;
mod grants;
mod refresh;
mod revocation;
pub mod services;

pub use grants::{Connections, Error, Result};
