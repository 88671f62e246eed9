//! Opens the file: owner, durability, schema. What is asked of SQLite is read back, never assumed.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use refinery::{Migration, Runner};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::codec::failed;
use crate::store::{Limits, Result, StoreError};

/// Name and text of every migration, in order; the first four digits are its number.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_store", include_str!("../../../migrations/sqlite/0001_store.sql")),
    ("0002_begun", include_str!("../../../migrations/sqlite/0002_begun.sql")),
    ("0003_gates", include_str!("../../../migrations/sqlite/0003_gates.sql")),
    ("0004_commands", include_str!("../../../migrations/sqlite/0004_commands.sql")),
    ("0005_held", include_str!("../../../migrations/sqlite/0005_held.sql")),
    ("0006_intents", include_str!("../../../migrations/sqlite/0006_intents.sql")),
    ("0007_ledger", include_str!("../../../migrations/sqlite/0007_ledger.sql")),
    ("0008_wish_gates", include_str!("../../../migrations/sqlite/0008_wish_gates.sql")),
];

/// Two connections could corrupt a WAL before this version (WAL-reset bug).
const OLDEST_SQLITE: i32 = 3_051_003;

/// What the write-ahead log is cut to after a checkpoint, in bytes.
const WAL_BYTES_KEPT: u32 = 64 * 1024 * 1024;

/// The schema that this program writes.
pub(super) fn known_schema() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("the list of migrations is written by hand")
}

/// The one writer's connection: creates the file (for its owner's eyes only) and migrates it.
pub(super) fn writer(path: &Path, limits: &Limits) -> Result<Connection> {
    create(path).map_err(|error| cannot_open(path, error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, error))?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    configure_writer(&connection, limits).map_err(failed("setting it up"))?;
    assert_durable(&connection)?;
    migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path, limits: &Limits) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, error))?;
    let set_up = || {
        connection.busy_timeout(limits.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(limits.statement_cache);
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -i64::from(limits.reader_cache_kib))
    };
    set_up().map_err(failed("setting it up"))?;
    of_this_schema(connection)
}

/// A connection that writes beside the worker, in transactions of its own. What it leaves in the log the worker moves.
pub(super) fn beside(path: &Path, limits: &Limits) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, error))?;
    let set_up = || {
        connection.busy_timeout(limits.busy_timeout)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)
    };
    set_up().map_err(failed("setting it up"))?;
    let connection = of_this_schema(connection)?;
    assert_durable(&connection)?;
    Ok(connection)
}

fn of_this_schema(connection: Connection) -> Result<Connection> {
    let (found, known) = (schema(&connection)?, known_schema());
    match found.cmp(&known) {
        core::cmp::Ordering::Less => Err(StoreError::TooOld { found, known }),
        core::cmp::Ordering::Equal => Ok(connection),
        core::cmp::Ordering::Greater => Err(StoreError::TooNew { found, known }),
    }
}

fn cannot_open(
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Open { path: path.to_owned(), source: source.into() }
}

/// Creates the file before SQLite does, to choose its mode; the log and the index inherit it.
fn create(path: &Path) -> std::io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    private().create(true).truncate(false).open(path)?.sync_all()?;
    // Without this the file's name could be lost with the power, and every commit with it.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes the right to write, or says who has it. It is given back when the file is closed, also by a crash.
pub(super) fn own(path: &Path) -> Result<File> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let open = || private().create(true).truncate(false).open(&lock_path);
    let mut lock = open().map_err(|error| cannot_open(&lock_path, error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The note is for people; the lock is what counts.
            if lock.read_to_string(&mut holder).is_err() || holder.trim().is_empty() {
                holder = "process unknown".to_owned();
            }
            let holder = holder.trim().to_owned();
            return Err(StoreError::Owned { path: path.to_owned(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(cannot_open(&lock_path, error)),
    }
    let mut note = || {
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "process {}", std::process::id())
    };
    note().map_err(|error| cannot_open(&lock_path, error))?;
    Ok(lock)
}

fn configure_writer(connection: &Connection, limits: &Limits) -> rusqlite::Result<()> {
    connection.busy_timeout(limits.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(limits.statement_cache);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", limits.checkpoint_pages)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "cache_size", -i64::from(limits.writer_cache_kib))?;
    connection.pragma_update(None, "temp_store", "memory")
}

/// Refuses to work on a store that could lose an acknowledged event (SAFE-1).
pub(super) fn assert_durable(connection: &Connection) -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::Unsafe {
            setting: "sqlite_version",
            found: rusqlite::version().to_owned(),
            needed: "3.51.3 or later".to_owned(),
        });
    }
    for (setting, needed) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")]
    {
        let found: String = connection
            .pragma_query_value(None, setting, |row| {
                let value = row.get_ref(0)?;
                Ok(value.as_i64().map_or_else(
                    |_| value.as_str().unwrap_or("?").to_lowercase(),
                    |number| number.to_string(),
                ))
            })
            .map_err(failed("reading its settings"))?;
        if found != needed {
            return Err(StoreError::Unsafe { setting, found, needed: needed.to_owned() });
        }
    }
    Ok(())
}

/// Moves what is in the write-ahead log into the database and cuts the log to nothing. What a reader still sees stays.
pub(super) fn empty_log(connection: &Connection) -> Result<()> {
    // The answer says whether a reader was in the way: then the next checkpoint, or the next start, does it.
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(failed("emptying its log"))
}

/// The schema version of the file; 0 if it has none.
fn schema(connection: &Connection) -> Result<u32> {
    let failed = failed("reading its schema version");
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    let tables: u32 = connection.query_row(table, [], |row| row.get(0)).map_err(failed)?;
    if tables == 0 {
        return Ok(0);
    }
    let latest = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    connection.query_row(latest, [], |row| row.get(0)).map_err(failed)
}

/// Brings an older file up to date in one transaction; refuses a newer one before it touches anything.
pub(super) fn migrate(connection: &mut Connection, migrations: &[(&str, &str)]) -> Result<()> {
    let found = schema(connection)?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    let migrations = migrations
        .iter()
        .map(|(name, text)| {
            let (number, words) = name.split_once('_').unwrap_or((name, "migration"));
            Migration::unapplied(&format!("V{number}__{words}"), text)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| StoreError::Migrate(error.into()))?;
    Runner::new(&migrations)
        .set_grouped(true)
        .run(connection)
        .map(drop)
        .map_err(|error| StoreError::Migrate(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &tempfile::TempDir) -> Connection {
        writer(&folder.path().join("dunlin.db"), &Limits::default()).unwrap()
    }

    #[test]
    fn every_commit_is_synced_and_references_hold() {
        let folder = tempfile::tempdir().unwrap();
        assert_durable(&opened(&folder)).unwrap();
    }

    #[test]
    fn a_store_that_could_lose_a_commit_is_refused() {
        for (setting, value) in
            [("synchronous", "normal"), ("foreign_keys", "off"), ("journal_mode", "delete")]
        {
            let folder = tempfile::tempdir().unwrap();
            let connection = opened(&folder);
            connection.pragma_update(None, setting, value).unwrap();
            let refused = assert_durable(&connection).unwrap_err();
            assert!(matches!(refused, StoreError::Unsafe { .. }), "{refused}");
            assert!(refused.is_fatal() && refused.to_string().contains(setting), "{refused}");
        }
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        drop(opened(&folder));
        let reader = reader(&folder.path().join("dunlin.db"), &Limits::default()).unwrap();
        assert!(reader.execute("DELETE FROM inbox", []).is_err());
    }

    #[test]
    fn every_migration_in_the_folder_is_compiled_in_by_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<_> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let compiled: Vec<_> = MIGRATIONS.iter().map(|(name, _)| format!("{name}.sql")).collect();
        assert_eq!(files, compiled);
        for (number, (name, _)) in (1..).zip(MIGRATIONS) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        }
    }

    #[test]
    fn an_older_store_is_migrated_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = opened(&folder);
        connection.execute("INSERT INTO accounts VALUES ('a', 1, NULL, '{}', NULL)", []).unwrap();
        let mut newer = MIGRATIONS.to_vec();
        newer.push(("9001_more", "ALTER TABLE accounts ADD COLUMN more INTEGER DEFAULT 7;"));
        migrate(&mut connection, &newer).unwrap();
        assert_eq!(schema(&connection).unwrap(), 9_001);
        let more: i64 =
            connection.query_row("SELECT more FROM accounts", [], |row| row.get(0)).unwrap();
        assert_eq!(more, 7);
        let refused = migrate(&mut connection, MIGRATIONS).unwrap_err();
        assert!(
            matches!(refused, StoreError::TooNew { found: 9_001, known } if known == known_schema()),
            "{refused}"
        );
    }

    #[test]
    fn decisions_from_before_the_chain_are_counted_where_it_begins() {
        use crate::ledger::verify::{Wrong, verify};
        use crate::store::{NewDecision, Read as _};
        let folder = tempfile::tempdir().unwrap();
        let mut older = Connection::open(folder.path().join("dunlin.db")).unwrap();
        migrate(&mut older, &MIGRATIONS[..5]).unwrap();
        let old = "INSERT INTO decisions (account, at, causes, body) VALUES (?1, 1, '[]', '{}')";
        for account in ["a", "a", "b"] {
            older.execute(old, [account]).unwrap();
        }
        migrate(&mut older, MIGRATIONS).unwrap();
        let (account, at) = ("a".into(), chrono::DateTime::UNIX_EPOCH);
        let new = NewDecision {
            account: &account,
            at,
            causes: &[],
            resources: &[],
            body: "{}",
            text: None,
        };
        crate::store::sqlite::decisions::append(&older, &new).unwrap();
        let verified = |account: &str| verify(&older, &account.into()).unwrap();
        let (a, b) = (verified("a"), verified("b"));
        assert_eq!((a.before, a.records, a.wrong), (2, 1, None));
        assert_eq!((b.before, b.records, b.wrong), (1, 0, None));
        assert_eq!(older.account_ids(None, 9).unwrap(), ["a".into(), "b".into()]);
        older
            .execute_batch("DROP TRIGGER decisions_never_go; DELETE FROM decisions WHERE id = 1")
            .unwrap();
        assert_eq!(verified("a").wrong, Some(Wrong::Before { expected: 2, found: 1 }));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_store_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = opened(&folder);
        let mut bad = MIGRATIONS.to_vec();
        bad.push(("9001_good", "CREATE TABLE more (id INTEGER);"));
        bad.push(("9002_bad", "CREATE TABLE more (id INTEGER);"));
        let refused = migrate(&mut connection, &bad).unwrap_err();
        assert!(matches!(refused, StoreError::Migrate(_)), "{refused}");
        assert_eq!(schema(&connection).unwrap(), known_schema());
        migrate(&mut connection, MIGRATIONS).unwrap();
    }

    #[test]
    fn a_migration_whose_text_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = opened(&folder);
        let mut changed = MIGRATIONS.to_vec();
        changed[0].1 = "CREATE TABLE accounts (id INTEGER);";
        assert!(matches!(migrate(&mut connection, &changed), Err(StoreError::Migrate(_))));
    }
}
