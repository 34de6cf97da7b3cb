use crate::settings::{Problems, Settings};

/// The settings as far as they can be read, and what is wrong with the others.
pub(super) struct Context<'a> {
    pub(super) settings: &'a Settings,
    pub(super) problems: &'a Problems,
}

impl Context<'_> {
    /// Whether these variables are valid. The default that replaces an invalid
    /// one would lead to findings about something that nobody configured.
    pub(super) fn valid(&self, variables: &[&str]) -> bool {
        !self.problems.concern(variables)
    }
}
