//! The kinds of credentials.

use crate::domain::text_enum::text_enum;

text_enum! {
    /// The kind of an integration's credential.
    pub enum CredentialKind {
        /// A token that never changes.
        Token = "token",
        /// A refresh token, which is exchanged for access tokens (RFC 6749 section 6).
        OauthRefresh = "oauth_refresh",
        /// The token that Nango has for the integration's connection.
        Nango = "nango",
    }
}
