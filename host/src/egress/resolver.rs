//! Name resolution. The client connects to exactly the addresses that this returns. There
//! is no second lookup between check and connection that could give another answer.

use crate::egress::address::is_public;
use crate::egress::policy::Denied;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

/// The system's resolver.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The client takes the port from the URL.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = addresses.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The public addresses of another resolver. A name never leads to a private address, even
/// if the operator granted the name: its owner can change the address at any time.
pub(crate) struct PublicResolver(pub(crate) Arc<dyn Resolve>);

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let text = name.as_str().to_owned();
        let resolving = self.0.resolve(name);
        Box::pin(async move {
            let (public, others): (Vec<SocketAddr>, Vec<SocketAddr>) = resolving
                .await?
                .partition(|address| is_public(address.ip()));
            if public.is_empty() && !others.is_empty() {
                // Only the operator sees the addresses: a provider's author must not learn
                // about the network.
                tracing::warn!(
                    addresses = ?others.iter().map(SocketAddr::ip).collect::<Vec<_>>(),
                    "refused to connect to {text}, which leads to no public address"
                );
                return Err(Box::new(Denied::LeadsNowhere(text)) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<&'static str>);

    impl Resolve for Fixed {
        fn resolve(&self, _: Name) -> Resolving {
            let addresses: Vec<SocketAddr> = self
                .0
                .iter()
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0))
                .collect();
            Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
        }
    }

    async fn resolved(addresses: &[&'static str]) -> Result<Vec<String>, String> {
        let resolver = PublicResolver(Arc::new(Fixed(addresses.to_vec())));
        let answer = resolver.resolve("api.example.com".parse().unwrap()).await;
        match answer {
            Ok(addresses) => Ok(addresses.map(|a| a.ip().to_string()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn only_public_addresses_are_ever_connected_to() {
        let mixed = ["127.0.0.1", "8.8.8.8", "::1", "2606:4700::1111"];
        let public = ["8.8.8.8", "2606:4700::1111"].map(str::to_owned).to_vec();
        assert_eq!(resolved(&mixed).await, Ok(public));
        let denied = "api.example.com leads to no public address".to_owned();
        for private in ["127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254"] {
            assert_eq!(resolved(&[private]).await, Err(denied.clone()));
        }
        assert_eq!(resolved(&[]).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn localhost_is_a_name_that_leads_to_this_machine() {
        let resolver = PublicResolver(Arc::new(SystemResolver));
        let answer = resolver.resolve("localhost".parse().unwrap()).await;
        assert!(answer.is_err_and(|error| error.is::<Denied>()));
    }
}
