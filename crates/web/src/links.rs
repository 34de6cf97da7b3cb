//! Where the product's pages lead beyond the product.

/// An entry of the navigation or of the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub label: &'static str,
    pub href: &'static str,
}

impl Link {
    #[must_use]
    pub const fn new(label: &'static str, href: &'static str) -> Self {
        Self { label, href }
    }
}

/// Where the product's pages lead beyond the product.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    /// Before the product's own entries of the main navigation.
    pub navigation: &'static [Link],
    /// Before the product's own entries of the footer.
    pub footer: &'static [Link],
    /// What the footer says of the site.
    pub about: Option<&'static str>,
    /// Beside the list of sign-ins on the account page.
    pub sign_ins: Option<Link>,
}
