//! Whose a connection over the loopback interface is, as the kernel's table of sockets tells (proc_net(5)).

use std::env;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};

use nix::unistd::{geteuid, getuid};

/// ESTABLISHED. A socket its owner has closed is listed as root's.
const ESTABLISHED: &str = "01";

/// Whether another user is at the other end. He can read the address our browser was started with, and answer in its place.
/// Where there is no such table, nobody can tell.
pub(super) fn is_somebody_elses(stream: &TcpStream) -> bool {
    let (Ok(peer), Ok(own)) = (stream.peer_addr(), stream.local_addr()) else { return true };
    let tables: Vec<_> =
        ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    if tables.is_empty() {
        return false;
    }
    let owner = tables.iter().find_map(|table| owner(table, peer, own));
    !owner.is_some_and(|uid| ours().contains(&Some(uid)))
}

/// Ourselves, and whoever is root by sudo: the browser is theirs.
fn ours() -> [Option<u32>; 3] {
    let behind = env::var("SUDO_UID").ok().filter(|_| getuid().is_root()).and_then(|uid| uid.parse().ok());
    [Some(getuid().as_raw()), Some(geteuid().as_raw()), behind]
}

/// The user whose open socket connects these two.
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    let (from, to) = (written(from), written(to));
    table.lines().find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let (local, remote, state) = (columns.next()?, columns.next()?, columns.next()?);
        let is_it = from.iter().any(|it| it == local) && to.iter().any(|it| it == remote) && state == ESTABLISHED;
        if is_it { columns.nth(3)?.parse().ok() } else { None }
    })
}

/// An address in the tables' words: as it is, and as a socket for both families has it (RFC 4291 section 2.5.5.2).
fn written(address: SocketAddr) -> [String; 2] {
    let words = |octets: &[u8]| -> String {
        let (words, _) = octets.as_chunks::<4>();
        words.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
    };
    let (plain, mapped) = match address.ip() {
        IpAddr::V4(four) => (words(&four.octets()), words(&four.to_ipv6_mapped().octets())),
        IpAddr::V6(six) => (words(&six.octets()), words(&six.octets())),
    };
    [plain, mapped].map(|ip| format!("{ip}:{:04X}", address.port()))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpListener};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    fn accepted(listener: &TcpListener) -> TcpStream {
        listener.accept().unwrap().0
    }

    #[test]
    fn our_own_connections_are_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!is_somebody_elses(&accepted(&listener)));
        let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!is_somebody_elses(&accepted(&listener)));
    }

    #[test]
    fn another_users_connection_is_told_and_one_that_was_closed_is_nobodys() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(closed);
        assert!(is_somebody_elses(&accepted(&listener)));
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can be somebody else");
            return;
        }
        let port = listener.local_addr().unwrap().port();
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r line");
        let mut command = Command::new("bash");
        let mut other = command.args(["-c", &script]).uid(65534).gid(65534).stdin(Stdio::piped()).spawn().unwrap();
        assert!(is_somebody_elses(&accepted(&listener)));
        drop(other.stdin.take());
        other.wait().unwrap();
    }

    #[test]
    fn the_table_is_read_as_the_kernel_writes_it() {
        if cfg!(target_endian = "big") {
            return;
        }
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                     0: 0100007F:B0B0 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 7 1 0 20\n\
                     1: 0100007F:B0B1 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20\n\
                     2: 0000000000000000FFFF00000100007F:B0B2 0000000000000000FFFF00000100007F:1F90 01 0:0 00:0 0 1001 0\n";
        let owner =
            |port| owner(table, format!("127.0.0.1:{port}").parse().unwrap(), "127.0.0.1:8080".parse().unwrap());
        assert_eq!([owner(0xb0b0), owner(0xb0b1), owner(0xb0b2), owner(0x1f90)], [Some(1000), None, Some(1001), None]);
    }
}
