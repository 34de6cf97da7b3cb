//! Sign-in through a provider, by OAuth 2.0 or OpenID Connect.
//!
//! The authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636), following RFC 9700.
//! [`flow`] has the steps in order; each of the other modules is one step:
//!
//! | step | where |
//! |---|---|
//! | the provider's metadata | [`discovery`] |
//! | the authorization request | [`flow::authorization_url`] |
//! | the state until the callback | [`attempt`] |
//! | the authorization response | [`response`] |
//! | the token request and response | [`token`] |
//! | the ID token, and the keys that sign it | [`id_token`], [`jwks`] |
//! | the profile | [`userinfo`], [`github`], [`facebook`] |

pub mod attempt;
pub(crate) mod dialect;
pub mod discovery;
pub(crate) mod error;
pub mod facebook;
pub mod flow;
pub mod github;
pub mod id_token;
pub mod jwks;
pub mod provider;
pub mod response;
pub mod token;
pub mod userinfo;

pub use attempt::{Attempt, Purpose};
pub use error::{Error, Step};
pub use provider::{Kind, OpenId, Provider};
