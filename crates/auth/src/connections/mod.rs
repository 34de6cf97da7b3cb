//! Access to services at providers that users have connected.
//!
//! | step | where |
//! |---|---|
//! | store the tokens, encrypted | [`Connections::save`] |
//! | call a service | [`Connections::list`], [`services`] |
//! | refresh the access token | `refresh` |
//! | revoke and delete the tokens | [`disconnect`], `revocation` |

mod calls;
pub mod disconnect;
mod grants;
mod refresh;
mod revocation;
pub mod services;

pub use grants::{Connections, Error, Result};
