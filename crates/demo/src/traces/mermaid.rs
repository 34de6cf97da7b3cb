//! A trace as a Mermaid sequence diagram, for documents and issues.

use std::fmt::Write as _;

use super::model::{Party, Trace};
use super::timeline::{Line, called, in_answer, in_request, lines, said};

pub(crate) fn render(trace: &Trace) -> String {
    let provider = trace.provider.as_deref().unwrap_or("Provider");
    let mut text = String::from("sequenceDiagram\n  autonumber\n");
    let mut add = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {line}");
    };
    add("participant B as Browser".to_owned());
    add("participant A as Latchkey".to_owned());
    if trace.provider.is_some() {
        add(format!("participant P as {}", plain(provider)));
    }
    if !trace.is_whole {
        add("Note over B,A: The start was recorded by another process".to_owned());
    }
    for line in lines(trace) {
        add(match line {
            Line::Request(_, hop) => {
                let carries = carries(&said(&in_request(hop)));
                let (from, to) = (letter(hop.from), letter(hop.to));
                format!("{from}->>{to}: {}{carries}", plain(&called(hop)))
            }
            Line::Answer(_, hop) => {
                let carries = carries(&said(&in_answer(hop)));
                let (from, to) = (letter(hop.to), letter(hop.from));
                let response = hop.response.as_ref();
                let status = response.map(|r| format!("{} {}", r.status, r.reason));
                format!("{from}-->>{to}: {}{carries}", status.unwrap_or_default())
            }
            Line::Unseen => "Note over B,P: Seen only by your browser and the provider".to_owned(),
        });
    }
    text
}

const fn letter(party: Party) -> &'static str {
    match party {
        Party::Browser => "B",
        Party::App => "A",
        Party::Provider => "P",
    }
}

fn carries(marks: &str) -> String {
    if marks.is_empty() { String::new() } else { format!("<br/>{marks}") }
}

/// Without what means something to Mermaid.
fn plain(text: &str) -> String {
    let harmless = |c: &char| !"#;<>%:\"\\".contains(*c) && !c.is_control();
    text.chars().filter(harmless).collect()
}
