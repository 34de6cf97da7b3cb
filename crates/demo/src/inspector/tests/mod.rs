//! The inspector on everything that people paste.

mod cleaning;
mod judging;
mod parts;
mod pasted_keys;
mod signatures;

use latchkey_auth::jose::base64url;
use latchkey_domain::Timestamp;
use serde_json::{Value, json};

use super::claims::{self, CheckResult, ClaimCheck, Expected};
use super::clean::{Cleaned, Removed, clean};
use super::decode::{DecodedToken, Malformed, Place};
use super::explain;
use super::keys::{self, KeyError, PastedKey};
use super::salvage::{NotAnObject, NotBase64Url};
use super::signature::{self, Against, Signature};

const NOW: Timestamp = Timestamp::from_millis(1_795_450_320_123);

fn part(bytes: impl AsRef<[u8]>) -> String {
    base64url::encode(bytes)
}

/// A token of these texts, with a signature of so many zeros.
fn unsigned(header: &str, claims: &str, signature: usize) -> String {
    format!("{}.{}.{}", part(header), part(claims), part(vec![0; signature]))
}
