//! A TCP proxy that a test can cut or silence: the network, misbehaving on demand.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How the network behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Bytes pass.
    Fair(u64),
    /// Connections stay open and nothing passes, new ones included.
    Silent,
}

/// Forwards one local port to another until it is dropped.
pub(crate) struct Proxy {
    /// Where to connect.
    pub(crate) port: u16,
    weather: watch::Sender<Weather>,
    cuts: u64,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts to forward to `target` on this machine.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let (weather, seen) = watch::channel(Weather::Fair(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, SocketAddr::from(([127, 0, 0, 1], target)), seen));
        Self { port, weather, cuts: 0, _tasks: tasks }
    }

    /// Closes every connection; new ones pass.
    pub(crate) fn cut(&mut self) {
        self.cuts += 1;
        self.weather.send_replace(Weather::Fair(self.cuts));
    }

    /// Keeps every connection open and lets nothing pass, until the next `cut`.
    pub(crate) fn silence(&mut self) {
        self.weather.send_replace(Weather::Silent);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(forward(client, target, weather.clone()));
    }
}

async fn forward(mut client: TcpStream, target: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let begun = *weather.borrow_and_update();
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    if begun != Weather::Silent {
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = weather.changed() => {}
        }
    }
    // Silence holds the sockets until the weather changes again; a cut lets go of them at once.
    let _ = weather.wait_for(|now| *now != Weather::Silent && *now != begun).await;
}
