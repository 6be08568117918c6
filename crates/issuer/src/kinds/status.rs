use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The type of the one condition an issuer has.
pub const READY: &str = "Ready";

/// How an issuer does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerStatus {
    /// `Ready`: whether requests are forwarded, with the reason where they are not.
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// The conditions that are whole. ONAP's definition lets time, reason and message be missing, and one such object would hide every other one of its kind from the
/// watch; what is left out here is written anew at the next check.
fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    let all = Option::<Vec<serde_json::Value>>::deserialize(deserializer)?;
    let each = all.into_iter().flatten();
    Ok(each
        .filter_map(|one| serde_json::from_value(one).ok())
        .collect())
}

impl IssuerStatus {
    /// The condition `Ready`, if it was ever set.
    #[must_use]
    pub fn ready(&self) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.type_ == READY)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_that_is_not_whole_is_passed_over_and_hides_no_other() {
        let whole = json!({
            "type": "Ready", "status": "True", "reason": "Verified", "message": "m",
            "lastTransitionTime": "2024-05-01T10:00:00Z",
        });
        for partial in [json!({ "type": "Ready", "status": "Unknown" }), json!(7)] {
            let status = json!({ "conditions": [partial, whole] });
            let status: IssuerStatus = serde_json::from_value(status).unwrap();
            assert_eq!(status.ready().unwrap().reason, "Verified");
        }
        let none: IssuerStatus = serde_json::from_value(json!({ "conditions": null })).unwrap();
        assert!(none.ready().is_none());
    }
}
