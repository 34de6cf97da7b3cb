//! A trace as a script of `curl` commands.

use std::collections::BTreeSet;

use askama::Template;

use super::model::{Hop, Trace};
use super::text::{Segment, Text};

/// Headers that curl writes by itself, or that would change what comes back.
const BY_CURL: [&str; 5] =
    ["host", "content-length", "connection", "accept-encoding", "transfer-encoding"];

#[derive(Template)]
#[template(path = "trace-curl.txt", whitespace = "preserve")]
pub(crate) struct Script<'a> {
    trace: &'a Trace,
    /// Each with nothing in it, unless it is set.
    variables: BTreeSet<String>,
}

impl<'a> Script<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let variables = trace.hops.iter().flat_map(variables);
        Self { trace, variables: variables.map(|name| format!("${{{name}:=}}")).collect() }
    }
}

fn command(hop: &Hop) -> String {
    let request = &hop.request;
    let mut words = vec!["curl --silent --show-error --include".to_owned()];
    if request.method != "GET" {
        words.push(format!("--request {}", quoted(&request.method.as_str().into())));
    }
    for header in &request.message.headers {
        if !BY_CURL.contains(&header.name.as_str()) {
            let line = Text::from(&*header.name).then(": ").then(header.value.clone());
            words.push(format!("--header {}", quoted(&line)));
        }
    }
    if let Some(body) = &request.message.body.text {
        words.push(format!("--data-raw {}", quoted(body)));
    }
    words.push(quoted(&request.url));
    words.join(" \\\n  ")
}

/// One word of a shell: what is known in single quotes, where nothing means
/// anything, and what is not as a variable.
fn quoted(text: &Text) -> String {
    let segment = |segment: &Segment| match variable(segment) {
        Some(variable) => format!("\"${{{variable}}}\""),
        None => format!("'{}'", segment.text().replace('\'', r"'\''")),
    };
    text.0.iter().filter(|segment| segment.len() > 0).map(segment).collect()
}

/// The environment variable that holds a secret.
fn variable(segment: &Segment) -> Option<String> {
    segment.mark().map(|mark| mark.to_string().to_uppercase().replace(' ', "_"))
}

fn variables(hop: &Hop) -> Vec<String> {
    let message = &hop.request.message;
    let headers = message.headers.iter().map(|header| &header.value);
    let texts = headers.chain([&hop.request.url]).chain(&message.body.text);
    texts.flat_map(|text| &text.0).filter_map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::model::{Party, Request};
    use crate::traces::steps::Step;
    use crate::traces::text::{Kind, Label, Mark};

    #[test]
    fn a_method_stays_a_word() {
        let (method, url) = ("A`id`".to_owned(), Text::from("/"));
        let request = Request { method, url, ..Request::default() };
        let (from, to, step) = (Party::Browser, Party::App, Step::Start);
        let hop = Hop { step, from, to, begun: 0, waited: 0, received: 0, request, response: None };
        assert!(command(&hop).contains("--request 'A`id`' "), "{}", command(&hop));
    }

    #[test]
    fn what_others_wrote_stays_a_word() {
        let secret = Mark { kind: Kind::AccessToken, label: Label(0) };
        let text = Text::from("it's $(rm) `x`\"\n").then(Segment::secret(secret, 9));
        assert_eq!(quoted(&text), "'it'\\''s $(rm) `x`\"\n'\"${ACCESS_TOKEN_A}\"");
    }
}
