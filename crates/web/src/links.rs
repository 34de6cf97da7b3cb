//! Links that the product's pages show to pages of other crates.

/// A link in the navigation or the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub label: &'static str,
    pub href: &'static str,
    development_only: bool,
}

impl Link {
    pub const fn new(label: &'static str, href: &'static str) -> Self {
        Self { label, href, development_only: false }
    }

    pub const fn in_development(label: &'static str, href: &'static str) -> Self {
        Self { label, href, development_only: true }
    }

    pub(crate) const fn is_shown(&self, development: bool) -> bool {
        development || !self.development_only
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    pub navigation: &'static [Link],
    pub footer: &'static [Link],
    pub about: Option<&'static str>,
    pub sign_ins: Option<Link>,
}
