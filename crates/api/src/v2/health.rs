use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The CA can be asked. One that cannot be is the problem `unavailable`, with what is known of the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Health {
    /// It answered when it was last asked, or needs no asking.
    Up,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_has_this_shape() {
        assert_eq!(
            serde_json::to_string(&Health::Up).unwrap(),
            r#"{"status":"up"}"#
        );
    }
}
