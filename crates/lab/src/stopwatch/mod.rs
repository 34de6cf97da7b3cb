//! The revocation stopwatch: revokes a sign-in and sends a copy of its credential until it is
//! refused.

mod credentials;
mod reading;
mod scenarios;
mod timing;

pub(crate) use credentials::calendar_printer;
pub use credentials::{Subject, TimedCredential, introspected};
pub use reading::{
    Poll, PollOutcome, PromiseResult, REFUSALS_TO_CONFIRM, Reading, has_stopped, promise_result,
    reading,
};
pub use scenarios::{CACHED_FOR, Scenario, WATCHED};
pub use timing::{INTERVAL, Progress, Timed, time};
