//! The first block of a PEM (RFC 7468), with or without its line breaks: one
//! that came through an environment variable may have lost them, or carry them
//! as `\n`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Copy, Debug)]
pub struct Pem<'a> {
    pub label: &'a str,
    after: &'a str,
}

impl<'a> Pem<'a> {
    /// `None` where no block begins.
    pub fn find(text: &'a str) -> Option<Self> {
        let (_, after) = text.split_once("-----BEGIN ")?;
        let (label, after) = after.split_once("-----")?;
        Some(Self { label, after })
    }

    /// What is in it; `None` when it is damaged or has no end.
    pub fn der(&self) -> Option<Vec<u8>> {
        let (body, _) = self.after.split_once("-----END ")?;
        let body: String = body.replace("\\n", "").split_whitespace().collect();
        STANDARD.decode(body).ok()
    }
}
