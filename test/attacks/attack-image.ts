import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianImage, type TestEngine } from '../engine/harness.ts'

/** The programs that attacks spoil, each its own. */
const PROGRAMS = [
  'rename_race',
  'exchange_race',
  'symbolic_link',
  'overwrite_in_place',
  'overwrite_by_rename',
  'overwrite_again',
  'overwrite_mmap',
  'keep_mapped',
  'write_while_judged',
  'setuid_of_image',
]

/** Debian with python3, the intruder's script and programs to spoil. @returns the tag */
export async function attackImage(engine: TestEngine): Promise<string> {
  const base = await debianImage(engine, { tag: 'paddock-test/python:1', packages: ['python3'] })
  const context = mkdtempSync(join(tmpdir(), 'paddock-attack-image-'))
  try {
    cpSync(join(import.meta.dirname, 'attacks.py'), join(context, 'attacks.py'))
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM ${base}\nCOPY attacks.py /opt/attacks.py\nRUN mkdir /opt/programs && for name in ${PROGRAMS.join(' ')}; do cp /bin/true /opt/programs/$name; done\n`,
    )
    const tag = `${engine.prefix}attack`
    await engine.cli('build', '--network', 'none', '--tag', tag, context)
    return tag
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}
