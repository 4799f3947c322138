//! The keyring of a process: the keys that it was given, or one that the first start makes in its data folder. And what is
//! to be done about credentials at each start.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use chrono::Utc;
use dawncast_store::{Keyring, Store, records::Secret};

use crate::{
    config::Config,
    failure::Failure,
    roles::{Role, Roles},
};

/// The key that is made where none is given, in the data folder.
const FILE: &str = "credentials.key";

/// The keys that this process seals and opens tokens with.
pub(crate) fn keyring(config: &Config, roles: &Roles) -> Result<Keyring, Failure> {
    let given = config.credentials.keyring()?;
    let needs_one = [Role::Api, Role::Scheduler, Role::Worker, Role::Monitor].into_iter().any(|role| roles.has(role));
    if given.current().is_some() || !needs_one {
        return Ok(given);
    }
    let path = config.data_dir.join(FILE);
    let remedy = "set credentials.keys_file (DAWNCAST_CREDENTIALS__KEYS_FILE) to a file with a key";
    let key = read_or_make(&path).map_err(|why| Failure::new(format!("{}: {why}; {remedy}", path.display())))?;
    if config.redis.url.is_some() {
        tracing::warn!(
            "credentials.keys is not set, so tokens are sealed under the key in {}: every process that shares this Redis \
             needs the same one",
            path.display()
        );
    }
    Keyring::new(&[key]).map_err(|why| Failure::new(format!("{}: {why}", path.display())))
}

fn read_or_make(path: &Path) -> io::Result<Secret> {
    match fs::read_to_string(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => make(path)?,
        Err(why) => return Err(why),
        Ok(_) => {}
    }
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{} can be read by other users: chmod 600 it", path.display());
    }
    fs::read_to_string(path).map(Secret::new)
}

/// Makes a key, whole or not at all. *Two processes that share the folder start at once*: the first one's stands.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    writeln!(file, "{}", Keyring::make_key().expose())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            tracing::info!("a key for credentials was made in {}: keep a copy elsewhere", path.display());
            fs::File::open(folder)?.sync_all()
        }
        Err(why) if why.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why.error),
    }
}

/// Seals the tokens that an earlier version has stored as they are, and says which cannot be opened. A start does not fail
/// by either: numbers without a token rest, and others stand in.
pub(crate) async fn look_after(store: &Store) {
    match store.seal_plain_tokens(Utc::now().timestamp_millis()).await {
        Ok(0) => {}
        Ok(count) => tracing::info!("the access tokens of {count} numbers are sealed now"),
        Err(why) => tracing::warn!(error = %why, "tokens of an earlier version cannot be sealed now: {why}"),
    }
    match store.credentials().await {
        Ok(credentials) => {
            for (place, why) in credentials.locked() {
                tracing::error!("the access token of {place} cannot be opened: {why}");
            }
        }
        Err(why) => tracing::warn!(error = %why, "it cannot be seen now whether every access token opens: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_key_that_only_its_user_reads_and_later_ones_find_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join(FILE);
        let made = read_or_make(&path).unwrap();
        assert!(Keyring::new(std::slice::from_ref(&made)).is_ok());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_or_make(&path).unwrap(), made);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn of_many_that_start_at_once_all_have_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let start = || {
            let path = path.clone();
            std::thread::spawn(move || read_or_make(&path).unwrap())
        };
        let keys: Vec<_> = [(); 16].map(|()| start()).into_iter().map(|started| started.join().unwrap()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
