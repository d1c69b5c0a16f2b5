//! Organizations and projects in the URLs of a payload. An event of Sentry has the number of its
//! project; only the event's own URL has the slug, which people know.

/// Bytes of a slug. Sentry's have at most 100 characters.
const SLUG_BYTES_MAX: usize = 100;

/// The organization and project of a URL in Sentry's API:
/// `https://sentry.io/api/0/projects/{organization}/{project}/events/…`.
pub fn project_of(url: &str) -> Option<(&str, &str)> {
    let (_, rest) = path_of(url)?.split_once("/api/0/projects/")?;
    let mut steps = rest.split('/');
    let organization = steps.next().filter(|step| is_slug(step))?;
    let project = steps.next().filter(|step| is_slug(step))?;
    Some((organization, project))
}

/// The organization of any URL of Sentry: `…/organizations/{organization}/…`, or
/// `https://{organization}.sentry.io/issues/…`.
pub fn organization_of(url: &str) -> Option<&str> {
    let path = path_of(url)?;
    if let Some((organization, _)) = project_of(url) {
        return Some(organization);
    }
    if let Some((_, rest)) = path.split_once("/organizations/") {
        return rest.split('/').next().filter(|step| is_slug(step));
    }
    let host = url.split_once("://")?.1.split('/').next()?;
    // The hosts of Sentry's regions do not serve these paths.
    let is_page = path.starts_with("/issues/") || path.starts_with("/alerts/");
    let organization = host.strip_suffix(".sentry.io").filter(|_| is_page)?;
    Some(organization).filter(|step| is_slug(step))
}

/// The path of a URL, without query and fragment.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    path.split(['?', '#']).next()
}

fn is_slug(step: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !step.is_empty() && step.len() <= SLUG_BYTES_MAX && step.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_an_event_names_organization_and_project() {
        let slugs = Some(("acme", "front-end"));
        for url in [
            "https://sentry.io/api/0/projects/acme/front-end/events/1/",
            "https://us.sentry.io/api/0/projects/acme/front-end/events/1/?a=/b",
            "https://example.com/sentry/api/0/projects/acme/front-end/",
            "http://localhost:9000/api/0/projects/acme/front-end",
        ] {
            assert_eq!(project_of(url), slugs, "{url}");
        }
    }

    #[test]
    fn any_other_url_names_no_project() {
        for url in [
            "",
            "https://",
            "https://sentry.io",
            "https://sentry.io/api/0/projects/",
            "https://sentry.io/api/0/projects/acme",
            "https://sentry.io/api/0/projects/acme/",
            "https://sentry.io/api/0/projects//front-end/",
            "https://sentry.io/api/0/projects/acme/é/../",
            "https://sentry.io/api/0/projects/acme/%2e%2e/",
            "https://sentry.io/projects/acme/front-end/",
            "https://sentry.io/issues/?next=/api/0/projects/acme/front-end/",
            "/api/0/projects/acme/front-end/",
        ] {
            assert_eq!(project_of(url), None, "{url}");
        }
    }

    #[test]
    fn an_organization_is_a_path_segment_or_a_subdomain() {
        for (url, expected) in [
            (
                "https://sentry.io/organizations/acme/issues/1/",
                Some("acme"),
            ),
            (
                "https://sentry.io/api/0/organizations/acme/issues/1/",
                Some("acme"),
            ),
            (
                "https://sentry.io/api/0/projects/acme/web/events/1/",
                Some("acme"),
            ),
            ("https://acme.sentry.io/issues/1/?referrer=x", Some("acme")),
            (
                "https://acme.sentry.io/alerts/rules/details/1/",
                Some("acme"),
            ),
            ("https://us.sentry.io/api/0/issues/1/", None),
            ("https://sentry.example.com/issues/1/", None),
            ("https://a.b.sentry.io/issues/1/", None),
            ("https://sentry.io/issues/1/", None),
        ] {
            assert_eq!(organization_of(url), expected, "{url}");
        }
    }
}
