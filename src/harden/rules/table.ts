import { rule as accounts } from './accounts.ts'
import { rule as adminPrograms } from './admin-programs.ts'
import { rule as backupFiles } from './backup-files.ts'
import { rule as basePrograms } from './base-programs.ts'
import { rule as brokenLinks } from './broken-links.ts'
import { rule as buildFiles } from './build-files.ts'
import { rule as caches } from './caches.ts'
import { rule as crontabs } from './crontabs.ts'
import { rule as dangerousTools } from './dangerous-tools.ts'
import { rule as devices } from './devices.ts'
import { rule as docs } from './docs.ts'
import { rule as fstab } from './fstab.ts'
import { rule as initScripts } from './init-scripts.ts'
import { rule as kernelSettings } from './kernel-settings.ts'
import { rule as localeData } from './locale-data.ts'
import { rule as loginShells } from './login-shells.ts'
import { rule as manPages } from './man-pages.ts'
import { rule as packageManager } from './package-manager.ts'
import type { Rule } from './rule.ts'
import { rule as setuid } from './setuid.ts'
import { rule as stickyTmp } from './sticky-tmp.ts'
import { rule as systemFolders } from './system-folders.ts'
import { rule as unused } from './unused.ts'
import { rule as unusedLibraries } from './unused-libraries.ts'
import { rule as worldWritable } from './world-writable.ts'

/** All rules, in the order in which they work: a later one sees the tree as the earlier ones left it. */
export const rules: readonly Rule[] = [
  unused,
  packageManager,
  initScripts,
  kernelSettings,
  fstab,
  crontabs,
  setuid,
  backupFiles,
  docs,
  manPages,
  localeData,
  caches,
  dangerousTools,
  adminPrograms,
  basePrograms,
  // Only now is it known which compilers stay.
  buildFiles,
  unusedLibraries,
  devices,
  systemFolders,
  // Only now is it known who owns what is left.
  accounts,
  loginShells,
  brokenLinks,
  worldWritable,
  stickyTmp,
]
