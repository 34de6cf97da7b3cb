//! The inspector on everything that people paste.

mod cleaning;
mod judging;
mod keys;
mod parts;
mod signatures;

use serde_json::{Value, json};

use super::*;
use crate::tokens::tests::{NOW, part};

/// A token of these texts, with a signature of so many zeros.
fn unsigned(header: &str, claims: &str, signature: usize) -> String {
    format!("{}.{}.{}", part(header), part(claims), part(vec![0; signature]))
}
