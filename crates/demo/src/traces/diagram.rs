//! The sequence diagram: where everything stands, in the units of the drawing.

use super::model::{Channel, Party, Trace};
use super::timeline::{Line, called, in_answer, in_request, lines, said};

const WIDTH: u32 = 720;
const HEAD: u32 = 56;
const ROW: u32 = 48;

/// The lanes from left to right.
const WITH_PROVIDER: [(Party, u32); 3] =
    [(Party::Browser, 70), (Party::App, 360), (Party::Provider, 650)];
const WITHOUT: [(Party, u32); 2] = [(Party::Browser, 70), (Party::App, 650)];

/// How many characters fit between two neighbouring lanes.
const FITS: usize = 38;

#[derive(Clone, Debug)]
pub(crate) struct Diagram {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) arrows: Vec<Arrow>,
}

#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) x: u32,
    pub(crate) label: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Arrow {
    pub(crate) y: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) middle: u32,
    /// The tip, as the points of a polygon.
    pub(crate) tip: String,
    /// The number of its step, on requests.
    pub(crate) number: Option<usize>,
    pub(crate) label: String,
    pub(crate) carries: String,
    pub(crate) is_answer: bool,
    pub(crate) is_back: bool,
    pub(crate) is_unseen: bool,
}

impl Arrow {
    /// Where its words stand: above the line…
    pub(crate) const fn above(&self) -> u32 {
        self.y - 7
    }

    pub(crate) const fn below(&self) -> u32 {
        self.y + 15
    }
}

pub(crate) fn draw(trace: &Trace) -> Diagram {
    let provider = trace.provider.as_deref();
    let places: &[(Party, u32)] = if provider.is_some() { &WITH_PROVIDER } else { &WITHOUT };
    let x =
        |party: Party| places.iter().find(|(of, _)| *of == party).map_or(WIDTH / 2, |(_, x)| *x);
    let lanes = places.iter().map(|(party, x)| Lane {
        x: *x,
        label: match party {
            Party::Browser => "Browser".to_owned(),
            Party::App => "Latchkey".to_owned(),
            Party::Provider => short(provider.unwrap_or("Provider"), 16),
        },
    });
    let mut arrows = Vec::new();
    let mut y = HEAD + ROW / 2;
    for line in lines(trace) {
        arrows.push(match line {
            Line::Request(number, hop) => Arrow {
                number: Some(number),
                label: short(&called(hop), FITS),
                carries: said(&in_request(hop)),
                is_back: hop.channel() == Channel::Back,
                ..between(x(hop.from), x(hop.to), y)
            },
            Line::Answer(_, hop) => Arrow {
                label: hop
                    .response
                    .as_ref()
                    .map(|r| format!("{} {}", r.status, r.reason))
                    .unwrap_or_default(),
                carries: said(&in_answer(hop)),
                is_answer: true,
                is_back: hop.channel() == Channel::Back,
                ..between(x(hop.to), x(hop.from), y)
            },
            Line::Unseen => Arrow {
                label: "Seen only by your browser and the provider".to_owned(),
                is_unseen: true,
                ..between(x(Party::Browser), x(Party::Provider), y)
            },
        });
        y += ROW;
    }
    Diagram { width: WIDTH, height: y, lanes: lanes.collect(), arrows }
}

fn between(from: u32, to: u32, y: u32) -> Arrow {
    let back = if to > from { to - 9 } else { to + 9 };
    Arrow {
        y,
        from,
        to,
        middle: u32::midpoint(from, to),
        tip: format!("{to},{y} {back},{} {back},{}", y - 4, y + 4),
        number: None,
        label: String::new(),
        carries: String::new(),
        is_answer: false,
        is_back: false,
        is_unseen: false,
    }
}

/// The beginning of a text that is too long.
fn short(text: &str, fits: usize) -> String {
    if text.chars().count() <= fits {
        return text.to_owned();
    }
    text.chars().take(fits - 1).chain(['…']).collect()
}
