//! A TCP proxy that a test can cut, and that can be slow. It can also silence connections, as when a machine
//! loses its power.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// The proxy.
pub struct Wire {
    /// The port of its listener.
    pub port: u16,
    server: watch::Sender<String>,
    silenced: watch::Sender<u64>,
    delay: Duration,
    carrying: Mutex<Option<JoinHandle<()>>>,
}

impl Wire {
    /// Starts a proxy for `server`, an address with its port.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn to(server: &str) -> Self {
        Self::slow(server, Duration::ZERO).await
    }

    /// The same for a server that is `delay` away, in each direction.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn slow(server: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let wire = Self {
            port: listener.local_addr().expect("an address").port(),
            server: watch::Sender::new(server.to_owned()),
            silenced: watch::Sender::new(0),
            delay,
            carrying: Mutex::default(),
        };
        wire.carry(listener);
        wire
    }

    fn carry(&self, listener: TcpListener) {
        let (server, silenced) = (self.server.subscribe(), self.silenced.clone());
        let delay = self.delay;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = server.borrow().clone();
                connections.spawn(connection(client, server, silenced.subscribe(), delay));
            }
        });
        *self.carrying.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Closes every connection and refuses new ones.
    pub async fn cut(&self) {
        let task = self
            .carrying
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    /// Accepts connections again.
    ///
    /// # Panics
    /// If another process has taken the port.
    pub async fn mend(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await;
        self.carry(listener.expect("its port"));
    }

    /// Leads new connections to another server.
    pub fn lead_to(&self, server: &str) {
        self.server.send_replace(server.to_owned());
    }

    /// Silences existing connections: they stay open and carry nothing. New ones work.
    pub fn silence(&self) {
        self.silenced.send_modify(|times| *times += 1);
    }
}

async fn connection(
    mut client: TcpStream,
    server: String,
    mut silenced: watch::Receiver<u64>,
    delay: Duration,
) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let carry = async {
        if delay.is_zero() {
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            () = slowly(from_client, to_server, delay) => {}
            () = slowly(from_server, to_client, delay) => {}
        }
    };
    tokio::select! {
        () = carry => {}
        // Both stay open.
        _ = silenced.changed() => std::future::pending().await,
    }
}

async fn slowly(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
) {
    let mut bytes = vec![0; 1 << 18];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        tokio::time::sleep(delay).await;
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}
