//! Waiting for objects: the API server tells, nobody asks again and again.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::https::Connection;
use crate::kube::api::Api;
use crate::kube::resource::{Resource, name_of, path_of};

/// For how long something is waited for. A test that passes never waits so long, on a machine under load either.
const PATIENCE: Duration = Duration::from_secs(120);

/// Objects by name.
pub type Objects = BTreeMap<String, Value>;

impl Api {
    /// Waits until `found` finds something among all objects of a kind, in one namespace or in none.
    ///
    /// # Panics
    /// When patience ends first, with the objects as they are then.
    #[track_caller]
    pub fn until<T>(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        what: &str,
        found: impl Fn(&Objects) -> Option<T>,
    ) -> T {
        self.wait(&resource.path(namespace), "", what, found)
    }

    /// Waits until `found` finds something in one object, by what it was created from; not there is `Null`.
    ///
    /// # Panics
    /// When patience ends first, with the object as it is then.
    #[track_caller]
    pub fn until_object<T>(
        &self,
        object: &Value,
        what: &str,
        found: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let path = path_of(object);
        let (all, name) = path.rsplit_once('/').unwrap();
        let only = format!("&fieldSelector=metadata.name%3D{name}");
        self.wait(all, &only, what, |objects| {
            found(objects.get(name).unwrap_or(&Value::Null))
        })
    }

    /// Waits until an object is gone.
    ///
    /// # Panics
    /// When patience ends first.
    #[track_caller]
    pub fn until_gone(&self, object: &Value) {
        let what = format!("{} is gone", path_of(object));
        self.until_object(object, &what, |now| now.is_null().then_some(()));
    }

    /// Waits until an object has a condition with that status, and gives the object.
    ///
    /// # Panics
    /// When patience ends first.
    #[track_caller]
    pub fn until_condition(&self, object: &Value, kind: &str, status: &str) -> Value {
        let what = format!("{} has {kind}={status}", path_of(object));
        self.until_object(object, &what, |now| {
            (condition(now, kind)["status"] == status).then(|| now.clone())
        })
    }

    /// Shows `seen` each object of a path as it is and as it changes, some of them more than once, until it wants no more or time is over.
    ///
    /// # Errors
    /// Those of the connection, and the server's word that a watch failed.
    pub fn each_change(
        &self,
        path: &str,
        longest: Duration,
        mut seen: impl FnMut(&Value) -> bool,
    ) -> io::Result<()> {
        let deadline = Instant::now() + longest;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let target = format!("{path}?watch=true&timeoutSeconds={}", left.as_secs().max(1));
            let mut events = Events::of(self, &target)?;
            // The server ends the watch of one that does not keep up; the next begins with all there is.
            while let Some(event) = events.next()? {
                if event["type"] == "ERROR" {
                    return Err(io::Error::other(event["object"].to_string()));
                }
                if !seen(&event["object"]) {
                    return Ok(());
                }
            }
        }
    }

    #[track_caller]
    fn wait<T>(
        &self,
        path: &str,
        selector: &str,
        what: &str,
        found: impl Fn(&Objects) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Objects::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = self.watch(path, selector, left, &mut last, &found);
            match seen {
                Ok(Some(found)) => return found,
                _ if left.is_zero() => break,
                // The server closed the watch, or is being started again.
                Ok(None) | Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        let shown = serde_json::to_string_pretty(&last).unwrap();
        panic!("not in time: {what}; there is\n{shown}");
    }

    /// One watch, to its end.
    fn watch<T>(
        &self,
        path: &str,
        selector: &str,
        left: Duration,
        objects: &mut Objects,
        found: &impl Fn(&Objects) -> Option<T>,
    ) -> io::Result<Option<T>> {
        // First all that there is, then a bookmark that says so, then what changes.
        let query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
                     &allowWatchBookmarks=true";
        let target = format!(
            "{path}?{query}&timeoutSeconds={}{selector}",
            left.as_secs() + 1
        );
        let mut events = Events::of(self, &target)?;
        let mut complete = false;
        objects.clear();
        while let Some(event) = events.next()? {
            let object = &event["object"];
            match event["type"].as_str().unwrap_or_default() {
                "ADDED" | "MODIFIED" => {
                    objects.insert(name_of(object).to_owned(), object.clone());
                }
                "DELETED" => {
                    objects.remove(name_of(object));
                }
                "BOOKMARK" => complete = true,
                _ => return Err(io::Error::other(object.to_string())),
            }
            if complete && let Some(found) = found(objects) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The events of a watch: a JSON object a line, over as many chunks as the server likes.
struct Events {
    connection: Connection,
    buffer: Vec<u8>,
}

impl Events {
    fn of(api: &Api, target: &str) -> io::Result<Self> {
        let mut connection = api.https().connect()?;
        let mut head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in api.headers() {
            head += &format!("{name}: {value}\r\n");
        }
        connection.send(format!("{head}Accept: application/json\r\n\r\n").as_bytes())?;
        let answer = connection.head()?;
        match answer.status {
            200 => Ok(Self {
                connection,
                buffer: Vec::new(),
            }),
            status => Err(io::Error::other(format!("{status} to {target}"))),
        }
    }

    fn next(&mut self) -> io::Result<Option<Value>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            match self.connection.chunk()? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// A condition of an object, or nothing.
pub fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let one = conditions.find(|condition| condition["type"] == kind);
    one.cloned().unwrap_or(Value::Null)
}
