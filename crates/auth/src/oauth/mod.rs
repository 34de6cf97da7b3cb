//! The first door: a person proves who they are at a provider.
//!
//! The authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636), as
//! RFC 9700 wants it done today. [`flow`] reads top to bottom like the
//! standard's steps; the files beside it are one step each:
//!
//! | step | where |
//! |---|---|
//! | what the provider says of itself | [`discovery`] |
//! | the authorization request | [`flow::authorization_url`] |
//! | what we remember meanwhile | [`attempt`] |
//! | the authorization response | [`response`] |
//! | the token request and response | [`token`] |
//! | the ID token, and the keys that sign it | [`id_token`], [`jwks`] |
//! | the API call: who is it? | [`userinfo`], [`github`], [`facebook`] |

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
