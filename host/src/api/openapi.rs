//! `/openapi.json`, generated from the routes.
//!
//! What follows from an operation's shape is added here and not repeated at each
//! handler: what needs a key answers 401, what has a body may be too large, what
//! names an id may not exist.

use super::AppState;
use crate::http::{PROBLEM_JSON, Problem};
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

/// The name of the security scheme.
const API_KEY: &str = "api_key";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Triggerhouse",
        description = "Turns webhooks into runs of automations. Times are RFC 3339 in UTC. \
            Errors are application/problem+json."
    ),
    components(schemas(Problem)),
    modifiers(&ApiKey)
)]
struct Base;

struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, document: &mut Document) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("th_…".to_owned());
        scheme.description = Some("An API key of an organization".to_owned());
        document
            .components
            .get_or_insert_default()
            .add_security_scheme(API_KEY, SecurityScheme::Http(scheme));
    }
}

/// The routes under one description of the whole.
pub(super) fn with_document<S>(routes: OpenApiRouter<S>) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    OpenApiRouter::with_openapi(Base::openapi()).merge(routes)
}

/// `/openapi.json`, written once.
pub(super) fn route(document: &Document) -> axum::Router {
    // Built from derived types, whose keys are all strings: this cannot fail.
    let json = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    let handler = async move || ([(CONTENT_TYPE, "application/json")], json);
    axum::Router::new().route("/openapi.json", get(handler))
}

/// Adds to each route that needs a key what all such routes answer.
pub(super) fn with_common_answers(mut routes: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    for item in routes.get_openapi_mut().paths.paths.values_mut() {
        for operation in operations(item) {
            describe(operation);
        }
    }
    routes
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn describe(operation: &mut Operation) {
    let no_scopes: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(API_KEY, no_scopes)]);
    let places: Vec<ParameterIn> = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter.parameter_in.clone()),
            RefOr::Ref(_) => None,
        })
        .collect();
    let has_body = operation.request_body.is_some();
    let mut answers = vec![
        ("401", "No API key, or none that is known"),
        ("500", "Something went wrong here"),
        (
            "503",
            "The database is unavailable; Retry-After says when to try again",
        ),
    ];
    if has_body {
        answers.extend([
            ("400", "The body cannot be read; errors say where"),
            ("413", "The body is too large"),
            ("415", "The body is no JSON"),
            ("422", "The body is not valid; errors say where"),
        ]);
    } else if places.contains(&ParameterIn::Query) {
        answers.push(("400", "A parameter cannot be read"));
    }
    if places.contains(&ParameterIn::Path) {
        answers.push(("404", "No such resource in this organization"));
    }
    for (status, description) in answers {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let response = ResponseBuilder::new()
            .description(description)
            .content(PROBLEM_JSON, content)
            .build();
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| response.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn document() -> Value {
        let routes = super::super::public().merge(super::super::v1());
        let (_, document) = with_document(routes).split_for_parts();
        serde_json::to_value(document).unwrap()
    }

    fn each_operation(document: &Value, mut check: impl FnMut(&str, &str, &Value)) {
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                check(method, path, operation);
            }
        }
    }

    #[test]
    fn every_route_below_v1_needs_a_key_and_says_what_it_answers() {
        let mut ids = BTreeSet::new();
        each_operation(&document(), |method, path, operation| {
            let name = format!("{method} {path}");
            let id = operation["operationId"].as_str().expect(&name);
            assert!(ids.insert(id.to_owned()), "{name}: {id} is taken");
            assert!(operation["tags"][0].is_string(), "{name} has no tag");
            // A summary is the first line of a handler's documentation, whole.
            let summary = operation["summary"].as_str().expect(&name);
            assert!(
                !summary.ends_with(['.', ',']) && summary.len() < 60,
                "{name}: {summary}"
            );
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                let problem = status.starts_with(['4', '5']) && !name.ends_with("/readyz");
                let schema = &response["content"][PROBLEM_JSON]["schema"]["$ref"];
                assert!(
                    !problem || schema == "#/components/schemas/Problem",
                    "{name} answers {status} with no problem: {response}"
                );
                assert!(
                    problem
                        || status == "204"
                        || response["content"]["application/json"].is_object()
                        || response["content"]["text/plain"].is_object(),
                    "{name} answers {status} with no body"
                );
            }
            if !path.starts_with("/v1/") {
                assert!(operation.get("security").is_none(), "{name} needs no key");
                return;
            }
            let security = serde_json::json!([{"api_key": []}]);
            assert_eq!(operation["security"], security, "{name}");
            assert!(responses.contains_key("401"), "{name}");
            assert_eq!(responses.contains_key("404"), path.contains('{'), "{name}");
        });
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
