//! Where the product's pages lead beyond the product.

/// An entry of the navigation or of the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub label: &'static str,
    pub href: &'static str,
    /// Whether it is there in development alone.
    development: bool,
}

impl Link {
    pub const fn new(label: &'static str, href: &'static str) -> Self {
        Self { label, href, development: false }
    }

    pub const fn in_development(label: &'static str, href: &'static str) -> Self {
        Self { label, href, development: true }
    }

    pub(crate) const fn is_there(&self, development: bool) -> bool {
        development || !self.development
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    pub navigation: &'static [Link],
    pub footer: &'static [Link],
    pub about: Option<&'static str>,
    pub sign_ins: Option<Link>,
}
