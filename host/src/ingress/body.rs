//! Reads a request's body, up to a limit, whether its length was announced or not,
//! and bounds what all requests together hold.

use axum::body::Body;
use http_body_util::BodyExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What room is counted in: a body of the usual size takes it once.
const UNIT_BYTES: usize = 64 * 1024;

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// Other bodies take all the room there is.
    NoRoom,
    /// The connection broke, or the sender broke the protocol.
    Broken,
}

/// Room for the bodies that are being read; cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadingRoom(Arc<Semaphore>);

/// A body and the room that it takes until it is dropped.
#[derive(Debug)]
pub struct HeldBody {
    /// What was sent.
    pub bytes: Vec<u8>,
    /// Given back when dropped; an empty body takes none.
    pub room: Option<OwnedSemaphorePermit>,
}

impl ReadingRoom {
    /// Room for `bytes_max`, and for one body in any case.
    pub fn new(bytes_max: usize, body_bytes_max: usize) -> Self {
        let units = units(bytes_max.max(body_bytes_max));
        Self(Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))))
    }

    /// The whole body, if it has at most `bytes_max`.
    ///
    /// Room is taken as the bytes arrive: a length that is only announced takes
    /// none, or a few requests that announce much and send nothing would keep
    /// everybody else out. But what cannot fit is refused before it is sent.
    ///
    /// # Errors
    /// If it is too large, breaks off, or finds no room: at once.
    pub async fn read(
        &self,
        mut body: Body,
        announced: Option<usize>,
        bytes_max: usize,
    ) -> Result<HeldBody, BodyError> {
        let announced = announced.unwrap_or(0);
        if announced > bytes_max {
            return Err(BodyError::TooLarge);
        }
        if units(announced) > self.0.available_permits() {
            return Err(BodyError::NoRoom);
        }
        let mut bytes = Vec::new();
        let mut room = None;
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
                continue;
            };
            let length = bytes.len() + chunk.len();
            if length > bytes_max {
                return Err(BodyError::TooLarge);
            }
            self.grow(&mut room, length)?;
            if bytes.capacity() == 0 {
                bytes.reserve_exact(announced.min(UNIT_BYTES).max(chunk.len()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(HeldBody { bytes, room })
    }

    /// Makes sure that `room` is enough for `length` bytes.
    fn grow(
        &self,
        room: &mut Option<OwnedSemaphorePermit>,
        length: usize,
    ) -> Result<(), BodyError> {
        let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = units(length).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| BodyError::NoRoom)?;
        let more = Arc::clone(&self.0)
            .try_acquire_many_owned(missing)
            .map_err(|_| BodyError::NoRoom)?;
        match room {
            Some(room) => room.merge(more),
            None => *room = Some(more),
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

    #[tokio::test]
    async fn bodies_that_are_held_leave_less_room_for_others() {
        let room = ReadingRoom::new(4 * UNIT_BYTES, UNIT_BYTES);
        let read = |bytes: usize| {
            let room = room.clone();
            async move {
                room.read(vec![0; bytes].into(), Some(bytes), usize::MAX)
                    .await
            }
        };
        let first = read(3 * UNIT_BYTES).await.unwrap();
        assert_eq!(read(UNIT_BYTES + 1).await.unwrap_err(), BodyError::NoRoom);
        let second = read(1).await.unwrap();
        assert_eq!(read(1).await.unwrap_err(), BodyError::NoRoom);
        drop((first, second));
        assert_eq!(
            read(4 * UNIT_BYTES).await.unwrap().bytes.len(),
            4 * UNIT_BYTES
        );
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_takes_room_as_it_grows() {
        let room = ReadingRoom::new(4 * UNIT_BYTES, UNIT_BYTES);
        let whole = room.read(vec![1; 5 * UNIT_BYTES].into(), None, usize::MAX);
        assert_eq!(whole.await.unwrap_err(), BodyError::NoRoom);
        assert_eq!(room.0.available_permits(), 4);
    }
}
