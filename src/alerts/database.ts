import { closeSync, existsSync, openSync } from 'node:fs'
import { backup, constants, DatabaseSync, type StatementSync } from 'node:sqlite'
import { UserError } from '../lib/errors.ts'
import { start } from './migrations/1-start.ts'

/** The n-th brings a database of version n-1 to version n (SQLite's `user_version`). Never change one that was released. */
const migrations: readonly string[] = [start]

/**
 * Opens the alerts' database, checks that it is whole, and brings it to this version's shape.
 * `synchronous = FULL`: what is committed survives the loss of power, so that it may be acknowledged to the sensor.
 * @throws UserError when it cannot be opened, is damaged, or was written by a newer Paddock
 */
export function openDatabase(path: string): DatabaseSync {
  createPrivate(path)
  const database = open(path, false)
  try {
    // One watch at a time; and no shared memory file that another user's process could be led to.
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    database.exec('PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -16384')
    // Node's permission model does not reach into SQLite: this keeps a statement from opening other files.
    database.setAuthorizer((action) =>
      action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK,
    )
    checkIntegrity(database, path)
    migrate(database, path)
    return database
  } catch (error) {
    database.close()
    throw asUserError(error, path)
  }
}

/**
 * Opens a copy made by `paddock alerts backup`, to read only.
 * @public for `paddock alerts verify`
 */
export function openDatabaseReadOnly(path: string): DatabaseSync {
  if (!existsSync(path)) throw new UserError(`cannot open the alerts database ${path}: there is no such file`)
  const database = open(path, true)
  try {
    checkIntegrity(database, path)
    return database
  } catch (error) {
    database.close()
    throw asUserError(error, path)
  }
}

/** Writes a consistent copy to `target` while the database goes on being used. */
export async function copyDatabase(database: DatabaseSync, target: string): Promise<void> {
  await backup(database, target, { rate: 1024 })
}

/** Runs `work` in one transaction: all of it is kept, or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/** A statement that is run for each finding of a burst: parsed once for the life of the database. */
export function prepared(database: DatabaseSync, sql: string): StatementSync {
  const known = statements.get(database) ?? new Map<string, StatementSync>()
  const statement = known.get(sql) ?? database.prepare(sql)
  statements.set(database, known.set(sql, statement))
  return statement
}

/** SQLite gives its journal files the mode of the database. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot open the alerts database ${path}: ${error.message}`, { cause: error })
  }
}

function open(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: 5000, defensive: true })
  } catch (error) {
    throw asUserError(error, path)
  }
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  // quick_check reads each page but does not compare indexes with tables: seconds, not minutes, for gigabytes.
  const rows = database.prepare('PRAGMA quick_check(1)').all()
  const found = String(rows[0]?.['quick_check'])
  if (found !== 'ok') {
    throw new UserError(`the alerts database ${path} is damaged: ${found}`, {
      hint: 'put back a copy made by `paddock alerts backup`, or move the file away to begin anew and keep it for study',
    })
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > migrations.length) {
    throw new UserError(
      `the alerts database ${path} has version ${version}, this Paddock knows ${migrations.length}`,
      { hint: 'run the newer Paddock that wrote it' },
    )
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    transaction(database, () => {
      database.exec(migration)
      database.exec(`PRAGMA user_version = ${index + 1}`)
    })
  }
}

function asUserError(error: unknown, path: string): unknown {
  if (error instanceof UserError || !(error instanceof Error) || !('errcode' in error)) return error
  return new UserError(`cannot open the alerts database ${path}: ${error.message}`, {
    hint: 'see that the file is a Paddock database, that its folder is writable and that the disk has room',
    cause: error,
  })
}
