//! The comments that the guest book of the drill does not escape.
//!
//! It is a hole, and nobody can put anything through it: a comment is chosen
//! from this list, and the page's policy names the very text of its script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The script in a comment of Mallory's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comment(&'static str);

const STEAL: Comment = Comment(include_str!("../../../../static/drill-steal.js"));
const RIDE: Comment = Comment(include_str!("../../../../static/drill-ride.js"));

impl Comment {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [("steal", STEAL), ("ride", RIDE)].into_iter().find(|(of, _)| *of == name).map(|it| it.1)
    }

    pub(super) const fn script(self) -> &'static str {
        self.0
    }

    pub(super) fn html(self) -> String {
        format!("Lovely page!<script>{}</script>", self.0)
    }

    /// What a policy calls this script, and no other (CSP Level 3 §2.3.1).
    pub(super) fn hash(self) -> String {
        format!("'sha256-{}'", STANDARD.encode(latchkey_store::hash::sha256(self.0.as_bytes())))
    }
}
