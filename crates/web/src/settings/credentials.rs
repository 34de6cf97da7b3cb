//! A client id and a client secret: both or none, and each what it should be.

use latchkey_auth::secret::Secret;

use super::looks::{self, Half};
use super::providers::BUILT_IN;
use super::reader::Reader;

/// The two variables that make a provider.
pub(super) enum Credentials {
    Unset,
    /// One without the other, or something that cannot be one: complained of.
    Broken,
    Given(String, Secret),
}

/// Reads `<prefix>_CLIENT_ID` and `<prefix>_CLIENT_SECRET`.
pub(super) fn credentials(read: &mut Reader<'_>, prefix: &str) -> Credentials {
    let (id, secret) = (format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"));
    match (read.is_set(&id), read.is_set(&secret)) {
        (false, false) => return Credentials::Unset,
        (true, false) => {
            read.complain(&secret, format!("is not set, but {id} is: set both or none"));
        }
        (false, true) => {
            read.complain(&id, format!("is not set, but {secret} is: set both or none"));
        }
        (true, true) => {
            if let (Some(client_id), Some(client_secret)) = (read.secret(&id), read.secret(&secret))
                && make_sense(read, prefix, client_id.expose(), client_secret.expose())
            {
                return Credentials::Given(client_id.expose().to_owned(), client_secret);
            }
        }
    }
    Credentials::Broken
}

/// Whether credentials can work, by their looks; complains when they cannot.
fn make_sense(read: &mut Reader<'_>, prefix: &str, id: &str, secret: &str) -> bool {
    let built_in = BUILT_IN.iter().find(|(.., of)| *of == prefix).map(|(slug, ..)| *slug);
    let mut sense = true;
    for odd in looks::judge(built_in, id, secret) {
        let variable = match odd.about {
            Half::Id => format!("{prefix}_CLIENT_ID"),
            Half::Secret => format!("{prefix}_CLIENT_SECRET"),
        };
        if odd.hopeless {
            read.complain(&variable, odd.message);
            sense = false;
        } else {
            read.doubt(&variable, odd.message);
        }
    }
    sense
}
