//! The catalogue of errors as pages.

use crate::prelude::*;
use latchkey_axum::{Entry, Owner};

#[derive(Debug, Template)]
#[template(path = "errors.html")]
pub(crate) struct ErrorsPage {
    layout: Layout,
    groups: Vec<(&'static str, Vec<&'static Entry>)>,
}

#[derive(Debug, Template)]
#[template(path = "error-entry.html")]
pub(crate) struct ErrorEntryPage {
    layout: Layout,
    entry: &'static Entry,
}

/// `GET /errors`
pub(crate) async fn index(State(app): State<App>, caller: Option<Caller>) -> Page<ErrorsPage> {
    let owners = [
        ("You can fix these", Some(Owner::You)),
        ("The site’s owner can fix these", Some(Owner::SiteOwner)),
        ("The provider can fix these", Some(Owner::Provider)),
        ("Nothing is wrong", None),
    ];
    let groups = owners.into_iter().map(|(title, owner)| {
        (title, catalogue::ALL.iter().copied().filter(|entry| entry.owner == owner).collect())
    });
    Page(ErrorsPage {
        layout: Layout::new(&app, caller.as_ref()).at("/errors"),
        groups: groups.collect(),
    })
}

/// `GET /errors/{code}`. The 404 for an unknown code does not repeat it.
pub(crate) async fn entry(
    State(app): State<App>,
    caller: Option<Caller>,
    Path(code): Path<String>,
) -> HandlerResult<Page<ErrorEntryPage>> {
    let entry = catalogue::by_code(&code).ok_or_else(|| AppError::new(catalogue::NOT_FOUND))?;
    Ok(Page(ErrorEntryPage { layout: Layout::new(&app, caller.as_ref()).at("/errors"), entry }))
}
