//! What one of the inspector's three questions was answered with.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckResult {
    Pass,
    Fail,
    /// Not asked, or there is nothing to ask it of.
    Skipped,
}
