//! The admin listener's socket.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::config::AdminListen;

/// The socket, if there is to be one. Where nobody chose the address, another process that has it is no reason not to serve.
///
/// # Errors
/// When the configured address cannot be listened on.
pub fn bind(config: &AdminListen) -> Result<Option<TcpListener>, (SocketAddr, io::Error)> {
    let (address, chosen) = match config {
        AdminListen::Off => return Ok(None),
        AdminListen::Default(address) => (*address, false),
        AdminListen::At(address) => (*address, true),
    };
    let bound = TcpListener::bind(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
    match bound {
        Ok((address, socket)) => {
            tracing::info!("the admin listener is at {address}");
            Ok(Some(socket))
        }
        Err(error) if !chosen => {
            tracing::warn!(
                %address, %error,
                "there is no admin listener: choose an address for it (`admin.address`, `admin.port`) or switch it off (`admin.enabled`)"
            );
            Ok(None)
        }
        Err(error) => Err((address, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_address_counts_only_where_somebody_chose_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert!(bind(&AdminListen::Default(address)).unwrap().is_none());
        assert_eq!(bind(&AdminListen::At(address)).unwrap_err().0, address);
        assert!(bind(&AdminListen::Off).unwrap().is_none());
    }
}
