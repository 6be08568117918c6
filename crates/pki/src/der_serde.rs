//! serde for DER types, as their DER bytes: `#[serde(with = "pki::der_serde")]` on a field, or
//! `#[serde(with = "pki::der_serde::list")]` on a `Vec` of them.

use bytes::Bytes;
use der::{DecodeOwned, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// Serialize a value as the bytes of its DER encoding.
///
/// # Errors
/// When the value has no DER encoding, or as the serializer says.
pub fn serialize<T: Encode, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    to_bytes(value)
        .map_err(ser::Error::custom)?
        .serialize(serializer)
}

/// Read a value back from the bytes of its DER encoding.
///
/// # Errors
/// When the bytes are not exactly one DER encoding of `T`, or as the deserializer says.
pub fn deserialize<'de, T: DecodeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    from_bytes(&Bytes::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn to_bytes<T: Encode>(value: &T) -> der::Result<Bytes> {
    value.to_der().map(Bytes::from)
}

fn from_bytes<T: DecodeOwned>(der: &[u8]) -> Result<T, String> {
    T::from_der(der).map_err(|error| error.to_string())
}

/// The same for a `Vec` of DER types.
pub mod list {
    use super::{
        Bytes, DecodeOwned, Deserialize, Deserializer, Encode, Serialize, Serializer, de,
        from_bytes, ser, to_bytes,
    };

    /// Serialize each value as the bytes of its DER encoding.
    ///
    /// # Errors
    /// As for [`super::serialize`].
    pub fn serialize<T: Encode, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        values
            .iter()
            .map(to_bytes)
            .collect::<der::Result<Vec<_>>>()
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }

    /// Read the values back.
    ///
    /// # Errors
    /// As for [`super::deserialize`].
    pub fn deserialize<'de, T: DecodeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        Vec::<Bytes>::deserialize(deserializer)?
            .iter()
            .map(|der| from_bytes(der))
            .collect::<Result<_, _>>()
            .map_err(de::Error::custom)
    }
}
