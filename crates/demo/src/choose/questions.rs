//! The six questions, each with its answers.

/// A question, as the page asks it.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) name: &'static str,
    pub(super) asks: &'static str,
    pub(super) why: &'static str,
    /// Value, label and hint of each answer.
    pub(super) choices: &'static [(&'static str, &'static str, &'static str)],
}

macro_rules! questions {
    ($($(#[$doc:meta])* $kind:ident ($name:literal, $asks:literal, $why:literal) {
        $($(#[$answer_doc:meta])* $answer:ident ($value:literal, $label:literal, $hint:literal),)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub(super) enum $kind {
                $($(#[$answer_doc])* $answer,)*
            }

            impl $kind {
                #[cfg(test)]
                pub(super) const ALL: &[Self] = &[$(Self::$answer),*];

                pub(super) fn parse(value: &str) -> Option<Self> {
                    match value {
                        $($value => Some(Self::$answer),)*
                        _ => None,
                    }
                }
            }
        )*

        /// All of them, in the order in which they are asked.
        pub(super) const QUESTIONS: &[Question] = &[$(Question {
            name: $name,
            asks: $asks,
            why: $why,
            choices: &[$(($value, $label, $hint)),*],
        }),*];
    };
}

questions! {
    Passwords ("passwords", "Who keeps the passwords?", "This decides the sign-in method.") {
        /// Somebody else.
        Provider ("provider", "A provider", "Your users all have accounts there, and you can rely on it."),
        Here ("here", "You", "No one else may decide who gets in."),
        Both ("both", "Either", "Each user chooses."),
    }
    Callers ("callers", "Who calls your API?", "Browsers send cookies; programs do not.") {
        Pages ("pages", "Your own pages only", "On your own origin."),
        Programs ("programs", "Your own programs, too", "A phone app or a command-line tool."),
        Others ("others", "Other people’s programs, too", "For your users, with what they allow."),
    }
    /// How soon must an ended sign-in be refused?
    Ending ("ending", "How soon must “sign out” take effect?", "This is how long a stolen copy works.") {
        AtOnce ("at-once", "At the next request", "Not one more response."),
        /// Within a second or so.
        Second ("second", "Within a second", "Everywhere, but not necessarily at the next request."),
        Minutes ("minutes", "Within minutes", "A stolen copy may work that long."),
    }
    Services ("services", "How many services check the credential?", "A service that checks sessions needs their database.") {
        One ("one", "One process", "The app itself."),
        Replicas ("replicas", "Several, with one database", "Copies of the same app."),
        Apart ("apart", "Several that share no database", "Other teams’ services, or services elsewhere."),
    }
    Database ("database", "How far is your database?", "A session costs one query per request.") {
        Here ("here", "In the same process", "SQLite."),
        Near ("near", "In the same building", "A millisecond or two."),
        /// Elsewhere.
        Far ("far", "Farther away", "Ten milliseconds or more."),
    }
    /// Do we act elsewhere for the person?
    Delegation ("delegation", "Do you act at other services for your users?", "OAuth was made for this, however they sign in here.") {
        No ("no", "No", "Only here."),
        Yes ("yes", "Yes", "For example, to read their calendar."),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) passwords: Passwords,
    pub(super) callers: Callers,
    pub(super) ending: Ending,
    pub(super) services: Services,
    pub(super) database: Database,
    pub(super) delegation: Delegation,
}

#[cfg(test)]
impl Answers {
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for passwords in Passwords::ALL.iter().copied() {
            for callers in Callers::ALL.iter().copied() {
                for ending in Ending::ALL.iter().copied() {
                    for services in Services::ALL.iter().copied() {
                        for database in Database::ALL.iter().copied() {
                            for delegation in Delegation::ALL.iter().copied() {
                                all.push(Self {
                                    passwords,
                                    callers,
                                    ending,
                                    services,
                                    database,
                                    delegation,
                                });
                            }
                        }
                    }
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_questions_and_every_answer_is_read() {
        assert_eq!(QUESTIONS.len(), 6);
        assert_eq!(Answers::all().len(), 3 * 3 * 3 * 3 * 3 * 2);
        for question in QUESTIONS {
            for (value, ..) in question.choices {
                let is_read = match question.name {
                    "passwords" => Passwords::parse(value).is_some(),
                    "callers" => Callers::parse(value).is_some(),
                    "ending" => Ending::parse(value).is_some(),
                    "services" => Services::parse(value).is_some(),
                    "database" => Database::parse(value).is_some(),
                    "delegation" => Delegation::parse(value).is_some(),
                    _ => false,
                };
                assert!(is_read, "{} {value}", question.name);
            }
        }
        assert_eq!(Passwords::parse("x"), None);
    }
}
