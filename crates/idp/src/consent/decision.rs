//! What the consent form says: read, not yet believed.

use crate::{
    Provider,
    misbehave::Misbehaviour,
    protocol::{authorize::PARAMETERS, params::Params},
};

/// The form field that carries the original `scope`, since `scope` itself means what was ticked.
pub(super) const REQUESTED_SCOPE: &str = "requested_scope";

/// What was decided at the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// The ticked scopes, separated by spaces.
    pub(super) ticked: String,
    pub(super) misbehaviour: Misbehaviour,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allow {
        /// The key of the person one wants to be.
        person: String,
    },
    Decline,
}

impl Decision {
    pub(super) fn read(provider: Provider, form: &Params) -> Result<Self, &'static str> {
        if ["decision", "person", "misbehave"].iter().any(|name| form.all(name).nth(1).is_some()) {
            return Err("decision, person and misbehave may each come once.");
        }
        let verdict = match (form.get("decision"), form.get("person")) {
            (Some("decline"), _) => Verdict::Decline,
            (Some("allow"), Some(person)) => Verdict::Allow { person: person.to_owned() },
            (Some("allow"), None) => return Err("Pick a person."),
            _ => return Err("decision must be allow or decline."),
        };
        Ok(Self {
            verdict,
            ticked: form.all("scope").collect::<Vec<_>>().join(" "),
            misbehaviour: Misbehaviour::parse(provider, form.get("misbehave"))
                .ok_or("This provider knows no such way to misbehave.")?,
        })
    }
}

/// The authorization request that the form carries.
///
/// A program may leave out `requested_scope`: what it ticks is then what was asked for.
pub(super) fn carried_request(form: &Params) -> Params {
    let ticked = form.all("scope").collect::<Vec<_>>().join(" ");
    let asked: Vec<&str> = match form.has(REQUESTED_SCOPE) {
        true => form.all(REQUESTED_SCOPE).collect(),
        false => [ticked.as_str()].into_iter().filter(|s| !s.is_empty()).collect(),
    };
    form.iter()
        .filter(|(name, _)| *name != "scope" && PARAMETERS.contains(name))
        .chain(asked.into_iter().map(|scope| ("scope", scope)))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn form(body: &str) -> Params {
        Params::parse(body.as_bytes())
    }

    #[test]
    fn a_decision_is_read_field_by_field() {
        let allow = |ticked: &str, misbehaviour| Decision {
            verdict: Verdict::Allow { person: "ada".into() },
            ticked: ticked.into(),
            misbehaviour,
        };
        for (body, expected) in [
            ("decision=allow&person=ada", Some(allow("", Misbehaviour::None))),
            (
                "decision=allow&person=ada&scope=openid&scope=email&misbehave=late",
                Some(allow("openid email", Misbehaviour::Late)),
            ),
            ("decision=allow", None),
            ("decision=allow&person=ada&person=grace", None),
            ("decision=allow&decision=decline&person=ada", None),
            ("decision=maybe&person=ada", None),
            ("person=ada", None),
            ("decision=allow&person=ada&misbehave=nonsense", None),
        ] {
            let read = Decision::read(Provider::Google, &form(body)).ok();
            assert_eq!(read, expected, "{body}");
        }
        let declined = Decision::read(Provider::Google, &form("decision=decline")).unwrap();
        assert_eq!(declined.verdict, Verdict::Decline);
    }

    #[test]
    fn the_request_is_carried_apart_from_what_was_ticked() {
        for (body, request) in [
            (
                "client_id=a&requested_scope=openid+email&scope=openid&person=ada&name=x",
                "client_id=a&scope=openid+email",
            ),
            ("client_id=a&scope=openid&scope=email", "client_id=a&scope=openid+email"),
            ("client_id=a&requested_scope=openid", "client_id=a&scope=openid"),
            ("client_id=a", "client_id=a"),
            // What came twice stays twice, to be refused.
            ("state=a&state=b", "state=a&state=b"),
            ("requested_scope=a&requested_scope=b", "scope=a&scope=b"),
        ] {
            assert_eq!(carried_request(&form(body)), form(request), "{body}");
        }
    }
}
