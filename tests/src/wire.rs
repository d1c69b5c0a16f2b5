//! A TCP proxy that a test can cut. It can also silence connections, as when a machine
//! loses its power.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::{Mutex, PoisonError};
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
    carrying: Mutex<Option<JoinHandle<()>>>,
}

impl Wire {
    /// Starts a proxy for `server`, an address with its port.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let wire = Self {
            port: listener.local_addr().expect("an address").port(),
            server: watch::Sender::new(server.to_owned()),
            silenced: watch::Sender::new(0),
            carrying: Mutex::default(),
        };
        wire.carry(listener);
        wire
    }

    fn carry(&self, listener: TcpListener) {
        let (server, silenced) = (self.server.subscribe(), self.silenced.clone());
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = server.borrow().clone();
                connections.spawn(connection(client, server, silenced.subscribe()));
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

async fn connection(mut client: TcpStream, server: String, mut silenced: watch::Receiver<u64>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        // Both stay open.
        _ = silenced.changed() => std::future::pending().await,
    }
}
