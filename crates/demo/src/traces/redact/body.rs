//! Bodies.

use super::Redactor;
use crate::traces::model::Body;

/// The largest body of which anything is kept, in bytes.
const MAX_SHOWN: usize = 16 * 1024;

impl Redactor {
    /// A body of that type. Of pages, and of whatever is neither a form nor
    /// JSON, nothing is kept but the size.
    pub(crate) fn body(&mut self, content_type: Option<&str>, bytes: &[u8]) -> Body {
        let kind = content_type.unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let text = std::str::from_utf8(bytes).ok();
        let text = text.filter(|text| !text.is_empty() && text.len() <= MAX_SHOWN);
        let text = match essence.as_str() {
            "application/x-www-form-urlencoded" => text.map(|text| self.form(text)),
            json if json == "application/json" || json.ends_with("+json") => {
                text.and_then(|text| self.json(text))
            }
            _ => None,
        };
        Body { size: Some(bytes.len()), kind: essence, text }
    }
}
