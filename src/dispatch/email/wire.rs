//! The byte stream below SMTP: TCP with `TCP_NODELAY`, TLS, and STARTTLS up to the handshake.
//!
//! STARTTLS is spoken here rather than by lettre, whose reader would keep bytes that somebody in the middle
//! put behind the plaintext `220` and take them for replies of the encrypted session.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::response::Response;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::settings::{EmailSettingsError, SmtpSettings, TlsMode};

/// Longest plaintext reply before TLS, in bytes.
const MAX_PLAIN_REPLY: usize = 16 * 1024;

/// A byte stream in both directions.
pub(super) trait Wire:
    AsyncRead + AsyncWrite + Send + Sync + Unpin + core::fmt::Debug
{
}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + core::fmt::Debug> Wire for T {}

/// Opens connections. A port, so that tests can speak over memory and paused time.
pub(super) trait Dial: Send + Sync {
    /// Opens a fresh connection to the relay.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>>;
}

/// TCP to the relay.
pub(super) struct TcpDial {
    host: String,
    port: u16,
    loopback_only: bool,
}

impl TcpDial {
    pub(super) fn new(smtp: &SmtpSettings) -> Self {
        let loopback_only = smtp.tls == TlsMode::None && !smtp.allow_plaintext;
        Self { host: smtp.host.clone(), port: smtp.port, loopback_only }
    }
}

impl Dial for TcpDial {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Wire>>> {
        Box::pin(async move {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            if self.loopback_only && !is_this_machine(stream.peer_addr()?.ip()) {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "plaintext to another machine is refused (email.smtp.allow_plaintext)",
                ));
            }
            // Without it every message waits some 40 ms for a delayed acknowledgement.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Wire>)
        })
    }
}

/// Judged by the address that answered, not by the name that was asked for.
fn is_this_machine(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

/// The client side of TLS: verified, always.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Loads the machine's trusted certificates and those of `ca_file`.
    pub(super) fn new(smtp: &SmtpSettings) -> Result<Self, EmailSettingsError> {
        let wrong = |key, problem: String| EmailSettingsError::Smtp { key, problem };
        let name = ServerName::try_from(smtp.host.clone())
            .map_err(|_| wrong("host", "not a name that a certificate can carry".to_owned()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &smtp.ca_file {
            let read = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| wrong("ca_file", error.to_string()))?;
            if read.is_empty() {
                return Err(wrong("ca_file", "holds no certificate".to_owned()));
            }
            for certificate in read {
                roots.add(certificate).map_err(|error| wrong("ca_file", error.to_string()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("tls", error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Shakes hands; the certificate must be valid for the relay's name.
    pub(super) async fn wrap(&self, wire: Box<dyn Wire>) -> io::Result<Box<dyn Wire>> {
        let stream = self.connector.connect(self.name.clone(), wire).await?;
        Ok(Box::new(stream))
    }
}

/// Reads the greeting and sends EHLO; fails where STARTTLS is not offered.
pub(super) async fn plain_hello(wire: &mut Box<dyn Wire>, hello: &str) -> io::Result<()> {
    plain_reply(wire, 220).await?;
    wire.write_all(format!("EHLO {hello}\r\n").as_bytes()).await?;
    let offered = plain_reply(wire, 250).await?;
    if offered.message().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::Unsupported, "the relay does not offer STARTTLS"))
}

/// Sends STARTTLS; the next byte on the wire is the handshake's.
pub(super) async fn starttls(wire: &mut Box<dyn Wire>) -> io::Result<()> {
    wire.write_all(b"STARTTLS\r\n").await?;
    plain_reply(wire, 220).await.map(|_| ())
}

/// Reads one reply and not a byte more: what follows it in plaintext is an attack or a mistake.
async fn plain_reply(wire: &mut Box<dyn Wire>, wanted: u16) -> io::Result<Response> {
    let invalid = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    let mut buffer = Vec::new();
    let end = loop {
        if let Some(end) = reply_end(&buffer) {
            break end;
        }
        if buffer.len() > MAX_PLAIN_REPLY {
            return Err(invalid("the relay's reply is too long"));
        }
        if wire.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    if end != buffer.len() {
        return Err(invalid("the relay sent more than one reply before TLS"));
    }
    let reply: Response = String::from_utf8(buffer)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("what the relay sent is not a reply"))?;
    if reply.has_code(wanted) {
        return Ok(reply);
    }
    Err(io::Error::other(format!("the relay answered {}", reply.code())))
}

/// Where the first reply ends: behind the line whose code is not followed by a hyphen.
fn reply_end(buffer: &[u8]) -> Option<usize> {
    let mut start = 0;
    while let Some(length) = buffer[start..].windows(2).position(|pair| pair == b"\r\n") {
        let end = start + length + 2;
        if buffer.get(start + 3) != Some(&b'-') {
            return Some(end);
        }
        start = end;
    }
    None
}

/// What lettre is given: a wire, and the greeting that it expects but that was read before TLS.
#[derive(Debug)]
pub(super) struct Spoken {
    wire: Box<dyn Wire>,
    greeting: &'static [u8],
}

impl Spoken {
    /// A wire whose server has yet to greet.
    pub(super) fn fresh(wire: Box<dyn Wire>) -> Self {
        Self { wire, greeting: b"" }
    }

    /// A wire whose server greeted before STARTTLS.
    pub(super) fn greeted(wire: Box<dyn Wire>) -> Self {
        Self { wire, greeting: b"220 greeted before STARTTLS\r\n" }
    }
}

impl AsyncRead for Spoken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.wire).poll_read(cx, buf);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buf.remaining()));
        buf.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Spoken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Spoken {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        // lettre only passes this on to callers, and there is none.
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests;
