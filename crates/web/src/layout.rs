//! What `base.html` shows on every page: header, navigation, footer and the notice
//! in development. Other crates add [`Links`] and build a [`Layout`] for their pages.

use std::borrow::Cow;

use latchkey_axum::Caller;

use crate::app::Application;
use crate::hints::{self, Hints};
use crate::links::{Link, Links};
use crate::static_files;

#[derive(Debug, Default)]
pub struct Layout {
    pub product: String,
    visitor: Visitor,
    pub local: Option<LocalProviderNotice>,
    pub development: bool,
    pub sends_email: bool,
    /// Links in the header: at most three fit beside the logo and the user's name.
    pub navigation: Vec<Link>,
    pub footer: Vec<Link>,
    pub links: Links,
    pub origin: String,
    /// The message at the top about what the visitor has just done.
    pub flash: Option<&'static str>,
    pub stylesheet: Cow<'static, str>,
    pub script: Cow<'static, str>,
    /// The current link, and whether it leads to exactly this page.
    current: Option<(&'static str, bool)>,
}

#[derive(Debug, Default)]
enum Visitor {
    #[default]
    Anonymous,
    SignedIn(Person),
    /// The page did not look: the header links to the account, which asks visitors to sign in.
    Unknown,
}

#[derive(Debug)]
pub struct Person {
    pub name: String,
    pub initials: String,
}

#[derive(Debug)]
pub struct LocalProviderNotice {
    /// The simulated providers, with the verb: "Google and GitHub are".
    pub providers: String,
    pub url: String,
    /// Whether all providers are simulated, so that nothing leaves this machine.
    pub is_all: bool,
}

impl Layout {
    pub fn new(app: &Application, caller: Option<&Caller>) -> Self {
        let visitor = caller.map_or(Visitor::Anonymous, |caller| {
            let name = &caller.user.name;
            Visitor::SignedIn(Person { name: name.to_string(), initials: name.initials() })
        });
        let mut layout = Self { visitor, ..Self::anonymous(app) };
        if caller.is_some() {
            // The demo's links leave no room for it in the header.
            let list = if app.links.navigation.is_empty() {
                &mut layout.navigation
            } else {
                &mut layout.footer
            };
            list.push(Link::new("Connections", "/connections"));
        }
        layout
    }

    /// For pages that do not read the visitor's credential, such as error pages.
    pub fn anonymous(app: &Application) -> Self {
        const API: Link = Link::new("API", "/docs");
        let development = app.settings.is_development();
        let mut navigation = app.links.navigation.to_vec();
        let links = app.links.footer.iter().filter(|link| link.is_shown(development));
        let mut footer: Vec<_> = links.copied().collect();
        if navigation.is_empty() { &mut navigation } else { &mut footer }.push(API);
        footer.push(Link::new("Errors", "/errors"));
        if app.mailer.outbox().is_some() {
            footer.push(Link::new("Outbox", "/outbox"));
        }
        Self {
            product: app.settings.product.name.clone(),
            visitor: Visitor::Unknown,
            navigation,
            footer,
            origin: app.settings.origin(),
            flash: None,
            development,
            sends_email: !app.mailer.is_disabled(),
            local: local_provider_notice(app),
            links: app.links,
            stylesheet: static_files::stylesheet(),
            script: static_files::script(),
            current: None,
        }
    }

    /// Takes the flash message that the previous response left in a cookie.
    #[must_use]
    pub fn with_flash(self, hints: &Hints) -> Self {
        let flash = match hints.take(hints::DONE).as_deref() {
            Some("signed-out") => Some("You’re signed out."),
            Some("deleted") => Some("Your account is deleted."),
            _ => None,
        };
        Self { flash, ..self }
    }

    /// For search engines and link previews.
    pub fn description(&self) -> &'static str {
        self.links.about.unwrap_or("Sign in with a provider or with a password.")
    }

    /// Marks the link that leads to exactly this page.
    pub fn at(self, href: &'static str) -> Self {
        Self { current: Some((href, true)), ..self }
    }

    /// Marks the link to the section that this page is in.
    pub fn below(self, href: &'static str) -> Self {
        Self { current: Some((href, false)), ..self }
    }

    /// The `aria-current` attribute of a link, with a leading space, or nothing.
    pub fn aria_current(&self, href: &str) -> &'static str {
        match self.current {
            Some((current, true)) if current == href => " aria-current=\"page\"",
            Some((current, false)) if current == href => " aria-current=\"true\"",
            _ => "",
        }
    }

    pub const fn person(&self) -> Option<&Person> {
        match &self.visitor {
            Visitor::SignedIn(person) => Some(person),
            Visitor::Anonymous | Visitor::Unknown => None,
        }
    }

    pub const fn is_anonymous(&self) -> bool {
        matches!(self.visitor, Visitor::Anonymous)
    }
}

fn local_provider_notice(app: &Application) -> Option<LocalProviderNotice> {
    let idp = app.settings.local_idp.as_ref()?;
    let simulated: Vec<_> =
        app.providers.iter().filter(|p| p.local).map(|p| p.label.as_str()).collect();
    let (last, others) = simulated.split_last()?;
    let providers = match others {
        [] => format!("{last} is"),
        others => format!("{} and {last} are", others.join(", ")),
    };
    let is_all = simulated.len() == app.providers.len();
    Some(LocalProviderNotice { providers, url: idp.url.origin().ascii_serialization(), is_all })
}
