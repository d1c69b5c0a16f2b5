//! Reads the body of a request, up to a limit, and bounds the memory of all bodies that
//! are being read.

use crate::config::IngressConfig;
use crate::http::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit in which memory is counted: a body of the usual size takes one.
const UNIT_BYTES: usize = 64 * 1024;

/// A body that could not be read.
#[derive(Debug, PartialEq, Eq)]
enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// Other bodies take all the memory.
    NoRoom,
    /// The connection broke, or the sender broke the protocol.
    Broken,
}

/// Reads bodies within one budget of memory; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct BodyReader {
    memory: Arc<Semaphore>,
    body_bytes_max: usize,
    timeout: Duration,
}

/// A body, and the memory that it takes until it is dropped.
#[derive(Debug)]
pub(super) struct HeldBody {
    pub(super) bytes: Vec<u8>,
    /// None for an empty body.
    pub(super) memory: Option<OwnedSemaphorePermit>,
}

impl BodyReader {
    /// The budget is `reading_bytes_max`, or one body of full size if that is more.
    pub(super) fn new(config: &IngressConfig) -> Self {
        let bytes = config
            .reading_bytes_max
            .usize()
            .max(config.body_bytes_max.usize());
        Self {
            memory: Arc::new(Semaphore::new(units(bytes).min(Semaphore::MAX_PERMITS))),
            body_bytes_max: config.body_bytes_max.usize(),
            timeout: config.request_timeout_ms.duration(),
        }
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// 400 if it breaks off or does not arrive in time, 413 if it is too large, 503 if
    /// other bodies take all the memory.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<HeldBody, Problem> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        match tokio::time::timeout(self.timeout, self.read_all(body, announced)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(error)) => Err(self.problem(&error)),
            Err(_) => Err(Problem::unreadable(format!(
                "the body did not arrive in time: expected it within {} ms",
                self.timeout.as_millis()
            ))),
        }
    }

    fn problem(&self, error: &BodyError) -> Problem {
        match error {
            BodyError::TooLarge => Problem::new(StatusCode::PAYLOAD_TOO_LARGE).detail(format!(
                "expected a body of at most {} bytes",
                self.body_bytes_max
            )),
            BodyError::NoRoom => {
                Problem::unavailable("too many bodies are being read").because("no_room")
            }
            BodyError::Broken => Problem::unreadable("the body broke off"),
        }
    }

    /// Takes memory as the bytes arrive. An announced length takes none: otherwise a few
    /// requests that announce much and send nothing would keep everybody else out. But a
    /// body that cannot fit is refused before it is sent.
    async fn read_all(
        &self,
        mut body: Body,
        announced: Option<usize>,
    ) -> Result<HeldBody, BodyError> {
        let announced = announced.unwrap_or(0);
        if announced > self.body_bytes_max {
            return Err(BodyError::TooLarge);
        }
        if units(announced) > self.memory.available_permits() {
            return Err(BodyError::NoRoom);
        }
        let mut bytes = Vec::new();
        let mut memory = None;
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
                continue;
            };
            let length = bytes.len() + chunk.len();
            if length > self.body_bytes_max {
                return Err(BodyError::TooLarge);
            }
            self.grow(&mut memory, length)?;
            if bytes.capacity() == 0 {
                bytes.reserve_exact(announced.min(UNIT_BYTES).max(chunk.len()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(HeldBody { bytes, memory })
    }

    /// Takes more until `memory` is enough for `length` bytes.
    fn grow(
        &self,
        memory: &mut Option<OwnedSemaphorePermit>,
        length: usize,
    ) -> Result<(), BodyError> {
        let held = memory.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = units(length).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| BodyError::NoRoom)?;
        let more = Arc::clone(&self.memory)
            .try_acquire_many_owned(missing)
            .map_err(|_| BodyError::NoRoom)?;
        match memory {
            Some(memory) => memory.merge(more),
            None => *memory = Some(more),
        }
        Ok(())
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> BodyReader {
        BodyReader {
            memory: Arc::new(Semaphore::new(4)),
            body_bytes_max: usize::MAX,
            timeout: Duration::from_secs(10),
        }
    }

    #[tokio::test]
    async fn bodies_that_are_held_leave_less_memory_for_others() {
        let reader = reader();
        let read = |bytes: usize| {
            let reader = reader.clone();
            async move { reader.read_all(vec![0; bytes].into(), Some(bytes)).await }
        };
        let first = read(3 * UNIT_BYTES).await.unwrap();
        assert_eq!(read(UNIT_BYTES + 1).await.unwrap_err(), BodyError::NoRoom);
        let second = read(1).await.unwrap();
        assert_eq!(read(1).await.unwrap_err(), BodyError::NoRoom);
        drop((first, second));
        let whole = read(4 * UNIT_BYTES).await.unwrap();
        assert_eq!(whole.bytes.len(), 4 * UNIT_BYTES);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_takes_memory_as_it_grows() {
        let reader = reader();
        let whole = reader.read_all(vec![1; 5 * UNIT_BYTES].into(), None);
        assert_eq!(whole.await.unwrap_err(), BodyError::NoRoom);
        assert_eq!(reader.memory.available_permits(), 4);
    }
}
