//! Values that nobody can guess.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// 256 bits from the operating system, base64url: 43 characters.
///
/// RFC 6749 §10.10 asks for a chance of guessing of at most 2^-128, better 2^-160.
pub(crate) fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A number that JSON and JavaScript carry exactly: below 2^53.
pub(crate) fn safe_integer() -> Result<u64, getrandom::Error> {
    Ok(getrandom::u64()? >> 11)
}
