//! The API reference, rendered from the OpenAPI document.

use serde_json::{Value, json};

use crate::api;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "docs.html")]
pub(crate) struct DocsPage {
    layout: Layout,
    operations: Vec<Operation>,
}

impl DocsPage {
    fn groups(&self) -> impl Iterator<Item = &[Operation]> {
        self.operations.chunk_by(|one, next| one.tag == next.tag)
    }
}

#[derive(Debug)]
pub(crate) struct Operation {
    id: String,
    tag: String,
    summary: String,
    description: String,
    method: String,
    path: String,
    scope: Option<String>,
    fields: Vec<Field>,
    status: String,
    response: Option<String>,
    /// Status and description.
    errors: Vec<(String, String)>,
    curl: String,
    /// Whether a link can send it.
    can_be_sent: bool,
}

/// A parameter of an operation, or a member of its body.
#[derive(Debug)]
pub(crate) struct Field {
    name: String,
    location: String,
    type_name: String,
    required: bool,
    description: String,
}

/// In the order of the page.
const TAGS: [&str; 5] = ["Tokens", "Who you are", "Calendar", "Contacts", "Administration"];

/// `GET /docs`
pub(crate) async fn page(State(app): State<App>, caller: Option<Caller>) -> Page<DocsPage> {
    let document = serde_json::to_value(api::document(&app.settings.product)).unwrap_or_default();
    let mut operations = Description { document, origin: app.settings.origin() }.operations();
    operations.sort_by_key(|one| TAGS.iter().position(|tag| *tag == one.tag));
    Page(DocsPage { layout: Layout::new(&app, caller.as_ref()).at("/docs"), operations })
}

/// The OpenAPI document, and the origin of this instance.
struct Description {
    document: Value,
    origin: String,
}

impl Description {
    fn operations(&self) -> Vec<Operation> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        let all = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, details)| self.operation(path, method, details))
        });
        all.collect()
    }

    fn operation(&self, path: &str, method: &str, details: &Value) -> Operation {
        let text = |value: &Value| plain(value.as_str().unwrap_or_default());
        let body = &details["requestBody"]["content"]["application/json"]["schema"];
        let mut fields: Vec<Field> =
            details["parameters"].as_array().into_iter().flatten().map(parameter).collect();
        fields.extend(self.properties(body));
        let responses = details["responses"].as_object().into_iter().flatten();
        let success = responses.clone().find(|(status, _)| status.starts_with('2'));
        let schema = success.map(|(_, success)| &success["content"]["application/json"]["schema"]);
        let schema = schema.filter(|schema| schema.is_object());
        let method = method.to_uppercase();
        let scope = details["security"][0]["session"][0].as_str().map(str::to_owned);
        Operation {
            id: format!("{}{}", method.to_lowercase(), path.replace(['/', '{', '}'], "-")),
            tag: text(&details["tags"][0]),
            summary: text(&details["summary"]),
            description: text(&details["description"]),
            curl: self.curl(path, &method, body, scope.is_some()),
            status: success.map(|(status, _)| status.clone()).unwrap_or_default(),
            response: schema.map(|schema| {
                serde_json::to_string_pretty(&self.example(schema)).unwrap_or_default()
            }),
            errors: responses
                .filter(|(status, _)| can_return(status, path, body.is_object(), scope.is_some()))
                .map(|(status, error)| (status.clone(), text(&error["description"])))
                .collect(),
            can_be_sent: method == "GET" && !path.contains('{'),
            path: path.to_owned(),
            method,
            scope,
            fields,
        }
    }

    fn properties(&self, schema: &Value) -> Vec<Field> {
        let schema = self.resolve(schema);
        let required = &schema["required"];
        let field = |(name, property): (&String, &Value)| Field {
            name: name.clone(),
            location: "body".to_owned(),
            type_name: type_name(self.resolve(property)),
            required: required.as_array().is_some_and(|names| names.iter().any(|one| one == name)),
            description: plain(property["description"].as_str().unwrap_or_default()),
        };
        schema["properties"].as_object().into_iter().flatten().map(field).collect()
    }

    fn resolve<'d>(&'d self, schema: &'d Value) -> &'d Value {
        let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(schema)
    }

    /// An example value for a schema.
    fn example(&self, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        let type_name = match &schema["type"] {
            Value::Array(types) => types.first().and_then(Value::as_str),
            name => name.as_str(),
        };
        match (type_name, schema["format"].as_str()) {
            (Some("array"), _) => json!([self.example(&schema["items"])]),
            (Some("string"), Some("uuid")) => json!("0195a7c2-4f1e-7b3a-9c55-2f6f0d1e8a41"),
            (Some("string"), Some("email")) => json!("ada@example.test"),
            (Some("string"), Some("date-time")) => json!("2026-11-23T16:12:00Z"),
            (Some("string"), _) => json!("…"),
            (Some("boolean"), _) => json!(true),
            (Some("integer" | "number"), _) => json!(300),
            _ => {
                let properties = schema["properties"].as_object().into_iter().flatten();
                properties
                    .map(|(name, value)| (name.clone(), self.example_of(name, value)))
                    .collect()
            }
        }
    }

    /// A more realistic example if the name is known.
    fn example_of(&self, name: &str, schema: &Value) -> Value {
        let known = match name {
            "name" => "Ada Lovelace",
            "email" => "ada@example.test",
            "phone" => "+1 216 555 0142",
            "password" => "a lantern under the stairs",
            "title" => "Lunch with Radia",
            "location" | "place" => "The Spanning Tree",
            "access_token" => "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJpc3MiOi…",
            "refresh_token" | "token" => "uiCZCbZnYrroENcL-zWLwZtlf1BpMYPLNhsZhVOLw0Q",
            "token_type" => "Bearer",
            "scope" => "profile calendar:read",
            "address" => "203.0.113.9",
            "user_agent" => "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
            "key" => "jwt",
            "door" => "oauth:google",
            "roles" => return json!(["admin"]),
            _ => return self.example(schema),
        };
        json!(known)
    }

    fn curl(&self, path: &str, method: &str, body: &Value, protected: bool) -> String {
        let address = format!("{}{path}", self.origin);
        let mut lines = vec![match method {
            "GET" => format!("curl {address}"),
            _ => format!("curl -X {method} {address}"),
        }];
        if protected {
            lines.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
        }
        if body.is_object() {
            lines.push("-H \"Content-Type: application/json\"".to_owned());
            lines.push(format!("-d '{}'", self.example(body)));
        }
        lines.join(" \\\n  ")
    }
}

/// All operations document the same errors; this keeps those that can happen.
fn can_return(status: &str, path: &str, has_body: bool, is_protected: bool) -> bool {
    match status {
        "400" | "413" | "415" | "422" => has_body,
        "401" | "403" => is_protected || has_body,
        "404" => path.contains('{'),
        "409" => path.contains("contacts") && has_body,
        "405" => false,
        status => !status.starts_with('2'),
    }
}

fn parameter(parameter: &Value) -> Field {
    let text = |name: &str| plain(parameter[name].as_str().unwrap_or_default());
    Field {
        name: text("name"),
        location: text("in"),
        type_name: type_name(&parameter["schema"]),
        required: parameter["required"] == true,
        description: text("description"),
    }
}

/// Removes the backticks of rustdoc.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn type_name(schema: &Value) -> String {
    let name = match &schema["type"] {
        Value::Array(types) => {
            types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ")
        }
        name => name.as_str().unwrap_or("object").to_owned(),
    };
    match schema["format"].as_str() {
        Some(format) => format!("{name} ({format})"),
        None => name,
    }
}
