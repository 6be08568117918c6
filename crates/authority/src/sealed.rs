use ra::{AskError, Sealed};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Seals a state: the version of its form, then the state.
///
/// # Errors
/// Never for the states of this crate; the type is that of the encoder.
pub(crate) fn seal<T: Serialize>(version: u8, state: &T) -> Result<Sealed, AskError> {
    let sealed = postcard::to_extend(state, vec![version]);
    sealed
        .map(|octets| Sealed(octets.into()))
        .map_err(|error| AskError::Ours {
            why: format!("the state cannot be kept: {error}"),
        })
}

/// Reads a state back.
///
/// # Errors
/// [`AskError::Ours`] for a version that this program does not know, and for octets that are none of ours: a program
/// that does know them may carry on.
pub(crate) fn open<T: DeserializeOwned>(version: u8, sealed: &Sealed) -> Result<T, AskError> {
    let unreadable = |why: String| AskError::Ours { why };
    match sealed.0.split_first() {
        Some((found, state)) if *found == version => postcard::from_bytes(state).map_err(|error| {
            unreadable(format!(
                "the kept state of this request cannot be read: {error}"
            ))
        }),
        Some((found, _)) => Err(unreadable(format!(
            "the kept state of this request has version {found}, this program knows {version}: run the one that wrote it"
        ))),
        None => Err(unreadable(
            "there is no kept state of this request".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was() {
        let sealed = seal(3, &("text", 7u32)).unwrap();
        assert_eq!(
            open::<(String, u32)>(3, &sealed).unwrap(),
            ("text".to_owned(), 7)
        );
    }

    #[test]
    fn another_version_a_cut_state_and_none_are_told_apart_and_end_nothing() {
        let sealed = seal(3, &("text", 7u32)).unwrap();
        let why = |version, sealed: &Sealed| match open::<(String, u32)>(version, sealed) {
            Err(AskError::Ours { why }) => why,
            other => panic!("{other:?}"),
        };
        assert!(why(4, &sealed).contains("version 3"));
        assert!(why(3, &Sealed(sealed.0.slice(..4))).contains("cannot be read"));
        assert!(why(3, &Sealed::default()).contains("no kept state"));
    }
}
