//! The field `persons`.

use crate::Facts;
use triggerhouse_sdk::checks::{self, Check, list, same};
use triggerhouse_sdk::glob;

/// The start of an entry that matches every address of a domain.
const ANYBODY: &str = "*@";

/// Checks the domains.
///
/// # Errors
/// The reason, if one of them is a broken glob.
pub fn valid(wanted: &[String]) -> Check {
    let domains = wanted
        .iter()
        .filter_map(|wanted| wanted.strip_prefix(ANYBODY));
    let domains: Vec<String> = domains.map(str::to_owned).collect();
    checks::globs("persons", &domains)
}

/// Passes if the event is about a wanted person.
///
/// # Errors
/// The reason otherwise.
pub fn check(facts: &Facts, wanted: &[String]) -> Check {
    if wanted.is_empty() {
        return Ok(());
    }
    let person = facts.person.as_ref();
    let id = person.and_then(|person| person.id.as_deref());
    let email = person.and_then(|person| person.email.as_deref());
    let ids = [facts.distinct_id.as_deref(), id];
    let is_wanted = |wanted: &String| {
        ids.contains(&Some(wanted.as_str())) || email.is_some_and(|email| is_address(wanted, email))
    };
    if wanted.iter().any(is_wanted) {
        return Ok(());
    }
    let seen: Vec<String> = ids
        .into_iter()
        .chain([email])
        .flatten()
        .map(str::to_owned)
        .collect();
    if seen.is_empty() {
        return Err("persons: the event has none".into());
    }
    let (seen, wanted) = (list(&seen), list(wanted));
    Err(format!("persons: {seen} does not match {wanted}"))
}

/// True if `email` is the wanted address, or one of the wanted domain.
fn is_address(wanted: &str, email: &str) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    match (wanted.strip_prefix(ANYBODY), domain) {
        (Some(wanted), Some(domain)) => glob::matches_any_case(wanted, domain),
        (Some(_), None) => false,
        (None, _) => same(wanted, email),
    }
}
