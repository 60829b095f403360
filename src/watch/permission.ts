/**
 * What Node's permission model is told when watch is started: it reads its own code, its configuration and its two
 * folders, writes only the latter, and starts no program, worker or addon. A second fence inside the first, which is
 * that watch runs as a user without rights: the model does not reach into SQLite, nor to sockets.
 */
export function watchPermissions(folders: {
  /** Where watch's own code lies: `dist`, or the checkout. */
  readonly code: string
  /** Watch's own, `watch` in the state folder. */
  readonly state: string
  readonly run: string
  readonly config: string
}): string[] {
  const { code, state, run, config } = folders
  return [
    '--permission',
    ...[code, config, state, run].map((folder) => `--allow-fs-read=${folder}/`),
    ...[state, run].map((folder) => `--allow-fs-write=${folder}/`),
  ]
}
