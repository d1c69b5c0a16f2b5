//! The hosts that a provider may reach: those that it declares AND the operator grants.
//!
//! An entry is `host` or `host:port`. Without a port it means port 443.
//!
//! An operator's entry with an address and a port (`127.0.0.1:9000`, `[::1]:9000`) is
//! unmistakable. It needs no declaration, because the provider's author cannot know it. The
//! address may be private, and http is allowed. The entry opens that address at that port,
//! and no name that leads there.
//!
//! URLs are parsed once, by the crate that also sends them, and compared by the parsed
//! host. So `2130706433`, `0x7f.1` and `127.1` are `127.0.0.1`, and a name in another
//! script is its punycode.

use crate::egress::address::is_public;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// The port of an entry without one.
const PORT_DEFAULT: u16 = 443;
/// Bytes of a host that errors and log lines show; no name is longer.
const HOST_BYTES_SHOWN: usize = 253;
/// Characters of a scheme that errors show; a guest can write one of any length.
const SCHEME_CHARS_SHOWN: usize = 16;

/// The hosts that one provider may reach.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPolicy {
    declared: Vec<(Host, u16)>,
    granted: Vec<(Host, u16)>,
    /// The operator's entries with an address and a port.
    addresses: Vec<SocketAddr>,
}

/// A refused URL. The text shows its host and port at most.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("the scheme {0:?} is not https")]
    Scheme(String),
    #[error("http is for an address and port that the operator grants, and {0} is none")]
    Plain(HostPort),
    #[error("the URL holds a user name or a password; credentials are the host's business")]
    UserInfo,
    #[error("the URL has no host")]
    NoHost,
    #[error("{0} is not among the hosts that the provider declares")]
    NotDeclared(HostPort),
    #[error("{0} is not granted: the operator has to name it in allow_hosts")]
    NotGranted(HostPort),
    #[error("{0} is not a public address, and not granted with its port")]
    NotPublic(HostPort),
    #[error("{0} leads to no public address")]
    LeadsNowhere(String),
}

/// A host and its port, as errors and log lines show them. Port 443 is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort(String);

impl HostPort {
    /// The text for a URL that cannot be parsed.
    pub(crate) fn unknown() -> Self {
        Self("an unreadable URL".into())
    }

    pub(crate) fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let host = &host[..host.floor_char_boundary(HOST_BYTES_SHOWN)];
        match url.port_or_known_default() {
            Some(PORT_DEFAULT) | None => Self(host.to_owned()),
            Some(port) => Self(format!("{host}:{port}")),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HostPolicy {
    /// A policy of entries that [`entry`] accepted.
    pub(crate) fn new(declared: &[String], granted: &[String]) -> Self {
        let read = |entries: &[String]| entries.iter().filter_map(|text| split(text)).collect();
        let (declared, granted): (Vec<_>, Vec<_>) = (read(declared), read(granted));
        let with_port =
            |(host, port): &(Host, Option<u16>)| (host.clone(), port.unwrap_or(PORT_DEFAULT));
        Self {
            declared: declared.iter().map(with_port).collect(),
            addresses: granted
                .iter()
                .filter_map(|(host, port)| Some(SocketAddr::new(address(host)?, (*port)?)))
                .collect(),
            granted: granted.iter().map(with_port).collect(),
        }
    }

    /// Checks the URL of a guest's request, before its name is resolved.
    ///
    /// # Errors
    /// See [`Denied`].
    pub(crate) fn check(&self, url: &Url) -> Result<(), Denied> {
        let Some(wanted) = self.unless_granted_by_address(url)? else {
            return Ok(());
        };
        if !self.declared.contains(&wanted) {
            return Err(Denied::NotDeclared(HostPort::of(url)));
        }
        if !self.granted.contains(&wanted) {
            return Err(Denied::NotGranted(HostPort::of(url)));
        }
        public(&wanted.0, url)
    }

    /// Checks a URL that a tenant wrote: any public host by https, or an address and port
    /// that the operator grants.
    ///
    /// # Errors
    /// See [`Denied`].
    pub(crate) fn check_public(&self, url: &Url) -> Result<(), Denied> {
        match self.unless_granted_by_address(url)? {
            Some((host, _)) => public(&host, url),
            None => Ok(()),
        }
    }

    /// The host and port of an https URL. None if the operator grants them as an address
    /// and port: then nothing else needs a check.
    fn unless_granted_by_address(&self, url: &Url) -> Result<Option<(Host, u16)>, Denied> {
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            other => {
                return Err(Denied::Scheme(
                    other.chars().take(SCHEME_CHARS_SHOWN).collect(),
                ));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denied::UserInfo);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Denied::NoHost);
        };
        let host = host.to_owned();
        let granted = |address| self.addresses.contains(&SocketAddr::new(address, port));
        if address(&host).is_some_and(granted) {
            return Ok(None);
        }
        if plain {
            return Err(Denied::Plain(HostPort::of(url)));
        }
        Ok(Some((host, port)))
    }
}

fn public(host: &Host, url: &Url) -> Result<(), Denied> {
    match address(host) {
        Some(address) if !is_public(address) => Err(Denied::NotPublic(HostPort::of(url))),
        _ => Ok(()),
    }
}

/// Parses `host` or `host:port` into the form in which hosts are compared: lower case, and
/// addresses in their usual notation.
///
/// # Errors
/// The expected form.
pub(crate) fn entry(text: &str) -> Result<String, String> {
    let wrong = || format!("expected host or host:port, got {text:?}");
    let (host, port) = split(text).ok_or_else(wrong)?;
    let fits = match &host {
        // The URL parser accepts names that DNS does not: 254 characters, empty labels.
        Host::Domain(name) => name.len() <= HOST_BYTES_SHOWN && name.split('.').all(is_label),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    match (fits, port) {
        (false, _) => Err(wrong()),
        (true, None) => Ok(host.to_string()),
        (true, Some(port)) => Ok(format!("{host}:{port}")),
    }
}

/// As [`entry`], for an address with a port only.
///
/// # Errors
/// The expected form.
pub(crate) fn address_entry(text: &str) -> Result<String, String> {
    match split(text) {
        Some((Host::Ipv4(_) | Host::Ipv6(_), Some(_))) => entry(text),
        _ => Err(format!(
            "expected an address and port like 127.0.0.1:9000, got {text:?}"
        )),
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn split(text: &str) -> Option<(Host, Option<u16>)> {
    // The colons of an IPv6 address are in brackets, as in a URL.
    let end = text.find(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match text[end..].find(':') {
        Some(colon) => (&text[..end + colon], Some(&text[end + colon + 1..])),
        None => (text, None),
    };
    let port = match port {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
        None => None,
    };
    // The parser would decode a percent sign. No honest host contains one.
    if host.contains('%') {
        return None;
    }
    Some((Host::parse(host).ok()?, port))
}

fn address(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
    }
}

#[cfg(test)]
mod tests;
