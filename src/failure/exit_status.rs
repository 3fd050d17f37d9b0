//! What the caller's shell gets: the statuses of sysexits.h.

/// The exit statuses of sysexits.h this program uses; 0 is not among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ExitStatus {
    /// EX_USAGE: the call itself is wrong.
    Usage = 64,
    /// EX_DATAERR: the message or an address is wrong.
    Data = 65,
    /// EX_NOUSER: a recipient was refused.
    NoUser = 67,
    /// EX_UNAVAILABLE: refused otherwise.
    Unavailable = 69,
    /// EX_SOFTWARE: a bug of ours.
    Software = 70,
    /// EX_OSERR: the system failed us.
    OsError = 71,
    /// EX_CANTCREAT: nowhere to put the message.
    CannotCreate = 73,
    /// EX_IOERR: the message was perhaps sent.
    PerhapsSent = 74,
    /// EX_TEMPFAIL: nothing was sent, the same call may work later.
    Temporary = 75,
    /// EX_PROTOCOL: the server or somebody on the way does not speak as it must.
    Protocol = 76,
    /// EX_NOPERM: sign-in needed, or the sender is not allowed.
    NoPermission = 77,
    /// EX_CONFIG: the configuration is wrong.
    Config = 78,
}
