//! The home page: the two doors.

use axum::extract::State;
use latchkey_domain::sign_in::Door;

use crate::app::App;
use crate::caller::Caller;
use crate::templates::{CameIn, Chrome, HomePage, Page, door_name, key_name};

/// `GET /`
pub(crate) async fn show(State(app): State<App>, caller: Option<Caller>) -> Page<HomePage> {
    let came_in = caller.as_ref().and_then(|caller| {
        Some(CameIn {
            name: caller.user.name.to_string(),
            door: match caller.door() {
                Some(Door::Password) => "a password".to_owned(),
                door => door_name(&app, door.as_ref()),
            },
            key: key_name(caller.key()?),
        })
    });
    Page(HomePage { chrome: Chrome::new(&app, caller.as_ref()), came_in })
}
