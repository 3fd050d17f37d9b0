//! Accepts connections on loopback, one thread each, and takes all of them down when dropped.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The running acceptor.
pub(crate) struct Listener {
    addresses: Vec<SocketAddr>,
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<(SocketAddr, TcpStream)>>>,
    acceptors: Vec<JoinHandle<()>>,
}

impl Listener {
    /// Listens on 127.0.0.1 (and on ::1, same port, when `ipv6`) and calls `serve` in a new thread per connection.
    pub(crate) fn start(ipv6: bool, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> io::Result<Self> {
        let serve: Arc<dyn Fn(TcpStream) + Send + Sync> = Arc::new(serve);
        let stopping = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (mut addresses, mut acceptors) = (Vec::new(), Vec::new());
        for socket in sockets(ipv6)? {
            addresses.push(socket.local_addr()?);
            let (serve, stopping, open) = (Arc::clone(&serve), Arc::clone(&stopping), Arc::clone(&open));
            acceptors.push(thread::spawn(move || accept(&socket, &serve, &stopping, &open)));
        }
        Ok(Self { addresses, stopping, open, acceptors })
    }

    /// The IPv4 address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }
}

/// One ephemeral port, on both families when asked; a port taken on the second family is tried anew.
fn sockets(ipv6: bool) -> io::Result<Vec<TcpListener>> {
    let mut attempts = 0;
    loop {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        if !ipv6 {
            return Ok(vec![v4]);
        }
        match TcpListener::bind((Ipv6Addr::LOCALHOST, v4.local_addr()?.port())) {
            Ok(v6) => return Ok(vec![v4, v6]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts < 10 => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

fn accept(
    socket: &TcpListener,
    serve: &Arc<dyn Fn(TcpStream) + Send + Sync>,
    stopping: &AtomicBool,
    open: &Arc<Mutex<Vec<(SocketAddr, TcpStream)>>>,
) {
    for stream in socket.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let (Ok(handle), Ok(mine)) = (stream.try_clone(), stream.peer_addr()) else { continue };
        open.lock().unwrap_or_else(PoisonError::into_inner).push((mine, handle));
        let (serve, open) = (Arc::clone(serve), Arc::clone(open));
        thread::spawn(move || {
            serve(stream);
            open.lock().unwrap_or_else(PoisonError::into_inner).retain(|(peer, _)| *peer != mine);
        });
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            // Wakes the acceptor, which sees the flag.
            let _ = TcpStream::connect(address);
        }
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
        }
        for (_, stream) in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
