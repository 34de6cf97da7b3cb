//! An identity becomes a way into an account that exists.

use latchkey_auth::linking;
use latchkey_domain::UserId;
use latchkey_domain::audit::Kind;
use latchkey_domain::identity::Profile;

use crate::audit;
use crate::client::Client;
use crate::errors::{Action, AppError, HandlerResult, catalogue};
use crate::state::Latchkey;

pub async fn link_identity(
    latchkey: &Latchkey,
    user: UserId,
    provider: &str,
    profile: &Profile,
    client: &Client,
) -> HandlerResult<()> {
    match linking::link(&latchkey.db, user, provider, profile, latchkey.clock.now()).await {
        Ok(true) => {
            audit::by_person(latchkey, Kind::Linked, user, provider, client).await;
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(linking::Error::IdentityTaken) => Err(AppError::new(catalogue::IDENTITY_TAKEN)
            .action(Action::link("Go to your account", "/account"))),
        Err(linking::Error::Store(error)) => Err(error.into()),
    }
}
