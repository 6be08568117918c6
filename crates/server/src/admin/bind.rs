//! The admin listener's socket.

use tokio::net::TcpListener;

use crate::config::AdminListen;
use crate::listen::{self, ListenError, Passed};

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The configured address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system.
    #[error("the operating system failed: {0}")]
    System(#[from] std::io::Error),
}

/// The socket, if there is to be one: the one that was `passed`, or our own. Where nobody chose the address, another process that has it is no reason not to serve.
///
/// # Errors
/// [`BindError`]
pub fn bind(config: &AdminListen, passed: &mut Passed) -> Result<Option<TcpListener>, BindError> {
    let (address, chosen) = match config {
        AdminListen::Off => return Ok(None),
        AdminListen::Default(address) => (*address, false),
        AdminListen::At(address) => (*address, true),
    };
    let bound = match passed.take("admin")? {
        Some(socket) => Ok(socket),
        None => listen::bind(address),
    };
    match bound {
        Ok(socket) => {
            tracing::info!("the admin listener is at {}", socket.local_addr()?);
            Ok(Some(socket))
        }
        Err(error) if !chosen => {
            tracing::warn!(
                %error,
                "there is no admin listener: choose an address for it (`admin.address`, `admin.port`) or switch it off (`admin.enabled`)"
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_address_counts_only_where_somebody_chose_it() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let bind = |config| bind(&config, &mut Passed::default());
        assert!(bind(AdminListen::Default(address)).unwrap().is_none());
        let Err(BindError::Listen(error)) = bind(AdminListen::At(address)) else {
            panic!("it is bound");
        };
        assert_eq!(error.address, address);
        assert!(bind(AdminListen::Off).unwrap().is_none());
    }
}
