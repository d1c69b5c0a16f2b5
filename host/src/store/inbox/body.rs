//! The stored form of bodies: compressed with LZ4 where that helps, always byte-exact.

use super::StoreError;

/// Stored as it arrived.
const CODEC_NONE: i16 = 0;
/// An LZ4 block after its uncompressed length (4 bytes, little-endian).
const CODEC_LZ4: i16 = 1;
/// The size below which compression is not worth it.
const COMPRESS_BYTES_MIN: usize = 256;

/// A body ready to be stored.
#[derive(Clone, Debug)]
pub(super) struct PackedBody {
    pub(super) bytes: Vec<u8>,
    pub(super) codec: i16,
}

/// Compresses a body where that makes it smaller.
pub(super) fn pack(body: &[u8]) -> PackedBody {
    if body.len() >= COMPRESS_BYTES_MIN {
        let bytes = lz4_flex::block::compress_prepend_size(body);
        if bytes.len() < body.len() {
            return PackedBody {
                bytes,
                codec: CODEC_LZ4,
            };
        }
    }
    PackedBody {
        bytes: body.to_vec(),
        codec: CODEC_NONE,
    }
}

/// The exact bytes that were packed.
pub(super) fn unpack(bytes: Vec<u8>, codec: i16) -> Result<Vec<u8>, StoreError> {
    match codec {
        CODEC_NONE => Ok(bytes),
        CODEC_LZ4 => lz4_flex::block::decompress_size_prepended(&bytes)
            .map_err(|error| StoreError::unreadable("inbox", "body", error)),
        other => Err(StoreError::unreadable("inbox", "body_codec", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_comes_back_byte_for_byte(seed in proptest::collection::vec(any::<u8>(), 0..64), times in 0usize..200) {
            let body = seed.repeat(times);
            let packed = pack(&body);
            prop_assert!(packed.bytes.len() <= body.len());
            prop_assert_eq!(unpack(packed.bytes, packed.codec).unwrap(), body);
        }
    }
}
