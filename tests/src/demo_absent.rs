//! Checks that the product without the demo has no trace of it.

use crate::Page;

/// Paths of the demo.
pub const DEMO_PATHS: [&str; 9] = [
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

/// Words that only the demo uses, in lower case.
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

/// Asserts that a page has no links and no words of the demo.
#[track_caller]
pub fn assert_no_demo(page: &Page) {
    let body = page.body.to_lowercase();
    for path in DEMO_PATHS {
        assert!(!body.contains(&format!("\"{path}")), "{}: {path}", page.request);
    }
    for word in WORDS {
        assert!(!body.contains(word), "{}: {word}: {body}", page.request);
    }
}
