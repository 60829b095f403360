/** Folders that programs lie in; on merged systems some are links, and the tree has the files once. */
export const PROGRAM_FOLDERS = [
  '/bin',
  '/sbin',
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
] as const

/** A path right in one of them. */
export const PROGRAM_PLACES = /^\/(usr\/|usr\/local\/)?s?bin\/[^/]+$/
