//! A stand-in for Outlook.com on loopback: SMTP submission over real sockets and TLS, an OAuth 2.0 token
//! endpoint, and Microsoft Graph's sendMail.
//!
//! ```no_run
//! let outlook = stand_in::Outlook::start(stand_in::Options::new("/tmp/ca.pem")).unwrap();
//! std::fs::write("/tmp/config.toml", outlook.config_toml()).unwrap();
//! // ... run the client ...
//! assert_eq!(outlook.smtp.received().len(), 1);
//! assert_eq!(outlook.smtp.connections()[0].round_trips, 9);
//! ```
//!
//! Everything said by default is what Outlook was seen to say in public transcripts. To have it say something else, give a
//! [`Dialogue`]; its module documents the format of `tests/dialogues/*.dialogue`.

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

pub mod certificates;
mod dates;
pub mod dialogue;
pub mod endpoint;
pub mod graph;
mod listener;
mod outlook;
pub mod smtp;
mod tokens;

pub use certificates::CertificateKind;
pub use dialogue::{Dialogue, Expectations};
pub use endpoint::{Answer, BrowserFlow, BrowserOutcome, DeviceFlow, DeviceOutcome, TokenEndpoint};
pub use graph::{Act, GraphServer, Posted};
pub use outlook::{Options, Outlook, SMTP_SCOPE};
pub use smtp::{Received, SmtpServer};
pub use tokens::Tokens;
