//! The revocation stopwatch, checked by somebody else's watch.

mod agreement;
mod outside;
mod page;
