//! Password rules (NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2).
//!
//! A password is used as typed: not trimmed, not case-folded, not truncated (V6.2.8).
//! It is not normalized either: NIST recommends NFKC, the ASVS does not, and a hash that
//! depends on the version of the Unicode tables can lock users out.
//!
//! There are no composition rules. We reject what attackers try first: common passwords
//! (`common-passwords.txt`), personal data, and repeated or sequential characters.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// In characters (ASVS V6.2.1).
pub const MIN_CHARS: usize = 8;

/// In characters; NIST requires at least 64.
pub const MAX_CHARS: usize = 256;

/// [`MAX_CHARS`] in UTF-8.
pub const MAX_BYTES: usize = 4 * MAX_CHARS;

/// This many characters around a word do not make it hard to guess.
const TRIVIAL_CHARS: usize = 6;

const PRODUCT: &str = "latchkey";

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common-passwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// A password as typed, redacted in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Passwords can have at most {MAX_CHARS} characters.")]
pub struct PasswordTooLong;

impl Password {
    /// Accepts weak passwords, which only have to match at sign-in; rejects long ones,
    /// to bound the cost of hashing.
    pub fn new(password: impl Into<String>) -> Result<Self, PasswordTooLong> {
        let password = password.into();
        if password.len() > MAX_BYTES { Err(PasswordTooLong) } else { Ok(Self(password)) }
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

/// Why a new password is rejected, worded as advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error("Use at least {MIN_CHARS} characters. A few words in a row are easy to remember.")]
    TooShort,
    #[error("Use at most {MAX_CHARS} characters.")]
    TooLong,
    #[error("This password is too common. Choose one of your own.")]
    Common,
    #[error("Don’t use your name, your e-mail address or the name of this site.")]
    Context,
    #[error("Use more than one character. A few words in a row are easy to remember.")]
    Repeated,
    #[error("Don’t use letters or digits in sequence. Mix them, or use a few words.")]
    Sequence,
}

/// Checks a new password. `context` is personal data: the e-mail address and the name.
pub fn check(text: &str, context: &[&str]) -> Result<(), WeakPassword> {
    // Checked first, because it may be megabytes.
    if text.len() > MAX_BYTES {
        return Err(WeakPassword::TooLong);
    }
    match text.chars().count() {
        ..MIN_CHARS => return Err(WeakPassword::TooShort),
        MIN_CHARS..=MAX_CHARS => {}
        _ => return Err(WeakPassword::TooLong),
    }
    let lower = text.to_lowercase();
    if is_repeated(&lower) {
        return Err(WeakPassword::Repeated);
    }
    if is_sequence(&lower) {
        return Err(WeakPassword::Sequence);
    }
    if COMMON.contains(lower.as_str()) {
        return Err(WeakPassword::Common);
    }
    let mut words = context.iter().flat_map(|text| words(text)).chain([PRODUCT.to_owned()]);
    if words.any(|word| is_trivial_variant(&lower, &word)) {
        return Err(WeakPassword::Context);
    }
    Ok(())
}

fn is_repeated(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    chars.all(|c| Some(c) == first)
}

/// Ascending or descending throughout; 0 comes after 9.
fn is_sequence(text: &str) -> bool {
    let pairs = || text.chars().zip(text.chars().skip(1));
    pairs().all(|(a, b)| follows(a, b)) || pairs().all(|(a, b)| follows(b, a))
}

fn follows(a: char, b: char) -> bool {
    (a, b) == ('9', '0') || (a.is_alphanumeric() && u32::from(a) + 1 == u32::from(b))
}

/// The forms in which people type personal data: an address, its domain and its local part
/// with and without the tag; a name with and without spaces, and each word of it.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let mut words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == '@')
        .flat_map(|part| [part, part.split('+').next().unwrap_or(part)])
        .map(str::to_owned)
        .collect();
    words.push(text.split_whitespace().collect());
    words.push(text);
    words
}

/// Whether the password is the word, once or repeated, with a few digits or symbols around it.
fn is_trivial_variant(password: &str, word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_alphabetic());
    if core.is_empty() || !password.contains(core) {
        return password == word;
    }
    let rest = password.replace(core, "");
    let allowed = word.chars().count() - core.chars().count() + TRIVIAL_CHARS;
    rest.chars().count() <= allowed && !rest.contains(char::is_alphabetic)
}
