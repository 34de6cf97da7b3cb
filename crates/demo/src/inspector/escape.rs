//! Escapes characters that hide or reorder untrusted text.

use std::fmt::Write as _;

/// Escapes control characters, bidirectional marks and zero-width characters. HTML escaping is
/// not enough: `\u{202e}` reverses the text after it.
pub(crate) fn escape_invisible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

pub(super) fn is_invisible(c: char) -> bool {
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
    fn invisible_characters_are_escaped() {
        for (text, escaped) in [
            ("Ada Lövelace 🔑", "Ada Lövelace 🔑"),
            ("a\u{0}b\nc\u{7f}", "a\\u{0}b\\u{a}c\\u{7f}"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(super::escape_invisible(text), escaped);
        }
    }
}
