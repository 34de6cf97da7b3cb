//! The inspector: whatever somebody pasted, taken apart for reading.
//!
//! [`clean()`] finds the token in what was pasted, [`TakenApart::of`] decodes it as
//! far as it goes, and three questions are asked of it, each by itself: is it
//! [well formed](Malformed), is it [signed](signature::check) by a key, and do
//! its claims [hold now](now::judge)? [`explain`] says what its members mean.
//!
//! Nothing here opens a door: that is [`verify`](crate::tokens::verify()), which stops
//! at the first reason to refuse. This one goes on, because a person wants to
//! see all of them. It signs nothing, keeps nothing and asks nobody.

mod base64url;
pub mod clean;
pub mod explain;
pub mod given;
mod json;
pub mod now;
pub mod signature;
mod taken_apart;
#[cfg(test)]
mod tests;
mod visible;

pub use base64url::NotBase64Url;
pub use clean::{Cleaned, Removed, clean};
pub use given::{GivenKey, KeyNotRead};
pub use json::NotAnObject;
pub use now::{Asked, Judgement};
pub use signature::{Against, Signature};
pub use taken_apart::{Malformed, Object, Part, Place, TakenApart};
pub use visible::visible;

/// What one of the three questions was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    On,
    Off,
    /// Nobody asked, or there is nothing to ask it of.
    NotAsked,
}
