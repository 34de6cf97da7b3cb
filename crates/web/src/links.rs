//! Where the product's pages lead beyond the product.

/// An entry of the navigation or of the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub label: &'static str,
    pub href: &'static str,
}

impl Link {
    pub const fn new(label: &'static str, href: &'static str) -> Self {
        Self { label, href }
    }
}

/// Where the product's pages lead beyond the product.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    pub navigation: &'static [Link],
    pub footer: &'static [Link],
    pub about: Option<&'static str>,
    pub sign_ins: Option<Link>,
}
