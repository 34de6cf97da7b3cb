//! Repositories.

use super::{chosen, id_of, number_of};
use crate::{clock::Timestamp, people::Person};

const DAY: u64 = 24 * 60 * 60;
/// How many repositories a person has.
const COMMON: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) node_id: String,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) language: &'static str,
    pub(crate) private: bool,
    pub(crate) stars: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) pushed_at: Timestamp,
}

static EVERYBODY: [(&str, &str, &str, bool); 14] = [
    ("analytical-engine", "Loops, conditionals and a mill", "Rust", false),
    ("tide-tables", "When the water comes, for one harbour", "Python", false),
    ("letters", "Drafts, not to be shown to anybody", "TeX", true),
    ("weather-station", "Wind, rain and a broken thermometer", "C", false),
    ("household", "Who pays what", "TypeScript", true),
    ("crossword", "Fills a grid, slowly", "Haskell", false),
    ("garden-planner", "What to sow beside what", "Go", false),
    ("dotfiles", "A terminal to feel at home in", "Shell", false),
    ("thesis", "Chapter two is the hard one", "TeX", true),
    ("sourdough", "A log of starters, living and dead", "Markdown", false),
    ("chess-by-post", "One move a week", "Elixir", false),
    ("cipher-notes", "Exercises in keeping quiet", "Python", true),
    ("bell-ringing", "Methods and their proofs", "OCaml", false),
    ("secret-santa", "Nobody draws themselves", "Ruby", true),
];

/// The repositories of a person, by name. There is always a private one among them.
pub(crate) fn repositories(person: &Person, now: Timestamp) -> Vec<Repository> {
    let (hidden, shown): (Vec<_>, Vec<_>) = EVERYBODY.iter().partition(|(.., private)| *private);
    let mut entries = chosen(&shown, COMMON - 2, person, "public");
    let private = chosen(&hidden, 2, person, "private");
    entries.extend(private);
    let today = now.0 / DAY * DAY;
    let mut repositories: Vec<Repository> = entries
        .into_iter()
        .map(|(name, description, language, private)| {
            let number = |purpose| number_of(&[purpose, &person.key, name]);
            let days_ago = |days: u64| Timestamp(today.saturating_sub(days * DAY));
            Repository {
                id: number("repository"),
                node_id: format!("R_{}", id_of(&["repository", &person.key, name])),
                name,
                description,
                language,
                private: *private,
                stars: if *private { 0 } else { number("stars") % 240 },
                created_at: days_ago(400 + number("created") % 900),
                pushed_at: days_ago(number("pushed") % 60),
            }
        })
        .collect();
    repositories.sort_by_key(|repository| repository.name);
    repositories
}
