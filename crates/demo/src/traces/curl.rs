//! Exports a trace as a script of `curl` commands.

use std::collections::BTreeSet;

use askama::Template;

use super::model::{Hop, Trace};
use super::text::{Segment, Text};

/// Headers that curl sets itself, or that would change the response.
const SKIPPED_HEADERS: [&str; 5] =
    ["host", "content-length", "connection", "accept-encoding", "transfer-encoding"];

#[derive(Template)]
#[template(path = "trace-curl.txt", whitespace = "preserve")]
pub(crate) struct Script<'a> {
    trace: &'a Trace,
    /// `${NAME:=}` for each secret: empty unless the environment sets it.
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
        words.push(format!("--request {}", shell_quote(&request.method.as_str().into())));
    }
    for header in &request.message.headers {
        if !SKIPPED_HEADERS.contains(&header.name.as_str()) {
            let line = Text::from(&*header.name).then(": ").then(header.value.clone());
            words.push(format!("--header {}", shell_quote(&line)));
        }
    }
    if let Some(body) = &request.message.body.text {
        words.push(format!("--data-raw {}", shell_quote(body)));
    }
    words.push(shell_quote(&request.url));
    words.join(" \\\n  ")
}

/// One shell word: plain text in single quotes, where nothing is expanded, and secrets as variables.
fn shell_quote(text: &Text) -> String {
    let segment = |segment: &Segment| match variable(segment) {
        Some(variable) => format!("\"${{{variable}}}\""),
        None => format!("'{}'", segment.text().replace('\'', r"'\''")),
    };
    text.0.iter().filter(|segment| segment.len() > 0).map(segment).collect()
}

/// The environment variable for a secret.
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
    fn curl_command_quotes_the_method() {
        let (method, url) = ("A`id`".to_owned(), Text::from("/"));
        let request = Request { method, url, ..Request::default() };
        let (from, to, step) = (Party::Browser, Party::App, Step::Start);
        let hop = Hop { step, from, to, start: 0, wait: 0, receive: 0, request, response: None };
        assert!(command(&hop).contains("--request 'A`id`' "), "{}", command(&hop));
    }

    #[test]
    fn shell_quote_escapes_untrusted_text() {
        let secret = Mark { kind: Kind::AccessToken, label: Label(0) };
        let text = Text::from("it's $(rm) `x`\"\n").then(Segment::secret(secret, 9));
        assert_eq!(shell_quote(&text), "'it'\\''s $(rm) `x`\"\n'\"${ACCESS_TOKEN_A}\"");
    }
}
