use super::*;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// Resolves no name.
struct Nothing;

impl Resolve for Nothing {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Ok(Box::new(std::iter::empty()) as Addrs) })
    }
}

/// A server with a self-signed certificate for `name`; it answers `ok` to clients that
/// trust it.
async fn server(name: &str) -> (SocketAddr, reqwest::Certificate) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    let root = reqwest::Certificate::from_der(cert.der()).unwrap();
    (address, root)
}

async fn get(address: SocketAddr, roots: Vec<reqwest::Certificate>) -> Value {
    let egress = Egress::with(EgressLimits::default(), Arc::new(Nothing), roots).unwrap();
    let setup = Setup::with_grants([address]);
    let rig = setup.rig_with(egress).await;
    rig.get(&format!("https://{address}/")).await
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused() {
    let (address, _) = server("127.0.0.1").await;
    let answer = get(address, vec![]).await;
    let text = answer["unreachable"].as_str().unwrap();
    assert!(
        text.contains("invalid peer certificate: UnknownIssuer"),
        "{text}"
    );
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_for_its_own_name_only() {
    let (address, root) = server("127.0.0.1").await;
    assert_eq!(get(address, vec![root]).await["body"], "ok");
    let (address, root) = server("api.example.com").await;
    let answer = get(address, vec![root]).await;
    let text = answer["unreachable"].as_str().unwrap();
    assert!(text.contains("certificate not valid for name"), "{text}");
}
