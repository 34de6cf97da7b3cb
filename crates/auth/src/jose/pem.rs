//! The first block of a PEM (RFC 7468). Line breaks may be missing or written as `\n`, as happens
//! in environment variables.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Copy, Debug)]
pub struct Pem<'a> {
    pub label: &'a str,
    after: &'a str,
}

impl<'a> Pem<'a> {
    pub fn find(text: &'a str) -> Option<Self> {
        let (_, after) = text.split_once("-----BEGIN ")?;
        let (label, after) = after.split_once("-----")?;
        Some(Self { label, after })
    }

    /// `None` if the block is damaged or has no end.
    pub fn der(&self) -> Option<Vec<u8>> {
        let (body, _) = self.after.split_once("-----END ")?;
        let body: String = body.replace("\\n", "").split_whitespace().collect();
        STANDARD.decode(body).ok()
    }
}
