//! The comparison: a client that measures and attacks a Latchkey over HTTP.
//!
//! It walks through the doors as a browser does and calls the API as a program
//! does. It imports no other crate of this workspace: whatever it measures or
//! attacks, anybody with curl could.

pub mod agent;

pub use agent::{Agent, Answer, Call};
