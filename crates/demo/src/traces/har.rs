//! Exports a trace as HTTP Archive (HAR) 1.2, which every browser's developer tools import.

use latchkey_domain::Timestamp;
use serde_json::{Value, json};
use tower_sessions::cookie::Cookie;

use super::model::{Hop, Message, Trace};
use super::text::Text;

/// Each secret is replaced by text of the same length, so that the sizes add up.
pub(crate) fn render(trace: &Trace) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "Latchkey", "version": env!("CARGO_PKG_VERSION") },
            "comment": "Each secret is replaced by text of the same length, so sizes are those on the wire.",
            "pages": [],
            "entries": trace.hops.iter().map(|hop| entry(trace, hop)).collect::<Vec<_>>(),
        }
    })
}

fn entry(trace: &Trace, hop: &Hop) -> Value {
    let millis = |micros: u64| Value::from(micros as f64 / 1000.0);
    json!({
        "startedDateTime": iso8601(trace.started_at, hop.start),
        "time": millis(hop.duration()),
        "request": request(hop),
        "response": response(hop),
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": 0, "wait": millis(hop.wait), "receive": millis(hop.receive),
        },
        "_latchkey": {
            "from": hop.from,
            "to": hop.to,
            "channel": hop.channel(),
            "step": hop.step,
        },
    })
}

fn request(hop: &Hop) -> Value {
    let (request, message) = (&hop.request, &hop.request.message);
    let url = request.url.to_string();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = url::form_urlencoded::parse(query.as_bytes());
    let query = query.map(|(name, value)| json!({ "name": name, "value": value }));
    let mut value = json!({
        "method": request.method,
        "url": url,
        "queryString": query.collect::<Vec<_>>(),
        "cookies": cookies(message, "cookie").flat_map(|cookies| {
            let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>()
        }).collect::<Vec<_>>(),
    });
    if message.body.size != Some(0) {
        value["postData"] = json!({
            "mimeType": text(message.header("content-type")),
            "params": [],
            "text": text(message.body.text.as_ref()),
        });
    }
    with_message(value, message)
}

fn response(hop: &Hop) -> Value {
    let Some(response) = &hop.response else {
        // What browsers export for a request without a response.
        return json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": { "size": 0, "mimeType": "" },
            "redirectURL": "", "headersSize": -1, "bodySize": -1,
        });
    };
    let message = &response.message;
    let mut content = json!({
        "size": message.body.size.unwrap_or(0),
        "mimeType": text(message.header("content-type")),
    });
    match (&message.body.text, message.body.size) {
        (Some(text), _) => content["text"] = json!(text.to_string()),
        (None, Some(0)) => {}
        (None, _) => content["comment"] = json!("Only the size was kept."),
    }
    let value = json!({
        "status": response.status,
        "statusText": response.reason,
        "cookies": cookies(message, "set-cookie").filter_map(|it| set_cookie(&it)).collect::<Vec<_>>(),
        "content": content,
        "redirectURL": text(message.header("location")),
    });
    with_message(value, message)
}

/// Adds the fields that requests and responses share.
fn with_message(mut value: Value, message: &Message) -> Value {
    let headers = message.headers.iter();
    let headers = headers.map(|it| json!({ "name": it.name, "value": it.value.to_string() }));
    value["httpVersion"] = json!(message.version);
    value["headers"] = headers.collect();
    // HTTP/2 compresses headers, so their size on the wire is unknown (-1).
    let is_plain = message.version.starts_with("HTTP/1");
    value["headersSize"] = if is_plain { json!(message.head) } else { json!(-1) };
    value["bodySize"] = message.body.size.map_or(json!(-1), |size| json!(size));
    value
}

fn text(text: Option<&Text>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn cookies(message: &Message, name: &str) -> impl Iterator<Item = String> {
    let headers = message.headers.iter().filter(move |header| header.name == name);
    headers.map(|header| header.value.to_string())
}

fn set_cookie(text: &str) -> Option<Value> {
    let cookie = Cookie::parse(text).ok()?;
    Some(json!({
        "name": cookie.name(), "value": cookie.value(), "path": "/",
        "httpOnly": cookie.http_only().unwrap_or(false),
        "secure": cookie.secure().unwrap_or(false),
    }))
}

/// ISO 8601 with milliseconds.
fn iso8601(start: Timestamp, offset_micros: u64) -> String {
    let millis = start.as_millis() + i64::try_from(offset_micros / 1000).unwrap_or(0);
    let seconds = Timestamp::from_millis(millis).rfc3339();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), millis.rem_euclid(1000))
}
