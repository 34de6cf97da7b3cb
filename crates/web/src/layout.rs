//! What stands around every page: header, navigation, footer, and the notice in
//! development. Crates above the product add entries through [`Links`], and
//! extend the same `base.html` with a [`Layout`] of their own pages.

use crate::app::Application;
use crate::caller::Caller;
use crate::links::Links;
use crate::static_files;

#[derive(Debug, Default)]
pub struct Layout {
    who: Who,
    pub local: Option<Local>,
    pub outbox: bool,
    pub links: Links,
    pub stylesheet: &'static str,
    pub script: &'static str,
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
        Self { who, ..Self::anonymous(app) }
    }

    pub fn anonymous(app: &Application) -> Self {
        Self {
            who: Who::Unknown,
            local: local(app),
            outbox: app.mailer.outbox().is_some(),
            links: app.links,
            stylesheet: static_files::stylesheet(),
            script: static_files::script(),
            current: None,
        }
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
