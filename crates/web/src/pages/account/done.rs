//! Back to the account page, which says at its top what was done.

pub(super) fn done(what: &str) -> String {
    format!("/account?done={what}")
}
