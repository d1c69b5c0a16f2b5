//! New secrets and tokens, from the thread's cryptographic generator. The operating system
//! seeds it.

use crate::domain::source::{StandardWebhooksKey, VerificationScheme, WebhookScheme};
use crate::secret::{SECRET_PREFIX, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Random bytes in every secret, key and token.
pub(super) const RANDOM_BYTES: usize = 32;

/// A secret that every scheme of `source` can use: `whsec_` and base64 if one needs that,
/// else 64 hexadecimal digits, which every service's form accepts.
pub fn generate_webhook_secret(source: &WebhookScheme) -> Secret {
    let bytes = random();
    let wants_base64 = source.verification.iter().any(|scheme| match scheme {
        VerificationScheme::StandardWebhooks(scheme) => scheme.key == StandardWebhooksKey::Base64,
        VerificationScheme::Hmac(_) | VerificationScheme::Token(_) => false,
    });
    if wants_base64 {
        standard(&bytes)
    } else {
        Secret::from(hex::encode(*bytes))
    }
}

/// A Standard Webhooks secret that signs the requests to a sink.
pub fn generate_sink_secret() -> Secret {
    standard(&random())
}

fn standard(bytes: &[u8; RANDOM_BYTES]) -> Secret {
    Secret::from(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
}

/// A token for a URL: 256 bits in 43 characters that need no encoding.
pub fn generate_token() -> String {
    URL_SAFE_NO_PAD.encode(*random())
}

pub(super) fn random() -> Zeroizing<[u8; RANDOM_BYTES]> {
    Zeroizing::new(rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source::{Locator, StandardWebhooksScheme, TokenScheme};

    fn source(verification: Vec<VerificationScheme>) -> WebhookScheme {
        WebhookScheme {
            verification,
            delivery_id: vec![],
            account: vec![],
            handshakes: vec![],
        }
    }

    fn token() -> VerificationScheme {
        VerificationScheme::Token(TokenScheme {
            at: Locator::Header("x-token".to_owned()),
            prefix: String::new(),
        })
    }

    fn standard_scheme(key: StandardWebhooksKey) -> VerificationScheme {
        VerificationScheme::StandardWebhooks(StandardWebhooksScheme {
            prefix: "webhook".to_owned(),
            key,
            tolerance_seconds: 300,
        })
    }

    #[test]
    fn a_secret_has_the_form_that_the_schemes_need() {
        let base64 = source(vec![token(), standard_scheme(StandardWebhooksKey::Base64)]);
        let secret = generate_webhook_secret(&base64);
        let key = secret.expose().strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(key).unwrap().len(), 32);

        for scheme in [token(), standard_scheme(StandardWebhooksKey::Raw)] {
            let secret = generate_webhook_secret(&source(vec![scheme]));
            assert_eq!(hex::decode(secret.expose()).unwrap().len(), 32);
        }
    }

    #[test]
    fn tokens_fit_into_a_path_and_differ() {
        let token = generate_token();
        assert_eq!(token.len(), 43);
        assert!(
            token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_ne!(token, generate_token());
    }
}
