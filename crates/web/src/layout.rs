//! What stands around every page: the header, and the notice in development.

use crate::app::Application;
use crate::caller::Caller;
use crate::static_files;

#[derive(Debug, Default)]
pub(crate) struct Chrome {
    pub(crate) who: Who,
    /// In development: which providers are played, and where.
    pub(crate) local: Option<Local>,
    /// Whether there is an outbox to look into.
    pub(crate) outbox: bool,
}

/// What the header says of the person.
#[derive(Debug, Default)]
pub(crate) enum Who {
    #[default]
    Visitor,
    Person {
        name: String,
        initials: String,
    },
    /// It was not looked at: on error pages.
    Unknown,
}

/// The notice about the local provider.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) providers: String,
    pub(crate) url: String,
    /// Whether there is no other provider: then nothing leaves this machine.
    pub(crate) is_all: bool,
}

impl Chrome {
    /// For a page that knows who is looking at it.
    pub(crate) fn new(app: &Application, caller: Option<&Caller>) -> Self {
        let who = caller.map_or(Who::Visitor, |caller| Who::Person {
            name: caller.user.name.to_string(),
            initials: caller.user.name.initials(),
        });
        Self { who, local: local(app), outbox: app.mailer.outbox().is_some() }
    }

    #[expect(clippy::unused_self, reason = "templates reach it through the chrome")]
    pub(crate) fn stylesheet(&self) -> &'static str {
        static_files::stylesheet()
    }

    #[expect(clippy::unused_self, reason = "templates reach it through the chrome")]
    pub(crate) fn script(&self) -> &'static str {
        static_files::script()
    }

    /// The address of the drill's script.
    #[expect(clippy::unused_self, reason = "templates reach it through the chrome")]
    pub(crate) fn drill_script(&self) -> &'static str {
        static_files::drill_script()
    }

    /// For a page that does not.
    pub(crate) fn of_nobody(app: &Application) -> Self {
        Self { who: Who::Unknown, local: local(app), outbox: app.mailer.outbox().is_some() }
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
