//! A client of the API server that holds nothing back: every status, every body.

use std::net::SocketAddr;

use pki::Certificate;
use serde_json::{Value, json};

use crate::certs::Identity;
use crate::https::{Answer, HttpsClient};
use crate::kube::resource::{Resource, path_of};

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

/// The API server as one user sees it.
#[derive(Clone)]
pub struct Api {
    https: HttpsClient,
    token: Option<String>,
}

/// What the API server answered instead: `Status`.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The HTTP status: 403, 409, 422, …
    pub code: u16,
    /// `Forbidden`, `AlreadyExists`, `Invalid`, …
    pub reason: String,
    /// In words.
    pub message: String,
}

impl Api {
    /// As the holder of a client certificate, or as nobody.
    pub fn by_certificate(
        address: SocketAddr,
        root: &Certificate,
        identity: Option<&Identity>,
    ) -> Self {
        Self {
            https: HttpsClient::tls(address, &[root], identity).of_a_keeper_of_secrets(),
            token: None,
        }
    }

    /// As the bearer of a token.
    pub fn by_token(address: SocketAddr, root: &Certificate, token: &str) -> Self {
        Self {
            https: HttpsClient::tls(address, &[root], None).of_a_keeper_of_secrets(),
            token: Some(token.to_owned()),
        }
    }

    /// The connections it makes.
    pub fn https(&self) -> &HttpsClient {
        &self.https
    }

    /// The header fields that say who asks.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let token = self.token.iter();
        let field = |token: &String| ("Authorization", format!("Bearer {token}"));
        token.map(field).collect()
    }

    /// One request, whatever comes back.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let own = self.headers();
        let mut headers: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.push(("Accept", JSON));
        if !body.is_empty() {
            headers.push(("Content-Type", media_type));
        }
        self.https.try_request(method, path, &headers, body)
    }

    fn ask(&self, method: &str, path: &str, media: &str, body: &Value) -> Result<Value, Refused> {
        let octets = match body {
            Value::Null => Vec::new(),
            body => serde_json::to_vec(body).unwrap(),
        };
        let answer = self.send(method, path, media, &octets);
        let answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| json!({ "message": answer.text() }));
        match answer.status {
            200..300 => Ok(value),
            code => Err(Refused {
                code,
                reason: value["reason"].as_str().unwrap_or_default().to_owned(),
                message: value["message"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    /// GET of a path.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn get(&self, path: &str) -> Result<Value, Refused> {
        self.ask("GET", path, JSON, &Value::Null)
    }

    /// POST to a path: another way to create, and reviews and tokens.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.ask("POST", path, JSON, body)
    }

    /// PUT of an object, or of a part of it such as `…/approval`.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.ask("PUT", path, JSON, body)
    }

    /// An object that there was not.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn create(&self, object: &Value) -> Result<Value, Refused> {
        let all = Resource::of(object).path(object["metadata"]["namespace"].as_str());
        self.post(&all, object)
    }

    /// An object as it is to be, by server-side apply under the manager `tests`.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn apply(&self, object: &Value) -> Result<Value, Refused> {
        let path = format!("{}?fieldManager=tests&force=true", path_of(object));
        self.ask("PATCH", &path, APPLY, object)
    }

    /// The status of an object: what `object` says of it is written over what there is.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn merge_status(&self, object: &Value, status: &Value) -> Result<Value, Refused> {
        let path = format!("{}/status", path_of(object));
        self.ask("PATCH", &path, MERGE, &json!({ "status": status }))
    }

    /// A change of an object, by JSON merge patch.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn merge(&self, object: &Value, change: &Value) -> Result<Value, Refused> {
        self.ask("PATCH", &path_of(object), MERGE, change)
    }

    /// An object's end.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn delete(&self, object: &Value) -> Result<Value, Refused> {
        self.ask("DELETE", &path_of(object), JSON, &Value::Null)
    }

    /// An object as it is now, by what it was created from.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn read(&self, object: &Value) -> Result<Value, Refused> {
        self.get(&path_of(object))
    }

    /// Whether this user may do that, as the API server decides; `resource` may have a part, `pods/status`.
    pub fn may(&self, verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> bool {
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        self.review(&json!({
            "verb": verb, "group": group, "resource": resource,
            "subresource": part, "namespace": namespace.unwrap_or_default(),
        }))
    }

    /// Whether this user may approve requests for that signer of cert-manager: `issuers.example.io/*`.
    pub fn may_approve(&self, signer: &str) -> bool {
        self.review(&json!({
            "verb": "approve", "group": "cert-manager.io", "resource": "signers", "name": signer,
        }))
    }

    fn review(&self, attributes: &Value) -> bool {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": attributes },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        self.post(path, &review).unwrap()["status"]["allowed"] == true
    }

    /// A token of a ServiceAccount, for an audience or for the API server itself: a TokenRequest.
    pub fn token(&self, namespace: &str, account: &str, audience: Option<&str>) -> String {
        let audiences: Vec<&str> = audience.into_iter().collect();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": { "audiences": audiences, "expirationSeconds": 3600 },
        });
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let answer = self.post(&path, &request).unwrap();
        answer["status"]["token"].as_str().unwrap().to_owned()
    }
}
