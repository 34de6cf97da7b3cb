//! What a new account begins with: a few contacts and events.

use latchkey_domain::calendar::Event;
use latchkey_domain::contact::Contact;

/// The contacts and events of a new account.
#[derive(Clone, Debug, Default)]
pub struct Starters {
    pub contacts: Vec<Contact>,
    pub events: Vec<Event>,
}

/// Writes them down inside the transaction that makes the account.
macro_rules! insert_starters {
    ($tx:ident, $starters:expr) => {
        for contact in &$starters.contacts {
            let statement = $crate::contacts::insert_contact!(contact);
            $crate::count::one(statement.execute(&mut *$tx)).await?;
        }
        for event in &$starters.events {
            let statement = $crate::events::insert_event!(event);
            $crate::count::one(statement.execute(&mut *$tx)).await?;
        }
    };
}
pub(crate) use insert_starters;
