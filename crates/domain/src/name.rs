//! Display names, safe to show anywhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Longer names are cut: they go into JWTs.
const MAX_CHARS: usize = 120;

/// A user's name: never empty, bounded, and free of control characters.
///
/// Providers and people send NUL bytes (which PostgreSQL rejects in text), megabytes, and
/// characters that reverse the text direction of the rest of the page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct DisplayName(String);

impl DisplayName {
    /// Sanitizes untrusted text; `None` when nothing displayable is left.
    pub fn clean(text: &str) -> Option<Self> {
        let mut name = String::new();
        let mut length = 0;
        for word in text.split_whitespace() {
            let mut blank = !name.is_empty();
            for c in word.chars().filter(|c| is_displayable(*c)) {
                if length + usize::from(blank) >= MAX_CHARS {
                    return Some(Self(name));
                }
                if std::mem::take(&mut blank) {
                    name.push(' ');
                    length += 1;
                }
                name.push(c);
                length += 1;
            }
        }
        (!name.is_empty()).then_some(Self(name))
    }

    /// The first displayable candidate, else "Someone".
    pub fn first_of<'a>(candidates: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        candidates
            .into_iter()
            .flatten()
            .find_map(Self::clean)
            .unwrap_or_else(|| Self("Someone".to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One or two initials.
    pub fn initials(&self) -> String {
        let mut words = self.0.split(' ').filter_map(|word| word.chars().next());
        let first = words.next();
        let last = words.next_back();
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }
}

/// Not control and formatting characters, except the zero-width joiner, which emoji and
/// some scripts need.
fn is_displayable(c: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse, Surrogate, Unassigned};
    c.is_ascii_graphic()
        || c == '\u{200d}'
        || !matches!(c.general_category(), Control | Format | PrivateUse | Surrogate | Unassigned)
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for DisplayName {
    fn from(text: String) -> Self {
        Self::first_of([Some(text.as_str())])
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}
