//! Services by their names, for programs outside of the cluster's network: a proxy (`CONNECT`) that knows where their pods are.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use crate::kube::kubelet::Running;

/// The proxy. It serves for as long as the process lives.
pub struct Services {
    address: SocketAddr,
    routes: Arc<Mutex<Routes>>,
}

/// `NAME.NAMESPACE.svc:PORT`, and the port of this machine.
type Routes = BTreeMap<String, u16>;

impl Default for Services {
    fn default() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Arc::new(Mutex::new(Routes::new()));
        let known = Arc::clone(&routes);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let known = Arc::clone(&known);
                thread::spawn(move || {
                    let _broken = tunnel(client, &known);
                });
            }
        });
        Self { address, routes }
    }
}

impl Services {
    /// For `ALL_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads a Service's ports to a pod.
    pub fn lead(&self, service: &Value, pod: &Running) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (name, namespace) = (
            text(&service["metadata"]["name"]),
            text(&service["metadata"]["namespace"]),
        );
        for port in service["spec"]["ports"].as_array().unwrap() {
            let here = pod.number(&text(&port["targetPort"]));
            let name = format!("{name}.{namespace}.svc:{}", port["port"]);
            let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            routes.insert(name, here);
        }
    }
}

fn tunnel(client: TcpStream, routes: &Mutex<Routes>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let to = first.split(' ').nth(1).unwrap_or_default();
    let port = {
        let routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(to).copied()
    };
    let mut client = client;
    let Some(port) = port else {
        return client.write_all(b"HTTP/1.1 502 no such Service\r\n\r\n");
    };
    let server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut back, mut out) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _broken = std::io::copy(&mut back, &mut out);
        let _gone = out.shutdown(Shutdown::Both);
    });
    let mut server = server;
    // What came with the head is in the reader.
    std::io::copy(&mut reader, &mut server)?;
    server.shutdown(Shutdown::Write)
}
