//! The revocation stopwatch, checked by somebody else's watch.

mod agreement;
mod cost;
mod outside;
mod page;
