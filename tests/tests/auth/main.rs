//! Parts of a sign-in that need no server.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod attempts;
mod discovery;
mod id_token;
mod trace_context;
mod userinfo;
