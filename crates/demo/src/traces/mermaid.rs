//! A trace as a Mermaid sequence diagram, for documents and issues.

use super::model::{Party, Trace};
use super::sequence::{MessageKind, messages};

pub(crate) fn render(trace: &Trace) -> String {
    let mut lines = vec![
        "sequenceDiagram\n  autonumber".to_owned(),
        "participant B as Browser".to_owned(),
        "participant A as Latchkey".to_owned(),
    ];
    lines.extend(trace.provider.as_deref().map(|name| format!("participant P as {}", plain(name))));
    if !trace.is_whole {
        lines.push("Note over B,A: The start was recorded by another process".to_owned());
    }
    for message in messages(trace) {
        let (from, to) = (initial(message.from), initial(message.to));
        let label = plain(&message.label);
        let carries = match message.carries.as_str() {
            "" => String::new(),
            carries => format!("<br/>{carries}"),
        };
        lines.push(match message.kind {
            MessageKind::Request(_) => format!("{from}->>{to}: {label}{carries}"),
            MessageKind::Answer => format!("{from}-->>{to}: {label}{carries}"),
            MessageKind::Unseen => format!("Note over {from},{to}: {label}"),
        });
    }
    lines.join("\n  ") + "\n"
}

const fn initial(party: Party) -> &'static str {
    match party {
        Party::Browser => "B",
        Party::App => "A",
        Party::Provider => "P",
    }
}

fn plain(text: &str) -> String {
    let harmless = |c: &char| !"#;<>%:\"\\".contains(*c) && !c.is_control();
    text.chars().filter(harmless).collect()
}
