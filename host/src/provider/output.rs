//! A guest's standard error: keeps the last bytes, for the error of a trap, and drops the
//! rest. Writing never fails, because a guest panics when its `eprintln!` fails.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// The last bytes of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    bytes_max: usize,
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl Tail {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: Arc::default(),
        }
    }

    /// Takes the bytes as text, without surrounding blanks.
    pub(crate) fn take(&self) -> String {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *bytes);
        String::from_utf8_lossy(&Vec::from(taken)).trim().to_owned()
    }

    fn push(&self, written: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &written[written.len().saturating_sub(self.bytes_max)..];
        let excess = (bytes.len() + kept.len()).saturating_sub(self.bytes_max);
        bytes.drain(..excess);
        bytes.extend(kept);
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Tail {
    async fn ready(&mut self) {}
}

impl OutputStream for Tail {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(self.bytes_max)
    }
}

impl AsyncWrite for Tail {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept() {
        let tail = Tail::new(8);
        tail.push(b"0123456789");
        assert_eq!(tail.clone().take(), "23456789");
        tail.push(b"abcdef");
        tail.push(b"ghij");
        assert_eq!(tail.take(), "cdefghij");
        assert_eq!(tail.take(), "");
    }
}
