//! Answers, as facts: what somebody outside can tell of them.

use http::Method;
use serde_json::Value;
use url::Url;

use crate::ground::at;
use crate::{Agent, Answer, Call, Result};

/// An answer in a few words: its status, and the code of its error if it has one.
pub(super) fn said(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match code(answer) {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

/// The code of an error, from the page's header or the problem document.
fn code(answer: &Answer) -> Option<String> {
    if let Some(code) = answer.header("x-error-code") {
        return Some(code.to_owned());
    }
    if answer.header("content-type") != Some("application/problem+json") {
        return None;
    }
    let problem: Value = serde_json::from_slice(&answer.body).ok()?;
    problem["code"].as_str().map(str::to_owned)
}

/// `GET` of a route of the API with what is in the jar.
pub(super) async fn get(agent: &mut Agent, base: &Url, path: &str) -> Result<Answer> {
    Ok(agent.send(Call::new(Method::GET, at(base, path)?)).await?)
}

/// `GET` of a route of the API with a bearer token.
pub(super) async fn bearing(agent: &Agent, base: &Url, path: &str, token: &str) -> Result<Answer> {
    let call = Call::new(Method::GET, at(base, path)?).bearer(token);
    Ok(agent.stranger().send(call).await?)
}
