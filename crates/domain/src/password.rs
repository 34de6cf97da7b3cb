//! Which passwords are taken (NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2).
//!
//! A password is whatever a person typed, unchanged: nothing is trimmed, no
//! case is folded, nothing is cut off (V6.2.8). It is not normalised either:
//! NIST would have it (NFKC), the ASVS would not, and a hash that depends on
//! the version of the Unicode tables is one more way to lock somebody out.
//!
//! There are no rules of composition. What is refused is what an attacker tries
//! first: the common ones (`common-passwords.txt`), what is known of the person
//! anyway, and what the hand types by itself.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// The shortest password, in characters (ASVS V6.2.1).
pub const MIN_CHARS: usize = 8;

/// The longest password, in characters; NIST asks for 64 at least.
pub const MAX_CHARS: usize = 256;

/// As much as [`MAX_CHARS`] can take in UTF-8.
pub const MAX_BYTES: usize = 4 * MAX_CHARS;

/// This many characters around a word do not make it harder to guess.
const TRIVIAL_CHARS: usize = 6;

const PRODUCT: &str = "latchkey";

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common-passwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// A password as it was typed. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Passwords can have at most {MAX_CHARS} characters.")]
pub struct PasswordTooLong;

impl Password {
    /// Takes a weak one, too: at sign-in it only has to match. Only one that is too
    /// long is refused, so that no megabyte is hashed.
    pub fn new(typed: impl Into<String>) -> Result<Self, PasswordTooLong> {
        let typed = typed.into();
        if typed.len() > MAX_BYTES { Err(PasswordTooLong) } else { Ok(Self(typed)) }
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

/// Why a new password is not accepted, as a sentence that says what to do.
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
    Run,
}

/// Checks a new password. `context` is what is known of the person: their e-mail
/// address, their name.
pub fn check(text: &str, context: &[&str]) -> Result<(), WeakPassword> {
    // First, because it may be a megabyte.
    if text.len() > MAX_BYTES {
        return Err(WeakPassword::TooLong);
    }
    match text.chars().count() {
        ..MIN_CHARS => return Err(WeakPassword::TooShort),
        MIN_CHARS..=MAX_CHARS => {}
        _ => return Err(WeakPassword::TooLong),
    }
    let lower = text.to_lowercase();
    if repeated(&lower) {
        return Err(WeakPassword::Repeated);
    }
    if run(&lower) {
        return Err(WeakPassword::Run);
    }
    if COMMON.contains(lower.as_str()) {
        return Err(WeakPassword::Common);
    }
    let mut words = context.iter().flat_map(|known| words(known)).chain([PRODUCT.to_owned()]);
    if words.any(|word| hardly_more_than(&lower, &word)) {
        return Err(WeakPassword::Context);
    }
    Ok(())
}

fn repeated(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    chars.all(|c| Some(c) == first)
}

/// Every character follows the one before it, or every one precedes it; 0 comes after 9.
fn run(text: &str) -> bool {
    let pairs = || text.chars().zip(text.chars().skip(1));
    pairs().all(|(a, b)| follows(a, b)) || pairs().all(|(a, b)| follows(b, a))
}

fn follows(a: char, b: char) -> bool {
    (a, b) == ('9', '0') || (a.is_alphanumeric() && u32::from(a) + 1 == u32::from(b))
}

/// The forms in which people type what is known of them: an address whole and its
/// local part; a name whole, without its blanks, and each word of it.
fn words(known: &str) -> Vec<String> {
    let known = known.to_lowercase();
    let mut words: Vec<String> = known
        .split(|c: char| c.is_whitespace() || c == '@')
        .flat_map(|part| [part, part.split('+').next().unwrap_or(part)])
        .map(str::to_owned)
        .collect();
    words.push(known.split_whitespace().collect());
    words.push(known);
    words
}

/// Whether a password is that word with a few digits or signs around it.
fn hardly_more_than(password: &str, word: &str) -> bool {
    let core = |text: &str| text.trim_matches(|c: char| !c.is_alphabetic()).to_owned();
    let (found, known) = (core(password), core(word));
    password == word
        || (!found.is_empty()
            && found == known
            && password.chars().count() <= word.chars().count() + TRIVIAL_CHARS)
}
