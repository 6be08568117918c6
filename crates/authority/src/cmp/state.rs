use bytes::Bytes;
use jiff::Timestamp;
use pki::{Certificate, GeneralName};
use pkixcmp::client::ClientTransaction;
use ra::{Refusal, SentAs};
use serde::{Deserialize, Serialize};

/// The form of our sealed state.
pub(crate) const VERSION: u8 = 1;

/// Where an exchange with the CA stands: all that the next step needs, so that any process can take it. Variants are numbered in order:
/// add at the end only.
#[derive(Serialize, Deserialize)]
pub(crate) enum State {
    /// The request is made; it may have been sent, even more than once.
    Asked { exchange: Exchange, request: Bytes },
    /// The CA has not decided; it is polled.
    Waiting(Exchange),
    /// A certificate is here; it is not confirmed.
    Issued {
        exchange: Exchange,
        accept: Option<Box<Accept>>,
    },
    /// The CA has our verdict and wants to be polled about it.
    Confirming(Exchange),
    /// A certificate that was confirmed implicitly is being given back by rr, and the CA wants to be polled about that.
    Withdrawing(Exchange),
    /// Nothing more is to be said.
    Over,
    /// A certificate whose confirmation was refused, after it may have been taken, is being given back by rr, and the CA wants to be
    /// polled about that.
    TakingBack { exchange: Exchange, why: Refusal },
}

/// One transaction and how our messages in it look.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) transaction: ClientTransaction,
    /// Where it was sent.
    pub(crate) endpoint: String,
    /// When the first message was made.
    pub(crate) begun: Timestamp,
    /// `sender` of every message.
    #[serde(with = "pki::der_serde")]
    pub(crate) sender: GeneralName,
    /// `senderKID` of every message.
    pub(crate) sender_kid: Option<Bytes>,
    /// The certificate whose key protects our messages, where that key is lent.
    pub(crate) old: Option<Certificate>,
    /// How the certificate was asked for; `None` in a revocation.
    pub(crate) sent_as: Option<SentAs>,
}

/// The message that accepts a certificate, made with the certificate in hand so that it can be sent again as it is, also by
/// who has not got the key it is protected with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Accept {
    pub(crate) transaction: ClientTransaction,
    pub(crate) message: Bytes,
}
