//! What a person has allowed an application, until it is ended.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Authorization, Grants, Offline};
use crate::{
    Client, Provider,
    clock::Timestamp,
    digest::Digest,
    misbehave::Misbehaviour,
    people::{Person, is_passing},
    protocol::scopes::{Audience, Scopes},
};

/// How often a revocation fails that was told to, before it works: an application that tries again
/// is to be seen to succeed.
const FAILURES: u8 = 2;

/// Same person, same client, same API: one consent, however often it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConsentKey {
    provider: Provider,
    client: String,
    person: String,
    audience: Audience,
}

impl ConsentKey {
    pub(crate) fn new(client: &Client, person: &Person, audience: &Audience) -> Self {
        Self {
            provider: client.provider,
            client: client.id.clone(),
            person: person.key.clone(),
            audience: audience.clone(),
        }
    }

    pub(super) fn of(authorization: &Authorization) -> Self {
        Self::new(&authorization.client, &authorization.person, &authorization.audience)
    }
}

/// An entry in the list of applications that a person let in.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    /// Names it to the API whose data it opens. No secret.
    pub(crate) id: String,
    pub(crate) client: Arc<Client>,
    pub(crate) person: Arc<Person>,
    pub(crate) audience: Audience,
    pub(crate) scopes: Scopes,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    /// A refresh token was given out.
    pub(super) offline: bool,
    /// How often its revocation has failed, having been told to.
    pub(super) failures: u8,
}

impl Consent {
    pub(super) fn new(now: Timestamp, authorization: &Authorization) -> Self {
        let Authorization { client, person, audience, .. } = authorization;
        let name = format!("{:?} {:?} {}", now, audience, [&*client.id, &person.key].join(" "));
        let digest = Digest::of(name);
        let (half, _) = digest.as_bytes().split_at(16);
        Self {
            id: URL_SAFE_NO_PAD.encode(half),
            client: Arc::clone(client),
            person: Arc::clone(person),
            audience: audience.clone(),
            scopes: Scopes::default(),
            created_at: now,
            last_used_at: None,
            offline: false,
            failures: 0,
        }
    }
}

/// Whether a refresh token goes with this: Google gives one when the person consented to something,
/// and none when an application merely comes by again.
pub(super) fn refresh_is_due(authorization: &Authorization, earlier: &Scopes, given: bool) -> bool {
    let new = !authorization.scopes.without(earlier).is_empty();
    let wanted = match authorization.offline {
        Offline::No => false,
        Offline::WhenNew => new || !given,
        Offline::Always => true,
    };
    wanted && authorization.misbehaviour != Misbehaviour::NoRefreshToken
}

impl Grants {
    /// The scopes that were granted earlier and are not `asked` about again.
    pub(crate) fn granted_earlier(&self, key: &ConsentKey, asked: &Scopes) -> Scopes {
        let earlier = self.consents.get(key).map(|consent| consent.scopes.without(asked));
        earlier.unwrap_or_default()
    }

    /// Enters what was decided; says whether a refresh token is due. Of who passes by nothing is
    /// entered: they come without end, and nobody would ever take them out.
    pub(super) fn consented(
        &mut self,
        now: Timestamp,
        authorization: &Authorization,
        asked: &Scopes,
    ) -> bool {
        if is_passing(&authorization.person.key) {
            return refresh_is_due(authorization, &Scopes::default(), false);
        }
        let consent = self
            .consents
            .entry(ConsentKey::of(authorization))
            .or_insert_with(|| Consent::new(now, authorization));
        let due = refresh_is_due(authorization, &consent.scopes, consent.offline);
        consent.scopes = consent.scopes.without(asked).with(&authorization.scopes);
        consent.offline |= due;
        due
    }

    /// Takes note that a token of this authorization was used.
    pub(crate) fn used(&mut self, now: Timestamp, authorization: &Authorization) {
        if let Some(consent) = self.consents.get_mut(&ConsentKey::of(authorization)) {
            consent.last_used_at = Some(now);
        }
    }

    /// The consents that opened an API's data, oldest first.
    pub(crate) fn consents_for(&self, audience: &Audience) -> Vec<Consent> {
        let mut found: Vec<Consent> =
            self.consents.values().filter(|one| one.audience == *audience).cloned().collect();
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        found
    }

    /// Ends a consent with every code and token that it gave: RFC 7009 §2.1. `false` when it was
    /// told to fail this time.
    pub(crate) fn end(&mut self, authorization: &Authorization) -> bool {
        let key = ConsentKey::of(authorization);
        if authorization.misbehaviour == Misbehaviour::RevocationFails
            && let Some(consent) = self.consents.get_mut(&key)
            && consent.failures < FAILURES
        {
            consent.failures += 1;
            return false;
        }
        self.erase(&key);
        true
    }

    /// Ends the consent with this id, if it is one for `audience`.
    pub(crate) fn end_by_id(&mut self, audience: &Audience, id: &str) -> bool {
        let found = self.consents.iter().find(|(_, one)| one.id == id && one.audience == *audience);
        let key = found.map(|(key, _)| key.clone());
        key.as_ref().inspect(|key| self.erase(key)).is_some()
    }

    fn erase(&mut self, key: &ConsentKey) {
        self.consents.remove(key);
        self.codes.retain(|code| ConsentKey::of(&code.authorization) != *key);
        self.access_tokens.retain(|token| ConsentKey::of(&token.authorization) != *key);
        self.refresh_tokens.retain(|token| ConsentKey::of(&token.authorization) != *key);
        self.changed();
    }
}
