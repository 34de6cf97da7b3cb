//! What only the demonstration has, and the product by itself must not.

use crate::Page;

/// Pages of the demonstration, and something that it serves.
pub const EXHIBITS: [&str; 9] = [
    "/compare",
    "/traces",
    "/inspector",
    "/choose",
    "/drill",
    "/stopwatch",
    "/stopwatch.json",
    "/lab",
    "/static/drill.js",
];

/// What only the demonstration says.
const WORDS: [&str; 9] = [
    "oauth or jwt",
    "the comparison",
    "on the wire",
    "inspector",
    "attack",
    "storage drill",
    "stopwatch",
    "which door",
    "what your browser will carry",
];

/// No link leads to the demonstration, and no word is of it.
#[track_caller]
pub fn is_of_the_product(page: &Page) {
    let body = page.body.to_lowercase();
    for path in EXHIBITS {
        assert!(!body.contains(&format!("\"{path}")), "{}: {path}", page.asked);
    }
    for word in WORDS {
        assert!(!body.contains(word), "{}: {word}: {body}", page.asked);
    }
}
