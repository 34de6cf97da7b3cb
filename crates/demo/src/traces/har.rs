//! HTTP Archive 1.2: what the developer tools of every browser open.

use latchkey_domain::Timestamp;
use serde_json::{Map, Value, json};

use super::model::{Body, Header, Hop, Trace, header};

/// The archive. Each secret is replaced by a text of the same length, so that
/// every size in it can be recounted from what is there.
pub(crate) fn render(trace: &Trace) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "Latchkey", "version": env!("CARGO_PKG_VERSION") },
            "comment": "Each secret is replaced by a text of the same length: sizes are those of the wire.",
            "pages": [],
            "entries": trace.hops.iter().map(|hop| entry(trace, hop)).collect::<Vec<_>>(),
        }
    })
}

fn entry(trace: &Trace, hop: &Hop) -> Value {
    let millis = |micros: u64| Value::from(micros as f64 / 1000.0);
    json!({
        "startedDateTime": at(trace.begun_at, hop.begun),
        "time": millis(hop.took()),
        "request": request(hop),
        "response": response(hop),
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": 0, "wait": millis(hop.waited), "receive": millis(hop.received),
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
    let request = &hop.request;
    let url = request.url.to_string();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut value = json!({
        "method": request.method,
        "url": url,
        "httpVersion": request.version,
        "cookies": cookies(&request.headers),
        "headers": headers(&request.headers),
        "queryString": pairs(query),
        "headersSize": head_size(&request.version, request.head),
        "bodySize": size(&request.body),
    });
    if request.body.size != Some(0) {
        value["postData"] = json!({
            "mimeType": content_type(&request.headers),
            "params": [],
            "text": text(&request.body),
        });
    }
    value
}

fn response(hop: &Hop) -> Value {
    let Some(response) = &hop.response else {
        // HAR has no word for an answer that never came; browsers write this.
        return json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": { "size": 0, "mimeType": "" },
            "redirectURL": "", "headersSize": -1, "bodySize": -1,
        });
    };
    let location = header(&response.headers, "location");
    let mut content = Map::new();
    content.insert("size".to_owned(), json!(response.body.size.unwrap_or(0)));
    content.insert("mimeType".to_owned(), json!(content_type(&response.headers)));
    if response.body.text.is_some() {
        content.insert("text".to_owned(), json!(text(&response.body)));
    } else if response.body.size != Some(0) {
        content.insert("comment".to_owned(), json!("Only the size was kept."));
    }
    json!({
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": response.version,
        "cookies": set_cookies(&response.headers),
        "headers": headers(&response.headers),
        "content": content,
        "redirectURL": location.map(ToString::to_string).unwrap_or_default(),
        "headersSize": head_size(&response.version, response.head),
        "bodySize": size(&response.body),
    })
}

/// Over HTTP/2 heads are compressed: what they took is not known (-1).
fn head_size(version: &str, size: usize) -> Value {
    if version.starts_with("HTTP/1") { json!(size) } else { json!(-1) }
}

fn size(body: &Body) -> Value {
    body.size.map_or(json!(-1), |size| json!(size))
}

fn text(body: &Body) -> String {
    body.text.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn content_type(headers: &[Header]) -> String {
    header(headers, "content-type").map(ToString::to_string).unwrap_or_default()
}

fn headers(headers: &[Header]) -> Vec<Value> {
    let header =
        |header: &Header| json!({ "name": header.name, "value": header.value.to_string() });
    headers.iter().map(header).collect()
}

fn pairs(query: &str) -> Vec<Value> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn cookies(headers: &[Header]) -> Vec<Value> {
    let sent = headers.iter().filter(|header| header.name == "cookie");
    let sent: Vec<_> = sent.map(|header| header.value.to_string()).collect();
    let pairs = sent.iter().flat_map(|value| value.split(';')).filter_map(|p| p.split_once('='));
    pairs.map(|(name, value)| json!({ "name": name.trim(), "value": value })).collect()
}

fn set_cookies(headers: &[Header]) -> Vec<Value> {
    let set = headers.iter().filter(|header| header.name == "set-cookie");
    set.filter_map(|header| {
        let text = header.value.to_string();
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let attributes: Vec<_> = parts.collect();
        let has = |name: &str| attributes.iter().any(|a| a.eq_ignore_ascii_case(name));
        Some(json!({
            "name": name, "value": value, "path": "/",
            "httpOnly": has("HttpOnly"), "secure": has("Secure"),
        }))
    })
    .collect()
}

/// ISO 8601 with milliseconds.
fn at(begun: Timestamp, micros: u64) -> String {
    let millis = begun.as_millis() + i64::try_from(micros / 1000).unwrap_or(0);
    let seconds = Timestamp::from_millis(millis).rfc3339();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), millis.rem_euclid(1000))
}
