//! Python's ftplib, FTP and FTP_TLS, told by a script.

use std::process::Command;

use super::{Cannot, Client, Security, Task, Told, Verb};

pub(super) const FTPLIB: Client = Client {
    program: "python3",
    told,
    cannot: &[Cannot {
        when: |cell| cell.column.security == Security::Implicit,
        why: "ftplib knows AUTH TLS only",
    }],
};

fn told(task: &Task) -> Told {
    let done = match task.verb {
        Verb::Upload => "ftp.storbinary('STOR ' + name, open(own, 'rb'))",
        Verb::Download => "ftp.retrbinary('RETR ' + name, open(own, 'wb').write)",
        Verb::ResumeUpload => RESUME_UPLOAD,
        Verb::ResumeDownload => RESUME_DOWNLOAD,
        Verb::List => LIST,
        Verb::ListInside => "ftp.cwd(name); print(ftp.nlst(), ftp.pwd())",
        Verb::Rename => "ftp.rename(name, 'moved/' + name)",
        Verb::Delete => "ftp.delete(name)",
        Verb::MakeDirectory => "assert ftp.mkd(name) == '/' + name",
        Verb::RemoveDirectory => "ftp.rmd(name)",
    };
    let mut command = Command::new("python3");
    command
        .args(["-I", "-c", &format!("{CONNECT}{done}\nftp.quit()\n")])
        .args([task.server.ip().to_string(), task.server.port().to_string()])
        .args([task.name, task.own])
        .arg(task.certificate);
    if task.security == Security::Explicit {
        command.arg("explicit");
    }
    command.into()
}

const CONNECT: &str = r"
import ftplib, os, ssl, sys
host, port, name, own, certificate = sys.argv[1:6]
if sys.argv[6:] == ['explicit']:
    ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=certificate))
else:
    ftp = ftplib.FTP()
ftp.connect(host, int(port), timeout=10)
ftp.login('alice', 'secret')
if sys.argv[6:] == ['explicit']:
    ftp.prot_p()
";

const RESUME_UPLOAD: &str = r"
ftp.voidcmd('TYPE I')
there = ftp.size(name)
source = open(own, 'rb')
source.seek(there)
ftp.storbinary('STOR ' + name, source, rest=there)
";

const RESUME_DOWNLOAD: &str = r"
here = os.path.getsize(own)
ftp.retrbinary('RETR ' + name, open(own, 'ab').write, rest=here)
";

const LIST: &str = r"
assert ftp.nlst() == [name], ftp.nlst()
assert list(dict(ftp.mlsd())) == [name]
ftp.dir()
";
