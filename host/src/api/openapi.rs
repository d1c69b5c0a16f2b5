//! `/openapi.json`, generated from the routes.
//!
//! Owns: everything that follows from an operation's shape, so that no handler repeats
//! it. Operations that need a key answer 401, those with a body 413, those with an id
//! 404, and every error without a body of its own is a [`Problem`].
//! Never does: describe a single operation; each handler does that itself.

use super::AppState;
use crate::config::Config;
use crate::http::{PROBLEM_JSON, Problem};
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::Schema;
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

/// Adds the title and the security scheme, describes every error as a problem, and adds the
/// limits that the operator has set.
pub(super) fn with_document<S>(routes: OpenApiRouter<S>, config: &Config) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut routes = OpenApiRouter::with_openapi(Base::openapi()).merge(routes);
    let document = routes.get_openapi_mut();
    each_operation(document, describe_errors);
    add_limits(document, config);
    routes
}

/// Adds the operator's limits to the numbers that they bound.
fn add_limits(document: &mut Document, config: &Config) {
    let outbox = &config.outbox;
    for (number, min, max) in [
        ("LeaseSeconds", None, Some(outbox.lease_seconds_max.u64())),
        ("WaitSeconds", None, Some(outbox.wait_seconds_max.u64())),
        (
            "PollSeconds",
            Some(config.polling.interval_seconds_min.u64()),
            None,
        ),
    ] {
        let components = document.components.as_mut();
        let schema = components.and_then(|components| components.schemas.get_mut(number));
        if let Some(RefOr::T(Schema::Object(number))) = schema {
            number.minimum = min.map(Into::into).or(number.minimum.take());
            number.maximum = max.map(Into::into).or(number.maximum.take());
        }
    }
}

/// The route `/openapi.json`. The document is serialized once.
pub(super) fn route(document: &Document) -> axum::Router {
    // Built from derived types, whose keys are all strings: this cannot fail.
    let json = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    let handler = async move || ([(CONTENT_TYPE, "application/json")], json);
    axum::Router::new().route("/openapi.json", get(handler))
}

/// Adds the answers that all routes with a key have in common.
pub(super) fn with_common_answers(mut routes: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    each_operation(routes.get_openapi_mut(), add_common_answers);
    routes
}

fn each_operation(document: &mut Document, change: fn(&mut Operation)) {
    for item in document.paths.paths.values_mut() {
        let PathItem {
            get,
            put,
            post,
            patch,
            delete,
            ..
        } = item;
        [get, put, post, patch, delete]
            .into_iter()
            .flatten()
            .for_each(change);
    }
}

/// Gives every error without a body the body of a problem.
fn describe_errors(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if status.starts_with(['4', '5']) && response.content.is_empty() {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let content = RefOr::T(content);
            response.content.insert(PROBLEM_JSON.to_owned(), content);
        }
    }
}

fn add_common_answers(operation: &mut Operation) {
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
        ("401", "The API key is missing, unknown or revoked"),
        ("500", "Internal error; the log has the cause"),
        (
            "503",
            "The database is unavailable; Retry-After says when to try again",
        ),
    ];
    if has_body {
        answers.extend([
            (
                "400",
                "The body cannot be read; `errors` points at the field",
            ),
            ("413", "The body is too large"),
            ("415", "The Content-Type is not JSON"),
            (
                "422",
                "The body is not valid; `errors` points at the fields",
            ),
        ]);
    } else if places.contains(&ParameterIn::Query) {
        answers.push(("400", "A parameter cannot be read"));
    }
    if places.contains(&ParameterIn::Path) {
        answers.push(("404", "No such resource in this organization"));
    }
    for (status, description) in answers {
        let response = ResponseBuilder::new().description(description).build();
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
        let config = Config::load(None, std::iter::empty(), toml::Table::new()).unwrap();
        let (_, document) = with_document(routes, &config).split_for_parts();
        serde_json::to_value(document).unwrap()
    }

    fn each_described(document: &Value, mut check: impl FnMut(&str, &str, &Value)) {
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                check(method, path, operation);
            }
        }
    }

    #[test]
    fn every_route_below_v1_needs_a_key_and_says_what_it_answers() {
        let mut ids = BTreeSet::new();
        each_described(&document(), |method, path, operation| {
            let name = format!("{method} {path}");
            let id = operation["operationId"].as_str().expect(&name);
            assert!(ids.insert(id.to_owned()), "{name}: {id} is taken");
            assert!(operation["tags"][0].is_string(), "{name} has no tag");
            // A summary is the whole first line of a handler's documentation.
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
                    "{name} answers {status} without a problem: {response}"
                );
                assert!(
                    problem
                        || status == "204"
                        || response["content"]["application/json"].is_object()
                        || response["content"]["text/plain"].is_object(),
                    "{name} answers {status} without a body"
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
    fn every_reference_has_a_target() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
