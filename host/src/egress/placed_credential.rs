//! The credential of an integration in a request. It is added as the provider's description
//! says, after the guest has written its own part, so only the service sees it.

use crate::domain::source::CredentialPlacement;
use crate::secret::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;
use url::Url;

/// A credential and its place in a request. Guests cannot write to the place, even while
/// there is no credential.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlacedCredential {
    placement: Option<CredentialPlacement>,
    secret: Option<Secret>,
}

impl PlacedCredential {
    /// Without a placement, the secret is dropped.
    pub(crate) fn new(placement: Option<CredentialPlacement>, secret: Option<Secret>) -> Self {
        let secret = secret.filter(|_| placement.is_some());
        Self { placement, secret }
    }

    /// The secret, as a part of a kept response's key: the service may answer differently
    /// under another credential.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The header that no guest may set.
    pub(crate) fn header(&self) -> Option<HeaderName> {
        match self.placement.as_ref()? {
            CredentialPlacement::Bearer => Some(AUTHORIZATION),
            CredentialPlacement::Header(name) => name.parse().ok(),
            CredentialPlacement::Query(_) => None,
        }
    }

    /// True if the guest may set `Authorization`: only if the provider has no credential.
    pub(crate) fn leaves_authorization(&self) -> bool {
        self.placement.is_none()
    }

    /// Removes the credential's query parameter from `url`. A guest may have written it, or
    /// a service that repeats a request in a redirect.
    pub(crate) fn strip(&self, url: &mut Url) {
        let Some(CredentialPlacement::Query(name)) = &self.placement else {
            return;
        };
        let Some(query) = url.query() else { return };
        let kept: Vec<&str> = query.split('&').filter(|pair| !names(pair, name)).collect();
        let kept = kept.join("&");
        url.set_query((!kept.is_empty()).then_some(&kept));
    }

    /// Adds the credential.
    ///
    /// # Errors
    /// If the credential does not fit into its place. The text does not contain it.
    pub(crate) fn attach(&self, url: &mut Url, headers: &mut HeaderMap) -> Result<(), String> {
        let (Some(placement), Some(secret)) = (&self.placement, &self.secret) else {
            return Ok(());
        };
        let (name, text) = match placement {
            CredentialPlacement::Query(name) => {
                url.query_pairs_mut().append_pair(name, secret.expose());
                return Ok(());
            }
            CredentialPlacement::Bearer => (
                AUTHORIZATION,
                Cow::from(format!("Bearer {}", secret.expose())),
            ),
            CredentialPlacement::Header(name) => {
                let name = HeaderName::try_from(name)
                    .map_err(|_| "the credential's header has no valid name")?;
                (name, Cow::from(secret.expose()))
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| "the credential holds characters that no header may hold")?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }
}

/// True if `pair` of a query has this name, in any encoding.
fn names(pair: &str, name: &str) -> bool {
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .is_some_and(|(found, _)| found == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialPlacement::{Bearer, Header, Query};

    fn placed(placement: CredentialPlacement, url: &str) -> (String, HeaderMap) {
        let credential = PlacedCredential::new(Some(placement), Some("s3 cret&".into()));
        let (mut url, mut headers) = (url.parse().unwrap(), HeaderMap::new());
        credential.strip(&mut url);
        credential.attach(&mut url, &mut headers).unwrap();
        (url.to_string(), headers)
    }

    #[test]
    fn a_credential_goes_where_the_description_says() {
        let (url, headers) = placed(Bearer, "https://a.example/?q=1");
        assert_eq!(headers["authorization"], "Bearer s3 cret&");
        assert!(headers["authorization"].is_sensitive());
        assert_eq!(url, "https://a.example/?q=1");
        let (_, headers) = placed(Header("x-api-key".into()), "https://a.example/");
        assert_eq!(headers["x-api-key"], "s3 cret&");
        assert!(headers["x-api-key"].is_sensitive());
        let (url, headers) = placed(Query("key".into()), "https://a.example/");
        assert_eq!(url, "https://a.example/?key=s3+cret%26");
        assert!(headers.is_empty());
    }

    #[test]
    fn a_guests_text_in_its_place_is_dropped_and_the_rest_is_unchanged() {
        let query = "https://a.example/?a=%20b&key=1&%6bey=2&key&keys=3&a+b&&k%C3%A9y=4";
        let (url, _) = placed(Query("key".into()), query);
        let expected = "https://a.example/?a=%20b&keys=3&a+b&&k%C3%A9y=4&key=s3+cret%26";
        assert_eq!(url, expected);
        let (url, _) = placed(Query("a b".into()), "https://a.example/?a+b=1&a%20b=2");
        assert_eq!(url, "https://a.example/?a+b=s3+cret%26");
    }

    #[test]
    fn a_place_is_reserved_without_a_credential_and_a_credential_needs_a_place() {
        let mut url = "https://a.example/?key=1".parse().unwrap();
        PlacedCredential::new(Some(Query("key".into())), None).strip(&mut url);
        assert_eq!(url.as_str(), "https://a.example/");
        let nowhere = PlacedCredential::new(None, Some("secret".into()));
        assert!(nowhere.secret().is_none() && nowhere.leaves_authorization());
    }

    #[test]
    fn a_credential_that_fits_into_no_header_is_not_shown() {
        let credential = PlacedCredential::new(Some(Bearer), Some("two\nlines".into()));
        let mut url = "https://a.example/".parse().unwrap();
        let wrong = credential.attach(&mut url, &mut HeaderMap::new());
        assert!(wrong.is_err_and(|text| !text.contains("two")));
    }
}
