//! Text of a stranger's, made harmless to look at.

use std::fmt::Write as _;

/// The text with everything written out that would not be seen, or would turn
/// the text around it: control characters, directional marks, zero-width ones.
///
/// HTML escaping is not enough: `\u{202e}` is no markup, and turns a line over.
pub(crate) fn visible(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            // Writing to a string cannot fail.
            let _ = write!(seen, "\\u{{{:x}}}", u32::from(c));
        } else {
            seen.push(c);
        }
    }
    seen
}

pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_hides() {
        for (text, seen) in [
            ("Ada Lövelace 🔑", "Ada Lövelace 🔑"),
            ("a\u{0}b\nc\u{7f}", "a\\u{0}b\\u{a}c\\u{7f}"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(super::visible(text), seen);
        }
    }
}
