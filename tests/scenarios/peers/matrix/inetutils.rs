//! The ftp of GNU inetutils, told by commands on stdin.

use super::{Cannot, Client, Security, Task, Told, tnftp};

pub(super) const INETUTILS: Client = Client {
    program: "inetutils-ftp",
    told,
    cannot: &[Cannot {
        when: |cell| cell.column.security != Security::Clear,
        why: "it has no TLS for FTP",
    }],
};

fn told(task: &Task) -> Told {
    tnftp::session("inetutils-ftp", &["-n", "-i", "-v", "-p"], task)
}
