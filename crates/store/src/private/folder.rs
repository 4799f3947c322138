//! The data folder of a private Redis: its files, its locks, and where its socket is.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::PrivateError;
use crate::records::sha256_hex;

/// The kernel's limit is 108 bytes on Linux and 104 on macOS, the closing zero included.
const SOCKET_PATH_MAX: usize = 100;
/// A predecessor that is just ending is waited for this long before a start is refused.
const OWN_WITHIN: Duration = Duration::from_millis(500);

/// A lock on a file: held until dropped here and in every process it was handed to.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// `None`: someone else holds it.
    fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Notes the process for whoever is refused because of this lock.
    fn sign(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        writeln!(self.0, "{}", std::process::id())
    }

    /// Hands the lock over, to be a child's standard input.
    pub(super) fn into_file(self) -> File {
        self.0
    }
}

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    socket: PathBuf,
}

impl Folder {
    /// Creates the folder if absent, readable by its user alone: phone numbers are stored in it.
    pub(super) fn open(path: &Path) -> Result<Self, PrivateError> {
        let failed = |source| PrivateError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let root = path.canonicalize().map_err(failed)?;
        let socket = socket_path(&root)?;
        if root.to_str().is_none() || socket.to_str().is_none() {
            return Err(unusable(&root, "its path is not UTF-8; choose another data_dir"));
        }
        Ok(Self { root, socket })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn conf(&self) -> PathBuf {
        self.root.join("redis.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("redis.log")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.root.join("redis.pid")
    }

    pub(super) fn url(&self) -> String {
        let path = self.socket.as_os_str().as_bytes().iter();
        let encoded = path.map(|&byte| match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        format!("redis+unix://{}", encoded.collect::<String>())
    }

    /// Takes the folder for this process.
    pub(super) async fn own(&self) -> Result<Lock, PrivateError> {
        let path = self.root.join("lock");
        let failed = |source| PrivateError::Io { path: path.clone(), source };
        let started = Instant::now();
        loop {
            if let Some(mut lock) = Lock::take(&path).map_err(failed)? {
                lock.sign().map_err(failed)?;
                return Ok(lock);
            }
            if started.elapsed() > OWN_WITHIN {
                return Err(PrivateError::Held { folder: self.root.clone(), owner: read_pid(&path) });
            }
            sleep(super::POLL).await;
        }
    }

    /// Takes the lock that a Redis on this folder holds while it lives. `None`: one lives.
    pub(super) fn occupy(&self) -> Result<Option<Lock>, PrivateError> {
        let path = self.root.join("redis.lock");
        Lock::take(&path).map_err(|source| PrivateError::Io { path, source })
    }

    /// Whether a Redis lives on this folder.
    pub(super) fn is_occupied(&self) -> Result<bool, PrivateError> {
        Ok(self.occupy()?.is_none())
    }

    /// The process id of a Redis that lives on this folder but does not say it: from its pid file, unless that names a
    /// process of other business, which the id may have passed to.
    pub(super) fn orphan(&self) -> Option<u32> {
        let pid = read_pid(&self.pid_file())?;
        let at_home =
            fs::read_link(format!("/proc/{pid}/cwd")).map_or(!cfg!(target_os = "linux"), |cwd| cwd == self.root);
        at_home.then_some(pid)
    }
}

fn read_pid(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn unusable(folder: &Path, reason: impl Into<String>) -> PrivateError {
    PrivateError::Unusable { folder: folder.to_owned(), reason: reason.into() }
}

/// In the folder itself, or for a folder too deep for the kernel, in a folder of the user's own under the runtime or
/// temporary directory, named after the data folder.
fn socket_path(root: &Path) -> Result<PathBuf, PrivateError> {
    let inside = root.join("redis.sock");
    if fits(&inside) {
        return Ok(inside);
    }
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let uid = rustix::process::getuid().as_raw();
    let shelter = base.join(format!("dawncast-{uid}"));
    let name = sha256_hex(root.as_os_str().as_bytes());
    let outside = shelter.join(format!("{}.sock", &name[..16]));
    if !fits(&outside) {
        return Err(unusable(root, "its path is too long for a Unix socket; choose a shorter data_dir"));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&shelter)
        .map_err(|source| PrivateError::Io { path: shelter.clone(), source })?;
    ensure_own(&shelter, uid).map_err(|reason| unusable(root, reason))?;
    Ok(outside)
}

fn fits(socket: &Path) -> bool {
    socket.as_os_str().len() <= SOCKET_PATH_MAX
}

/// The temporary directory is open to everyone: a shelter that somebody else prepared would hand them our Redis.
fn ensure_own(shelter: &Path, uid: u32) -> Result<(), String> {
    let meta = fs::symlink_metadata(shelter).map_err(|error| format!("{}: {error}", shelter.display()))?;
    if meta.is_dir() && meta.uid() == uid && meta.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "its path is too long for a Unix socket, and {}, the place for one instead, is open to other users. \
         Remove that, or choose a shorter data_dir",
        shelter.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_url_survives_odd_characters_in_the_path() {
        let folder = Folder { root: "/d".into(), socket: "/d/a b%?é/redis.sock".into() };
        assert_eq!(folder.url(), "redis+unix:///d/a%20b%25%3F%C3%A9/redis.sock");
    }

    #[test]
    fn a_socket_is_in_its_folder_unless_that_is_too_deep_for_the_kernel() {
        let shallow = Path::new("/var/lib/dawncast");
        assert_eq!(socket_path(shallow).unwrap(), shallow.join("redis.sock"));

        let deep = |name: &str| socket_path(&Path::new("/").join("deep/".repeat(20)).join(name)).unwrap();
        assert!(fits(&deep("a")));
        assert_eq!(deep("a"), deep("a"), "the next start has to find the same socket");
        assert_ne!(deep("a"), deep("b"));
    }

    #[test]
    fn a_shelter_open_to_others_is_refused() {
        let shelter = tempfile::tempdir().unwrap();
        let uid = rustix::process::getuid().as_raw();
        let set_mode = |mode| fs::set_permissions(shelter.path(), fs::Permissions::from_mode(mode)).unwrap();
        set_mode(0o700);
        ensure_own(shelter.path(), uid).unwrap();
        ensure_own(shelter.path(), uid + 1).unwrap_err();
        set_mode(0o755);
        assert!(ensure_own(shelter.path(), uid).unwrap_err().contains("shorter data_dir"));
    }

    #[test]
    fn a_stale_pid_file_names_no_orphan() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path()).unwrap();
        assert_eq!(folder.orphan(), None);
        for stale in ["not a number", &u32::MAX.to_string(), &std::process::id().to_string()] {
            fs::write(folder.pid_file(), stale).unwrap();
            assert_eq!(folder.orphan(), None, "{stale}");
        }
    }
}
