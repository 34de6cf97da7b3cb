//! Calendars.

use super::{chosen, id_of, number_of};
use crate::{clock::Timestamp, people::Person};

const DAY: u64 = 24 * 60 * 60;
const MINUTE: u64 = 60;
/// How many days of a calendar there are before today, and from today on.
const DAYS: (u64, u64) = (7, 28);
/// How many of the things that everybody does a person does.
const COMMON: usize = 5;

/// An event on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) summary: &'static str,
    pub(crate) location: Option<&'static str>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) all_day: bool,
}

/// Something that somebody does every so many days.
struct Habit {
    summary: &'static str,
    location: Option<&'static str>,
    /// Hour and minute, and for how many minutes; `None` is the whole day.
    time: Option<(u64, u64, u64)>,
    every: u64,
}

const fn habit(
    summary: &'static str,
    location: &'static str,
    time: (u64, u64, u64),
    every: u64,
) -> Habit {
    Habit { summary, location: Some(location), time: Some(time), every }
}

const fn whole_day(summary: &'static str, every: u64) -> Habit {
    Habit { summary, location: None, time: None, every }
}

static EVERYBODY: [Habit; 16] = [
    habit("Dentist", "12 Mill Lane", (8, 30, 45), 26),
    habit("Weekly planning", "Room 2", (9, 0, 30), 7),
    habit("Lunch with the neighbours", "The Old Bakery", (12, 30, 60), 9),
    habit("Call with the accountant", "By telephone", (14, 0, 20), 21),
    habit("Swimming", "Baths, lane 3", (7, 0, 60), 4),
    habit("Choir rehearsal", "St Anne’s", (19, 30, 90), 7),
    habit("Train to the coast", "Platform 4", (10, 12, 95), 17),
    habit("Walk the dog", "Canal path", (17, 45, 40), 3),
    habit("Library books are due", "Town library", (16, 0, 15), 14),
    habit("Piano lesson", "Upstairs", (15, 15, 45), 7),
    habit("Market", "Town square", (9, 30, 60), 6),
    habit("Water the allotment", "Plot 17", (18, 0, 45), 5),
    habit("Film night", "The Regent", (20, 0, 125), 12),
    habit("Open the workshop", "Yard", (8, 0, 30), 5),
    whole_day("A friend’s birthday", 19),
    whole_day("Holiday", 23),
];

static ADA: [Habit; 2] = [
    habit("Tea with Charles Babbage", "Dorset Street", (16, 0, 60), 4),
    habit("Notes on the Analytical Engine", "Study", (10, 0, 120), 3),
];
static GRACE: [Habit; 2] = [
    habit("Compiler review", "Room 41", (11, 0, 60), 3),
    habit("Lecture: a nanosecond is this long", "Main hall", (15, 0, 50), 8),
];
static NOOR: [Habit; 2] = [
    habit("Harp practice", "Music room", (17, 0, 60), 3),
    habit("Morse refresher", "Hut 7", (9, 30, 45), 5),
];
static ALAN: [Habit; 2] = [
    habit("Cross-country run", "River meadow", (6, 30, 75), 2),
    habit("Chess, from memory", "Crown Inn", (19, 0, 90), 6),
];
static OCTO: [Habit; 2] = [
    habit("Open spaces committee", "Parliament Hill", (14, 30, 90), 5),
    habit("Collect the rents", "Paradise Place", (10, 0, 120), 7),
];
static HEDY: [Habit; 2] = [
    habit("Frequency hopping, with piano rolls", "Workshop", (20, 30, 90), 4),
    habit("Costume fitting", "Stage 6", (9, 0, 40), 6),
];

fn own(person: &Person) -> &'static [Habit] {
    match person.key.as_str() {
        "ada" | "twin" => &ADA,
        "grace" => &GRACE,
        "noor" => &NOOR,
        "alan" => &ALAN,
        "octo" => &OCTO,
        "hedy" => &HEDY,
        _ => &[],
    }
}

/// The events of a person from a week ago to four weeks ahead, by their start.
pub(crate) fn events(person: &Person, now: Timestamp) -> Vec<Event> {
    let today = now.0 / DAY;
    let mut habits: Vec<&Habit> = own(person).iter().collect();
    habits.extend(chosen(&EVERYBODY, COMMON, person, "calendar"));
    let mut events: Vec<Event> = (today.saturating_sub(DAYS.0)..today + DAYS.1)
        .flat_map(|day| habits.iter().filter_map(move |habit| on(person, habit, day)))
        .collect();
    events.sort_by(|a, b| (a.start, a.summary).cmp(&(b.start, b.summary)));
    events
}

/// What a habit makes of a day, counted from 1970: mostly nothing.
fn on(person: &Person, habit: &Habit, day: u64) -> Option<Event> {
    let phase = number_of(&["phase", &person.key, habit.summary]);
    if !(day + phase).is_multiple_of(habit.every) {
        return None;
    }
    let midnight = day * DAY;
    let (start, end) = match habit.time {
        None => (midnight, midnight + DAY),
        Some((hour, minute, minutes)) => {
            let start = midnight + (hour * 60 + minute) * MINUTE;
            (start, start + minutes * MINUTE)
        }
    };
    Some(Event {
        id: id_of(&["event", &person.key, habit.summary, &day.to_string()]),
        summary: habit.summary,
        location: habit.location,
        start: Timestamp(start),
        end: Timestamp(end),
        all_day: habit.time.is_none(),
    })
}
