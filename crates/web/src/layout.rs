//! What stands around every page: header, navigation, footer, and the notice in
//! development. Crates above the product add entries through [`Links`], and
//! extend the same `base.html` with a [`Layout`] of their own pages.

use std::borrow::Cow;

use latchkey_axum::Caller;

use crate::app::Application;
use crate::hints::{self, Hints};
use crate::links::{Link, Links};
use crate::static_files;

#[derive(Debug, Default)]
pub struct Layout {
    pub product: String,
    who: Who,
    pub local: Option<Local>,
    pub development: bool,
    /// In the header; with the mark and who one is, at most five.
    pub navigation: Vec<Link>,
    pub footer: Vec<Link>,
    pub links: Links,
    pub origin: String,
    /// What has just been done, said at the top.
    pub done: Option<&'static str>,
    pub stylesheet: Cow<'static, str>,
    pub script: Cow<'static, str>,
    /// The entry of the navigation that is current, and whether this is its very page.
    current: Option<(&'static str, bool)>,
}

/// What the header says of the person.
#[derive(Debug, Default)]
enum Who {
    #[default]
    Visitor,
    Person(Person),
    Unknown,
}

#[derive(Debug)]
pub struct Person {
    pub name: String,
    pub initials: String,
}

/// The notice about the local provider.
#[derive(Debug)]
pub struct Local {
    pub providers: String,
    pub url: String,
    /// Whether there is no other provider: then nothing leaves this machine.
    pub is_all: bool,
}

impl Layout {
    /// For a page that knows who is looking at it.
    pub fn new(app: &Application, caller: Option<&Caller>) -> Self {
        let who = caller.map_or(Who::Visitor, |caller| {
            let name = &caller.user.name;
            Who::Person(Person { name: name.to_string(), initials: name.initials() })
        });
        let mut layout = Self { who, ..Self::anonymous(app) };
        if layout.person().is_some() {
            // Beside exhibits there is no room for it in the header.
            let list = if app.links.navigation.is_empty() {
                &mut layout.navigation
            } else {
                &mut layout.footer
            };
            list.push(Link::new("Connections", "/connections"));
        }
        layout
    }

    pub fn anonymous(app: &Application) -> Self {
        const API: Link = Link::new("API", "/docs");
        let development = app.settings.is_development();
        let mut navigation = app.links.navigation.to_vec();
        let there = app.links.footer.iter().filter(|link| link.is_there(development));
        let mut footer: Vec<_> = there.copied().collect();
        if navigation.is_empty() { &mut navigation } else { &mut footer }.push(API);
        footer.push(Link::new("Errors", "/errors"));
        if app.mailer.outbox().is_some() {
            footer.push(Link::new("Outbox", "/outbox"));
        }
        Self {
            product: app.settings.product.name.clone(),
            who: Who::Unknown,
            navigation,
            footer,
            origin: app.settings.origin(),
            done: None,
            development,
            local: local(app),
            links: app.links,
            stylesheet: static_files::stylesheet(),
            script: static_files::script(),
            current: None,
        }
    }

    /// Says what the browser was told a page ago.
    #[must_use]
    pub fn with_done(self, hints: &Hints) -> Self {
        let done = match hints.take(hints::DONE).as_deref() {
            Some("signed-out") => Some("You’re signed out."),
            Some("deleted") => Some("Your account is deleted."),
            _ => None,
        };
        Self { done, ..self }
    }

    /// For whoever finds the page elsewhere.
    pub fn description(&self) -> &'static str {
        self.links.about.unwrap_or("Sign in with a provider or with a password.")
    }

    /// Marks the entry of the navigation that leads to this very page.
    pub fn at(self, href: &'static str) -> Self {
        Self { current: Some((href, true)), ..self }
    }

    /// Marks the entry of the navigation under which this page is found.
    pub fn below(self, href: &'static str) -> Self {
        Self { current: Some((href, false)), ..self }
    }

    /// The attribute that marks the current entry, with a blank before it.
    pub fn aria_current(&self, href: &str) -> &'static str {
        match self.current {
            Some((current, true)) if current == href => " aria-current=\"page\"",
            Some((current, false)) if current == href => " aria-current=\"true\"",
            _ => "",
        }
    }

    pub const fn person(&self) -> Option<&Person> {
        match &self.who {
            Who::Person(person) => Some(person),
            Who::Visitor | Who::Unknown => None,
        }
    }

    pub const fn is_visitor(&self) -> bool {
        matches!(self.who, Who::Visitor)
    }
}

fn local(app: &Application) -> Option<Local> {
    let idp = app.settings.local_idp.as_ref()?;
    let played: Vec<_> =
        app.providers.iter().filter(|p| p.local).map(|p| p.label.as_str()).collect();
    let (last, others) = played.split_last()?;
    let providers = match others {
        [] => format!("{last} is"),
        others => format!("{} and {last} are", others.join(", ")),
    };
    let is_all = played.len() == app.providers.len();
    Some(Local { providers, url: idp.url.origin().ascii_serialization(), is_all })
}
